//! What a bank's status report says of a batch, whether its channel answers or a person brings it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::bank_id::bank_id;
use super::{Level, StatusCount, StatusReport, TransactionStatus};
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::{PayoutBatchReport, PayoutBatchRequest, PayoutOrder};
use crate::ids::PayoutId;
use crate::money::Money;

/// Why a report says nothing of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaidError {
    /// It is about another file.
    #[error("the bank's status report is about another file")]
    OtherFile,
    /// The bank read something else than was written, or says two things at once.
    #[error(
        "the bank read {read} where the file has {written} ({place}): nothing of its status report is taken. Ask the bank \
         which file it read and hand in its report on this one"
    )]
    Differs {
        /// The element that says so.
        place: String,
        /// In the bank's words.
        read: String,
        /// As it was written.
        written: String,
    },
    /// The bank refuses and does not say whom: anybody may be meant.
    #[error(
        "the bank says {status} in {place} and names nobody there: nothing of its status report is taken. Ask the bank \
         whom it means and hand in its report that names them"
    )]
    Unnamed {
        /// The element that says so.
        place: &'static str,
        /// In the bank's words.
        status: String,
    },
}

/// What the bank says of each payout of a batch: its own word, else the batch's, else the whole file's. A payment that
/// it names and that is none of the batch is told as well, so that somebody looks.
///
/// # Errors
/// [`SaidError`]; an amount that is not the payment's is another file's, and a refusal of nobody knows whom is none.
pub fn said(
    batch: &PayoutBatchRequest,
    told: &StatusReport,
    at: DateTime<Utc>,
) -> Result<PayoutBatchReport, SaidError> {
    if !names(&told.message, batch) {
        return Err(SaidError::OtherFile);
    }
    amounts(batch, told)?;
    all_named(told)?;
    let whole = of_all(batch, told);
    let mut each: BTreeMap<String, PayoutStatus> = BTreeMap::new();
    for (name, status) in of_each(told) {
        let ours = bank_id(name).map(|id: PayoutId| id.to_string());
        let (meaning, name) = (status.meaning(), ours.unwrap_or_else(|| name.to_owned()));
        match each.get_mut(&name) {
            // Said twice and not the same: nothing is concluded.
            Some(before) if *before != meaning => {
                *before = PayoutStatus::Unknown { raw: "it is said twice, and differently".to_owned() };
            }
            Some(_) => {}
            None => {
                each.insert(name, meaning);
            }
        }
    }
    let says = |payout, status| PayoutReport { payout, rail_ref: None, status, stated: None, fee: None, at };
    let mut payouts: Vec<PayoutReport> = vec![];
    for order in &batch.orders {
        let own = each.remove(&order.payout.to_string());
        let status = own.or(whole.map(TransactionStatus::meaning)).unwrap_or(PayoutStatus::Pending);
        payouts.push(says(order.payout, status));
    }
    for (stranger, status) in each {
        match stranger.parse() {
            Ok(payout) => payouts.push(says(payout, status)),
            Err(_) => {
                let name = stranger.escape_debug();
                tracing::warn!(batch = %batch.batch, %name, "the bank speaks of a payment that is none of ours");
            }
        }
    }
    Ok(PayoutBatchReport { rail_ref: Some(batch.request_ref.clone()), payouts })
}

/// What it says of all payments that have no word of their own: the batch's word, else the whole file's.
fn of_all<'a>(batch: &PayoutBatchRequest, told: &'a StatusReport) -> Option<&'a TransactionStatus> {
    let at = |level: Level| told.statuses.iter().filter(move |status| status.level == level);
    let of_batch = at(Level::Batch).find(|status| names(&status.batch, batch));
    of_batch.or_else(|| at(Level::Group).next())
}

/// What it says of single payments, by their names; what names nobody says nothing.
fn of_each(told: &StatusReport) -> impl Iterator<Item = (&str, &TransactionStatus)> {
    told.statuses.iter().filter_map(|status| match &status.level {
        Level::One(name) if !name.is_empty() => Some((name.as_str(), status)),
        Level::One(_) | Level::Batch | Level::Group => None,
    })
}

