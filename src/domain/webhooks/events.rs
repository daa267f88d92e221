//! The events that can be told, and filters over them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Every event that some flow tells, by group. Whoever adds one adds it here: a test holds what the flows say against it.
pub const EVENT_TYPES: &[&str] = &[
    "payment.requires_action",
    "payment.captured",
    "payment.failed",
    "payment.cancelled",
    "payment.expired",
    "payment.in_review",
    "payment.held",
    "payment.released",
    "payment.late",
    "dispute.opened",
    "dispute.updated",
    "dispute.closed",
    "refund.awaiting_funds",
    "refund.succeeded",
    "refund.failed",
    "settlement.created",
    "finding.opened",
    "finding.repaired",
    "payout_plan.drafted",
    "payout_plan.in_approval",
    "payout_plan.scheduled",
    "payout_plan.executing",
    "payout_plan.completed",
    "payout_plan.partially_failed",
    "payout_plan.rejected",
    "payout_plan.cancelled",
    "payout_schedule.missed",
    "payout_schedule.failed",
    "supplier.payout_account.changed",
    "supplier.payout_contact.changed",
    "payout.paid",
    "payout.failed",
    "payout.returned",
    "statement.ready",
];

/// What a filter may name as a whole: `payment.*`. A group may have no events yet.
pub const EVENT_GROUPS: &[&str] = &[
    "payment",
    "dispute",
    "refund",
    "settlement",
    "finding",
    "payout_plan",
    "payout_schedule",
    "payout",
    "statement",
    "supplier",
];

/// What a shop's own key hears of: not what others earn, nor what is not understood about money.
pub const STOREFRONT_GROUPS: &[&str] = &["payment", "dispute", "refund"];

/// The event that tries an endpoint out: told to that endpoint alone, whatever its filter.
pub const TEST_EVENT: &str = "webhook_endpoint.test";

/// One event, or a group of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventFilter(String);

/// No such event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event; send one of {known}, or a group such as `payment.*`", known = EVENT_TYPES.join(", "))]
pub struct UnknownEvent(pub String);

impl EventFilter {
    /// Whether all that passes is a shop's own business.
    pub fn is_storefront(&self) -> bool {
        self.0.split_once('.').is_some_and(|(group, _)| STOREFRONT_GROUPS.contains(&group))
    }

    /// Every event of a shop's own business.
    pub fn storefront() -> Vec<EventFilter> {
        STOREFRONT_GROUPS.iter().map(|group| EventFilter(format!("{group}.*"))).collect()
    }

    /// Whether an event passes.
    pub fn passes(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(group) => kind.starts_with(group),
            None => self.0 == kind,
        }
    }
}

impl FromStr for EventFilter {
    type Err = UnknownEvent;
    fn from_str(text: &str) -> Result<EventFilter, UnknownEvent> {
        let group = text.strip_suffix(".*").is_some_and(|group| EVENT_GROUPS.contains(&group));
        if group || EVENT_TYPES.contains(&text) {
            return Ok(EventFilter(text.to_owned()));
        }
        Err(UnknownEvent(text.chars().take(60).collect()))
    }
}

impl TryFrom<String> for EventFilter {
    type Error = UnknownEvent;
    fn try_from(text: String) -> Result<EventFilter, UnknownEvent> {
        text.parse()
    }
}

impl From<EventFilter> for String {
    fn from(filter: EventFilter) -> String {
        filter.0
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an event passes a list of filters; an empty list lets all pass.
pub fn events_of(filters: &[EventFilter], kind: &str) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.passes(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_what_is_known_and_pass_what_they_name() {
        for event in EVENT_TYPES {
            let (group, _) = event.split_once('.').unwrap();
            assert!(EVENT_GROUPS.contains(&group), "{event}");
            assert!(event.parse::<EventFilter>().unwrap().passes(event));
            assert!(format!("{group}.*").parse::<EventFilter>().unwrap().passes(event));
        }
        for unknown in
            ["", "*", "payment", "payment.", "payment.caught", "pay.*", ".*", "payment.*.*", TEST_EVENT]
        {
            assert!(unknown.parse::<EventFilter>().is_err(), "{unknown}");
        }
        for (event, own) in
            [("payment.late", true), ("dispute.*", true), ("finding.opened", false), ("payout.*", false)]
        {
            assert_eq!(event.parse::<EventFilter>().unwrap().is_storefront(), own, "{event}");
        }
        // A group's name that begins another's does not let that one pass.
        let payouts: EventFilter = "payout.*".parse().unwrap();
        assert!(!payouts.passes("payout_plan.approved") && payouts.passes("payout.paid"));
        let one = ["refund.failed".parse().unwrap()];
        assert!(events_of(&[], "refund.succeeded") && !events_of(&one, "refund.succeeded"));
    }
}
