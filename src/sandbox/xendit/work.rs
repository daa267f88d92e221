//! What the clock does to payouts.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::book::Session;
use super::super::{Sandbox, SandboxError};
use super::{Payout, State, account, notices};

/// A payout is sent to its bank this long after it was taken on, and at its end so long after that.
pub(super) const BEGINS: TimeDelta = TimeDelta::seconds(1);
const TAKES: TimeDelta = TimeDelta::seconds(2);
const COMES_BACK: TimeDelta = TimeDelta::minutes(1);
const OFFLINE: TimeDelta = TimeDelta::hours(1);
const REVIEW: TimeDelta = TimeDelta::days(1);

/// Works off what is due by `now`, each at the moment it fell due.
pub(in super::super) async fn work_off(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    loop {
        let due = session.due::<Payout>(now, u32::MAX).await?;
        if due.is_empty() {
            return Ok(());
        }
        for mut payout in due {
            let at = payout.due.take().unwrap_or(now);
            step(session, &mut payout, at).await?;
            payout.updated = at;
            session.put(&payout).await?;
            let told = match payout.state {
                State::Succeeded => Some("payout.succeeded"),
                State::Failed => Some("payout.failed"),
                State::Reversed => Some("payout.reversed"),
                _ => None,
            };
            if let Some(event) = told {
                notices::tell(sandbox, session, &payout, event).await?;
            }
        }
    }
}

async fn step(session: &mut Session, payout: &mut Payout, at: DateTime<Utc>) -> Result<(), SandboxError> {
    let named = |prefix: &str| payout.holder.starts_with(prefix);
    match payout.state {
        State::Accepted if named("Review") => {
            (payout.state, payout.due) = (State::Assessed, Some(at + REVIEW));
        }
        State::Accepted if named("Offline") && at < payout.created + OFFLINE => {
            payout.due = Some(payout.created + OFFLINE);
        }
        State::Accepted => (payout.state, payout.due) = (State::Requested, Some(at + TAKES)),
        State::Assessed => {
            payout.state = State::ComplianceRejected;
            account::release(session, payout, false).await?;
        }
        State::Requested => {
            let refused = [("Fail", "INVALID_DESTINATION"), ("Reject", "REJECTED_BY_CHANNEL")].into_iter();
            let failure =
                refused.into_iter().find(|(prefix, _)| named(prefix)).map(|(_, code)| code.to_owned());
            let back = named("Reverse");
            account::release(session, payout, failure.is_none()).await?;
            payout.state = if failure.is_some() { State::Failed } else { State::Succeeded };
            payout.failure = failure;
            payout.due = back.then_some(at + COMES_BACK);
        }
        State::Succeeded => {
            account::add(session, &payout.business_id, payout.amount).await?;
            payout.state = State::Reversed;
            payout.failure = Some("INVALID_DESTINATION".to_owned());
        }
        State::Failed | State::Cancelled | State::ComplianceRejected | State::Reversed => {}
    }
    Ok(())
}
