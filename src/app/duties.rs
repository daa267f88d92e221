//! What money flows leave to be done later, as duties of the clock.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::flows::refund::Refunding;
use crate::flows::settle::Settlements;
use crate::jobs::{Duty, Pace};

/// Sends and asks about refunds whose end is not known, every two minutes.
#[derive(Debug)]
pub struct SendRefunds(pub Refunding);

#[async_trait]
impl Duty for SendRefunds {
    fn kind(&self) -> &'static str {
        "send_refunds"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(2))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.recover().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Converts shares that waited for a rate, every ten minutes.
#[derive(Debug)]
pub struct ConvertWaiting(pub Settlements);

#[async_trait]
impl Duty for ConvertWaiting {
    fn kind(&self) -> &'static str {
        "convert_waiting"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(10))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.convert_waiting().await.map(|_| ()).map_err(|error| error.to_string())
    }
}
