//! The duties of the payment flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::flows::pay::Pay;

use super::duty::{Duty, Pace};
use super::task::Task;

/// Asks gateways about open payments as their ladders say, a lane for each gateway: of all programs on one database one
/// at a time asks a gateway, so that its pace holds over all of them.
#[derive(Debug)]
pub struct ClimbLadders(pub Pay);

#[async_trait]
impl Duty for ClimbLadders {
    fn kind(&self) -> &'static str {
        "climb_ladders"
    }

    fn pace(&self) -> Pace {
        Pace::WhenDue
    }

    fn lanes(&self) -> Vec<String> {
        let mut gateways: Vec<String> =
            self.0.accounts().all().into_iter().map(|open| open.account.gateway.clone()).collect();
        gateways.sort();
        gateways.dedup();
        gateways
    }

    async fn due(&self, gateway: &str) -> Result<Option<DateTime<Utc>>, String> {
        self.0.next_question(gateway).await.map_err(|error| error.to_string())
    }

    fn rest(&self, gateway: &str) -> Option<DateTime<Utc>> {
        self.0.rest_of(gateway)
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        let climbed = self.0.climb(task.payload(), task).await.map_err(|error| error.to_string())?;
        if climbed.asked > 0 {
            tracing::debug!(
                gateway = task.payload(),
                asked = climbed.asked,
                failed = climbed.failed,
                "asked about open payments"
            );
        }
        Ok(())
    }
}

/// Asks about payments of which a call's outcome is open, every two minutes; and about every payment whose end is not
/// known once, when the program starts: nobody heard what was told while it was away.
#[derive(Debug)]
pub struct AskOpenPayments(Pay, AtomicBool);

impl AskOpenPayments {
    /// The duty of a program that has just started.
    pub fn new(pay: Pay) -> AskOpenPayments {
        AskOpenPayments(pay, AtomicBool::new(true))
    }
}

#[async_trait]
impl Duty for AskOpenPayments {
    fn kind(&self) -> &'static str {
        "ask_open_payments"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(2))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        let done = self.0.recover_calls().await.map_err(|error| error.to_string())?;
        if done.asked > 0 {
            tracing::debug!(asked = done.asked, failed = done.failed, notices = done.notices, "asked");
        }
        Ok(())
    }

    async fn at_start(&self) -> Result<(), String> {
        if self.1.swap(false, Ordering::SeqCst) {
            return self.0.recover().await.map(|_| ()).map_err(|error| error.to_string());
        }
        self.run("").await
    }
}

/// Works off notices that are kept and not settled, every fifteen seconds.
#[derive(Debug)]
pub struct DrainInbox(pub Pay);

#[async_trait]
impl Duty for DrainInbox {
    fn kind(&self) -> &'static str {
        "drain_inbox"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::seconds(15))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.drain().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The duties of the payment flow.
pub fn payment_duties(pay: &Pay) -> Vec<Arc<dyn Duty>> {
    vec![
        Arc::new(DrainInbox(pay.clone())),
        Arc::new(AskOpenPayments::new(pay.clone())),
        Arc::new(ClimbLadders(pay.clone())),
    ]
}