/// Whether it says of every refusal whom it refuses.
fn all_named(told: &StatusReport) -> Result<(), SaidError> {
    let nobody = |status: &TransactionStatus| match &status.level {
        // A name of the bank's own is nobody's: whom it means would take the word of all.
        Level::One(name) if bank_id::<PayoutId>(name).is_none() => Some("TxInfAndSts"),
        Level::Batch if status.batch.is_empty() => Some("OrgnlPmtInfAndSts"),
        Level::One(_) | Level::Batch | Level::Group => None,
    };
    for status in told.statuses.iter().filter(|status| is_refusal(&status.status)) {
        if let Some(place) = nobody(status) {
            return Err(SaidError::Unnamed { place, status: shown(&status.status) });
        }
    }
    Ok(())
}

/// Whether a bank means this batch by a name.
fn names(name: &str, batch: &PayoutBatchRequest) -> bool {
    name == batch.request_ref || bank_id(name) == Some(batch.batch)
}

/// What a bank wrote, as it is told.
fn shown(text: &str) -> String {
    if text.is_empty() { "?".to_owned() } else { text.escape_debug().to_string() }
}

/// Whether single payments have the amounts that were written, where the report repeats them.
fn amounts(batch: &PayoutBatchRequest, told: &StatusReport) -> Result<(), SaidError> {
    let orders: BTreeMap<PayoutId, Money> =
        batch.orders.iter().map(|order| (order.payout, order.amount)).collect();
    for (name, status) in of_each(told) {
        let (number, currency) = &status.amount;
        let ours = bank_id(name).and_then(|id: PayoutId| orders.get_key_value(&id));
        let Some((payout, amount)) = ours.filter(|_| !number.is_empty()) else { continue };
        let same = Decimal::from_str_exact(number) == Ok(amount.amount());
        if !same || *currency != amount.currency().code() {
            return Err(SaidError::Differs {
                place: format!("OrgnlTxRef/Amt/InstdAmt of {payout}"),
                read: format!("{} {}", shown(currency), shown(number)),
                written: amount.to_string(),
            });
        }
    }
    Ok(())
}

/// Whether the bank read what was written: how many payments and their sum, of the file and of its batch, wherever the
/// report says them, all together and by status; what the call did not carry is left out.
///
/// # Errors
/// [`SaidError`].
pub fn held_against(batch: &PayoutBatchRequest, told: &StatusReport) -> Result<(), SaidError> {
    if !names(&told.message, batch) {
        return Err(SaidError::OtherFile);
    }
    let (count, sum) = written(batch);
    for read in told.sums.iter().filter(|read| read.batch.is_empty() || names(&read.batch, batch)) {
        let place = if read.batch.is_empty() { "OrgnlGrpInfAndSts" } else { "OrgnlPmtInfAndSts" };
        let counts = read.count.is_empty() || read.count.parse() == Ok(count);
        let sums = read.sum.is_empty() || Decimal::from_str_exact(&read.sum) == Ok(sum);
        if !counts || !sums {
            return Err(SaidError::Differs {
                place: place.to_owned(),
                read: format!("{} payments of {} in all", shown(&read.count), shown(&read.sum)),
                written: format!("{count} of {sum}"),
            });
        }
        by_status(batch, told, &read.each, place)?;
    }
    amounts(batch, told)
}

/// The payments of the file.
fn carried(batch: &PayoutBatchRequest) -> impl Iterator<Item = &PayoutOrder> {
    let carried = batch.carried.as_ref();
    batch.orders.iter().filter(move |order| carried.is_none_or(|carried| carried.contains(&order.payout)))
}

/// How many they are, and their sum.
fn written(batch: &PayoutBatchRequest) -> (usize, Decimal) {
    carried(batch).fold((0, Decimal::ZERO), |(count, sum), order| (count + 1, sum + order.amount.amount()))
}

