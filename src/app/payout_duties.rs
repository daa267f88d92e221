//! What is done about payouts by the clock, or when a change asks for it.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::flows::pay::ASK_BATCH;
use crate::flows::pay_out::{EXECUTE, PayingOut, RUN_SCHEDULE};
use crate::jobs::{Duty, Pace, Task};

/// Writes down and sends what an approved plan of payouts says, as soon as somebody executes it.
#[derive(Debug)]
pub struct ExecutePayouts(pub PayingOut);

#[async_trait]
impl Duty for ExecutePayouts {
    fn kind(&self) -> &'static str {
        EXECUTE
    }

    async fn run(&self, plan: &str) -> Result<(), String> {
        let plan = plan.parse().map_err(|error: crate::ids::IdError| error.to_string())?;
        // What a rail did not take is the next duty's.
        if let Err(error) = self.0.carry_out(plan).await {
            tracing::warn!(%plan, %error, "a plan of payouts is taken up again");
        }
        Ok(())
    }
}

/// So often a date of a schedule is tried; then it failed, and the schedule goes on to its next one. Well before its job
/// would be given up: a schedule whose job is dead would never draft again.
const TRIES: i64 = 10;

/// Drafts what a schedule of payouts wants for a date. The date's row, the plan and the job's end are one change.
#[derive(Debug)]
pub struct RunPayoutSchedule(pub PayingOut);

#[async_trait]
impl Duty for RunPayoutSchedule {
    fn kind(&self) -> &'static str {
        RUN_SCHEDULE
    }

    async fn work(&self, task: &Task) -> Result<(), String> {
        let change = match self.0.run_schedule(task.payload()).await {
            Err(error) if task.failures().await + 1 >= TRIES => {
                let why = format!("tried {TRIES} times: {error}");
                self.0.pass_schedule(task.payload(), &why).await
            }
            tried => tried,
        };
        let change = change.map_err(|error| error.to_string())?;
        task.finish(change).await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Asks about a batch of payouts that a notice named.
#[derive(Debug)]
pub struct AskPayoutBatch(pub PayingOut);

#[async_trait]
impl Duty for AskPayoutBatch {
    fn kind(&self) -> &'static str {
        ASK_BATCH
    }

    async fn run(&self, batch: &str) -> Result<(), String> {
        let batch = batch.parse().map_err(|error: crate::ids::IdError| error.to_string())?;
        self.0.ask(batch).await.map_err(|error| error.to_string())
    }
}

/// Takes up plans and batches of payouts that are not at their end, every two minutes.
#[derive(Debug)]
pub struct AskPayouts(pub PayingOut);

#[async_trait]
impl Duty for AskPayouts {
    fn kind(&self) -> &'static str {
        "ask_payouts"
    }

    fn pace(&self) -> Pace {
        Pace::Sweep(TimeDelta::minutes(2))
    }

    async fn run(&self, _payload: &str) -> Result<(), String> {
        self.0.recover().await.map(|_| ()).map_err(|error| error.to_string())
    }
}
