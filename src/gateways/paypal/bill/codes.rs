//! PayPal's transaction event codes, `Tggss`: group and sub-code. PayPal itself says that the group is enough to
//! reconcile; sub-codes are named where two of one group move money for different reasons.

use crate::domain::reconciliation::BillKind;

/// Codes that mean something else than their group.
const CODES: &[(&str, BillKind)] = &[
    ("T0001", BillKind::Payout),
    ("T0106", BillKind::DisputeFee),
    ("T1105", BillKind::HoldReleased),
    ("T1106", BillKind::Chargeback),
    ("T1107", BillKind::Refund),
    ("T1110", BillKind::Hold),
    ("T1111", BillKind::HoldReleased),
    ("T1114", BillKind::PayoutReturned),
    ("T1115", BillKind::PayoutReturned),
    ("T1201", BillKind::Chargeback),
    ("T1202", BillKind::ChargebackReversed),
];

/// Groups.
const GROUPS: &[(&str, BillKind)] = &[
    ("T00", BillKind::Payment),
    ("T01", BillKind::Fee),
    ("T02", BillKind::Conversion),
    ("T03", BillKind::Deposit),
    ("T04", BillKind::Withdrawal),
    ("T11", BillKind::Reversal),
    ("T12", BillKind::Adjustment),
    ("T13", BillKind::Authorisation),
    ("T15", BillKind::Hold),
    ("T19", BillKind::Adjustment),
    ("T20", BillKind::Sweep),
    ("T21", BillKind::Reserve),
];

/// What a code means. A group that nobody here knows is kept with its word; `None` for what is no word at all.
pub(super) fn kind(code: &str) -> Option<BillKind> {
    let known = CODES.iter().find(|(known, _)| *known == code);
    let digits =
        code.strip_prefix('T').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let group = GROUPS.iter().find(|(group, _)| digits && code.len() == 5 && code.starts_with(group));
    if let Some((_, kind)) = known.or(group) {
        return Some(kind.clone());
    }
    let word = (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.then(|| BillKind::Unknown { raw: code.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_fact_sheet_has_its_kind() {
        for (code, word) in [
            ("T0000", "payment"),
            ("T0006", "payment"),
            ("T0001", "payout"),
            ("T0104", "fee"),
            ("T0106", "dispute_fee"),
            ("T0107", "fee"),
            ("T0200", "conversion"),
            ("T0300", "deposit"),
            ("T0400", "withdrawal"),
            ("T1105", "hold_released"),
            ("T1106", "chargeback"),
            ("T1107", "refund"),
            ("T1110", "hold"),
            ("T1111", "hold_released"),
            ("T1114", "payout_returned"),
            ("T1115", "payout_returned"),
            ("T1101", "reversal"),
            ("T1201", "chargeback"),
            ("T1202", "chargeback_reversed"),
            ("T1200", "adjustment"),
            ("T1300", "authorisation"),
            ("T1503", "hold"),
            ("T1900", "adjustment"),
            ("T2001", "sweep"),
            ("T2103", "reserve"),
            ("T0500", "unknown"),
            ("T9701", "unknown"),
            ("T00", "unknown"),
            ("T00006", "unknown"),
            ("NEW", "unknown"),
        ] {
            assert_eq!(kind(code).unwrap().as_str(), word, "{code}");
        }
        assert_eq!(kind("T9701"), Some(BillKind::Unknown { raw: "T9701".into() }));
        for nothing in ["", "=T0000", "T0000 ", "ABCDEFGHIJKLMNOPQ"] {
            assert_eq!(kind(nothing), None, "{nothing}");
        }
    }
}