/// Whether the counts by status are of this file's payments, and of what the report itself says of each: no more of any
/// status than are counted, and as many refused. A bank need not count every status, nor name every payment that it took.
fn by_status(
    batch: &PayoutBatchRequest,
    told: &StatusReport,
    each: &[StatusCount],
    place: &str,
) -> Result<(), SaidError> {
    let differs = |read: String, written: String| SaidError::Differs {
        place: format!("{place}/NbOfTxsPerSts"),
        read,
        written,
    };
    let (count, sum) = written(batch);
    let (mut counted, mut summed) = (0_usize, Decimal::ZERO);
    let worded = worded(batch, told);
    for one in each {
        let said =
            format!("{} payments {} of {} in all", shown(&one.count), shown(&one.status), shown(&one.sum));
        let unread = || differs(said.clone(), format!("{count} of {sum}"));
        let many: usize = one.count.parse().map_err(|_| unread())?;
        let money = match one.sum.is_empty() {
            true => None,
            false => Some(Decimal::from_str_exact(&one.sum).map_err(|_| unread())?),
        };
        counted = counted.saturating_add(many);
        summed = summed.saturating_add(money.unwrap_or_default());
        let (own, own_sum) = worded.get(one.status.as_str()).copied().unwrap_or_default();
        let as_many = own == many && money.is_none_or(|money| money == own_sum);
        // Of those that it took a bank names what it likes; a refusal of nobody knows whom is none.
        if own > many || ((own == many || is_refusal(&one.status)) && !as_many) {
            return Err(differs(said, format!("{own} of {own_sum} by the report's own words")));
        }
    }
    if counted > count || summed > sum {
        return Err(differs(
            format!("{counted} payments of {summed} over all statuses"),
            format!("{count} of {sum}"),
        ));
    }
    // All are counted: there is none of another status, least of all a refused one.
    let missed = worded.iter().find(|(status, _)| each.iter().all(|one| one.status != **status));
    match missed.filter(|(status, _)| counted == count && count > 0 && is_refusal(status)) {
        Some((status, (own, own_sum))) => Err(differs(
            format!("no payments {status}"),
            format!("{own} of {own_sum} by the report's own words"),
        )),
        None => Ok(()),
    }
}

fn is_refusal(status: &str) -> bool {
    let status = TransactionStatus { status: status.to_owned(), ..TransactionStatus::default() };
    matches!(status.meaning(), PayoutStatus::Failed { .. })
}

/// How many payments have which status by the report's own words, and their sums.
fn worded<'a>(batch: &PayoutBatchRequest, told: &'a StatusReport) -> BTreeMap<&'a str, (usize, Decimal)> {
    let mut own: BTreeMap<PayoutId, &str> = BTreeMap::new();
    for (name, status) in of_each(told) {
        if let Some(payout) = bank_id(name) {
            own.insert(payout, &status.status);
        }
    }
    let whole = of_all(batch, told).map(|status| status.status.as_str());
    let mut words: BTreeMap<&str, (usize, Decimal)> = BTreeMap::new();
    for order in carried(batch) {
        let Some(word) = own.get(&order.payout).copied().or(whole) else { continue };
        let (count, sum) = words.entry(word).or_default();
        (*count, *sum) = (*count + 1, *sum + order.amount.amount());
    }
    words
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::ids::PayoutBatchId;

    /// It may be any of the batch, and would take the word of all as paid.
    #[test]
    fn a_refusal_under_the_banks_own_name_is_of_nobody() {
        let batch: PayoutBatchId = "pob_01kb0000000000000000000001".parse().unwrap();
        let batch = PayoutBatchRequest {
            batch,
            request_ref: "m".to_owned(),
            rail_ref: None,
            orders: vec![],
            carried: None,
            debtor: None,
            execute_on: NaiveDate::default(),
            made_at: DateTime::UNIX_EPOCH,
        };
        let told = |name: &str, status: &str| {
            let status = TransactionStatus {
                level: Level::One(name.to_owned()),
                status: status.to_owned(),
                ..TransactionStatus::default()
            };
            let told = StatusReport { message: "m".to_owned(), statuses: vec![status], sums: vec![] };
            said(&batch, &told, DateTime::UNIX_EPOCH).map(|said| said.payouts.len())
        };
        let nobody = SaidError::Unnamed { place: "TxInfAndSts", status: "RJCT".to_owned() };
        assert_eq!(told("BANK 7", "RJCT"), Err(nobody.clone()));
        assert_eq!(told("", "RJCT"), Err(nobody));
        assert_eq!(told("BANK 7", "ACSP"), Ok(0), "it refuses nobody");
        assert_eq!(told("po-01KB0000000000000000000002", "RJCT"), Ok(1), "told, so that somebody looks");
    }
}
