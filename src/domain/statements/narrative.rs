//! What a line says, in the words of the person who reads it.

use crate::domain::ledger::JournalEvent;

use super::Side;

/// The words for one line: what happened, and which way the money went.
///
/// The list has no `_`: a new event does not compile until it has its words.
pub fn narrative(event: JournalEvent, side: Side) -> &'static str {
    use JournalEvent as E;
    match (event, side) {
        (E::Opening, _) => "Balance brought in",
        (E::Split, Side::Credit) => "Your share of a sale",
        (E::Split, Side::Debit) => "Charge on a sale",
        (E::ConvertedInternal | E::ConvertedByGateway, Side::Debit) => "Converted into another currency",
        (E::ConvertedInternal | E::ConvertedByGateway, Side::Credit) => "Converted from another currency",
        (E::RefundDecided, Side::Debit) => "Refund to the shopper",
        (E::RefundDecided | E::RefundFailed, Side::Credit) => "Refund undone",
        (E::RefundFailed, Side::Debit) => "Refund repeated",
        (E::RefundConfirmed, _) => "Refund paid out",
        (E::FeeReturned, Side::Credit) => "Gateway fee returned",
        (E::FeeReturned, Side::Debit) => "Returned gateway fee taken back",
        (E::Reversed, Side::Debit) => "Payment taken back by the gateway",
        (E::Reversed, Side::Credit) => "Payment given back by the gateway",
        (E::FeeCharged | E::FeeAccrued | E::FeeBorne, Side::Debit) => "Gateway fee",
        (E::FeeCharged | E::FeeAccrued | E::FeeBorne, Side::Credit) => "Gateway fee corrected",
        (E::Captured | E::CapturedUnmatched | E::CapturedTwice, _) => "Payment received",
        (E::CaptureExpected, _) => "Payment expected",
        (E::ExpectationEnded, _) => "Payment no longer expected",
        (E::Delivered, _) => "Goods delivered",
        (E::GatewayHeld, _) => "Held by the gateway",
        (E::GatewayReleased, _) => "Released by the gateway",
        (E::DisputeHeld, _) => "Held because of a dispute",
        (E::DisputeReleased, _) => "Released after a dispute",
        (E::ChargedBack, Side::Debit) => "Charged back in a dispute",
        (E::ChargedBack, Side::Credit) => "Charge-back corrected",
        (E::ChargebackReversed, Side::Credit) => "Given back after a dispute",
        (E::ChargebackReversed, Side::Debit) => "Given back after a dispute, corrected",
        (E::DisputeFeeCharged | E::DisputeFeeRecharged, _) => "Fee for a dispute",
        (E::DisputeFeeReturned | E::DisputeFeeUnborne, _) => "Fee for a dispute returned",
        (E::Manual, _) => "Adjustment by hand",
        (E::SuspenseBooked, _) => "Unexplained money",
        (E::SuspenseResolved | E::BankMatched | E::BankBorne, _) => "Unexplained money assigned",
        (E::FeeTruedUp | E::FeeInvoiced | E::InvoicePaidAgain, _) => "Gateway fee settled",
        (E::InvoiceReturned, _) => "Gateway fee owed again",
        (E::GatewaySettled, _) => "Paid out by the gateway",
        (E::BankCredited, _) => "Received at the bank",
        (E::BankUnexplained, _) => "Unexplained money at the bank",
        (E::BankReversed, _) => "Taken back by the bank",
        (E::Released, _) => "Released for payout",
        (E::ToppedUp, _) => "Own money moved",
        (E::PayoutInstructed, _) => "Payout on its way",
        (E::PayoutConfirmed, _) => "Payout paid",
        (E::PayoutFeeCharged, _) => "Payout fee",
        (E::PayoutFeeReturned, _) => "Payout fee returned",
        (E::PayoutUnclaimed, _) => "Payout not yet taken",
        (E::PayoutClaimed, _) => "Payout taken",
        (E::PayoutFailed, _) => "Payout refused, back in your balance",
        (E::PayoutReturned, _) => "Payout came back",
        (E::ReserveHeld, _) => "Kept in reserve",
        (E::ReserveReleased, _) => "Released from reserve",
        (E::DebtNetted, _) => "Set against what you owe",
        (E::DebtSetOff, _) => "Set against what you owe in another currency",
        (E::TaxWithheld, Side::Debit) => "Tax withheld",
        (E::TaxWithheld, Side::Credit) => "Withheld tax given back",
        (E::TaxRemitted, _) => "Withheld tax paid to the authority",
        (E::TaxReturned, _) => "Withheld tax came back unpaid",
        (E::BankCharged, _) => "Charged by the bank",
        (E::ConvertedMarket | E::Realized, _) => "Converted at the market",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_words_and_no_code_shines_through() {
        for event in JournalEvent::ALL {
            for side in [Side::Credit, Side::Debit] {
                let words = narrative(*event, side);
                assert!(words.len() > 8 && !words.contains('_'), "{event}: {words}");
                assert!(words.starts_with(char::is_uppercase), "{event}: {words}");
            }
        }
    }

    #[test]
    fn what_can_go_both_ways_says_which() {
        for event in [JournalEvent::Split, JournalEvent::ConvertedInternal, JournalEvent::Reversed] {
            assert_ne!(narrative(event, Side::Credit), narrative(event, Side::Debit), "{event}");
        }
    }
}
