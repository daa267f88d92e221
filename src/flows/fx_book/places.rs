//! Where a deal's money came from and went: accounts of the merchant's own, in the deal's currencies, and what else
//! knows of that money. A bank's line that nobody could explain is explained by it; one that is yet to come will be.

use std::collections::BTreeMap;

use crate::domain::deposits::{BankLine, DepositState, GatewaySettlement, LineState};
use crate::domain::fx_book::{FxDeal, Leg, Place, Side};
use crate::domain::ledger::ClientMoney;
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::flows::deposits::DEAL_DAYS;
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::store::{AsOf, Change, Versioned};

use super::record::{NewDeal, NewLeg, NewPlace};
use super::{FxBook, FxBookError, broken};

/// A deal's places, with the rows that change with it.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub from: Vec<Leg>,
    pub into: Vec<Leg>,
    pub charge: Option<Leg>,
    /// What accounts of the merchant's own pay and get of it.
    own: (Money, Money),
    /// What a client account bears of the charge.
    borne: Option<Money>,
    /// What of it lines of client accounts moved before: the books' balances have it already.
    shown: Vec<Money>,
    settlements: Vec<Versioned<GatewaySettlement>>,
    lines: Vec<Versioned<BankLine>>,
}

pub(super) fn refused(param: impl Into<String>, why: impl Into<String>) -> FxBookError {
    FxBookError::Refused { param: param.into(), why: why.into() }
}

impl FxBook {
    /// Finds what a deal names.
    pub(super) async fn places(&self, merchant: MerchantId, told: &NewDeal) -> Result<Places, FxBookError> {
        let mut places = Places {
            from: vec![],
            into: vec![],
            charge: None,
            own: (Money::zero(told.sold.currency()), Money::zero(told.bought.currency())),
            borne: None,
            shown: vec![],
            settlements: vec![],
            lines: vec![],
        };
        places.from = self.side(&mut places, merchant, Side::From, &told.paid_from, told.sold, told).await?;
        places.into =
            self.side(&mut places, merchant, Side::Into, &told.paid_into, told.bought, told).await?;
        if let Some(charge) = &told.charge {
            let NewPlace::BankAccount(id) = &charge.place else {
                return Err(refused("charge", "a bank's charge comes off a bank account"));
            };
            let amount = charge.amount.filter(|amount| amount.is_positive());
            let amount = amount.ok_or_else(|| refused("charge.amount", "it must be above zero"))?;
            let account = self.bank_account(merchant, *id, "charge.bank_account").await?;
            if account.currency != amount.currency() {
                let why = format!(
                    "{} is in {}, the charge in {}",
                    account.name,
                    account.currency,
                    amount.currency()
                );
                return Err(refused("charge.amount", why));
            }
            let mut leg = Leg { place: in_bank(&account), amount };
            places.borne = (!is_own(&leg)).then_some(amount);
            self.read_before(&mut places, Side::From, std::slice::from_mut(&mut leg), merchant, told).await?;
            places.charge = Some(leg);
        }
        self.check_owners(merchant, &places, told).await?;
        Ok(places)
    }

    async fn side(
        &self,
        places: &mut Places,
        merchant: MerchantId,
        side: Side,
        told: &[NewLeg],
        whole: Money,
        deal: &NewDeal,
    ) -> Result<Vec<Leg>, FxBookError> {
        let name = match side {
            Side::From => "paid_from",
            Side::Into => "paid_into",
        };
        let mut legs = Vec::with_capacity(told.len().max(1));
        if told.is_empty() {
            let place = match self.the_one(merchant, name, whole).await {
                Ok(account) => in_bank(&account),
                Err(refusal) if side == Side::Into => return Err(refusal),
                Err(refusal) => self.found(places, merchant, whole).await?.ok_or(refusal)?,
            };
            legs.push(Leg { place, amount: whole });
        }
        for (nth, leg) in told.iter().enumerate() {
            let param = format!("{name}[{nth}]");
            let (place, amount) = self.place(places, merchant, (side, whole), leg, &param).await?;
            if amount.is_none() && told.iter().filter(|leg| leg.amount.is_none()).count() > 1 {
                return Err(refused(
                    format!("{param}.amount"),
                    "only one part of a side goes without its amount",
                ));
            }
            let given = told.iter().filter_map(|leg| leg.amount);
            let given = given.filter(|amount| amount.currency() == whole.currency());
            let given = Money::sum(whole.currency(), given).map_err(broken)?;
            let rest = whole.checked_sub(given).map_err(broken)?;
            legs.push(Leg { place, amount: amount.unwrap_or(rest) });
        }
        FxDeal::check_parts(name, &legs, whole)?;
        let own = legs.iter().filter(|leg| is_own(leg)).map(|leg| leg.amount);
        let own = Money::sum(whole.currency(), own).map_err(broken)?;
        match side {
            Side::From => places.own.0 = own,
            Side::Into => places.own.1 = own,
        }
        self.read_before(places, side, &mut legs, merchant, deal).await?;
        // What the bank's own line does not show leaving its account leaves it only if it is there.
        if told.is_empty()
            && side == Side::From
            && let [Leg { place, .. }] = &mut legs[..]
            && matches!(place, Place::Bank { .. })
            && !self.has(merchant, place, whole).await?
        {
            let why = format!("{} has less than {whole}; say where this side is", place.account());
            let found = self.found(places, merchant, whole).await?;
            *place = found.ok_or_else(|| refused(name, why))?;
        }
        Ok(legs)
    }

    /// Parts at banks whose lines were read before and stand in suspense: the line that names the deal, whenever it was
    /// booked, else the only one of its sum near the deal's day.
    async fn read_before(
        &self,
        places: &mut Places,
        side: Side,
        legs: &mut [Leg],
        merchant: MerchantId,
        deal: &NewDeal,
    ) -> Result<(), FxBookError> {
        for leg in legs {
            let Place::Bank { id, name, kind } = &leg.place else { continue };
            let moved = if side == Side::From { leg.amount.negated() } else { leg.amount };
            let taken: Vec<_> = places.lines.iter().map(|row| row.value.id).collect();
            let may_be = |line: &BankLine| {
                line.bank_account == *id
                    && line.state == LineState::Suspense
                    && line.line.amount == moved
                    && !taken.contains(&line.id)
                    && (days_apart(line, deal) <= DEAL_DAYS || line.line.tells_of(&deal.bank_ref))
            };
            let mut found = self.store.open_bank_lines(merchant, moved.currency(), may_be).await?;
            found.sort_by_key(|row| {
                (!row.value.line.tells_of(&deal.bank_ref), days_apart(&row.value, deal), row.value.id)
            });
            let is_named = found.first().is_some_and(|row| row.value.line.tells_of(&deal.bank_ref));
            if !is_named && found.len() != 1 {
                continue;
            }
            let line = found.swap_remove(0);
            if *kind == BankAccountKind::Client {
                places.shown.push(moved);
            }
            leg.place = Place::Suspense { id: *id, name: name.clone(), line: line.value.id };
            places.lines.push(line);
        }
        Ok(())
    }

    /// The one place outside banks where so much is; a gateway's payout changes with the deal.
    async fn found(
        &self,
        places: &mut Places,
        merchant: MerchantId,
        whole: Money,
    ) -> Result<Option<Place>, FxBookError> {
        let found = self.elsewhere(merchant, whole).await?;
        Ok(found.map(|(place, payout)| {
            places.settlements.extend(payout);
            place
        }))
    }

    async fn place(
        &self,
        places: &mut Places,
        merchant: MerchantId,
        (side, whole): (Side, Money),
        leg: &NewLeg,
        param: &str,
    ) -> Result<(Place, Option<Money>), FxBookError> {
        match &leg.place {
            NewPlace::BankAccount(id) => {
                let account = self.bank_account(merchant, *id, &format!("{param}.bank_account")).await?;
                let moved = leg.amount.unwrap_or(whole).currency();
                if account.currency != moved {
                    let why = format!("{} is in {}, this part in {moved}", account.name, account.currency);
                    return Err(refused(format!("{param}.bank_account"), why));
                }
                Ok((in_bank(&account), leg.amount))
            }
            NewPlace::GatewayAccount(name) => {
                let param = format!("{param}.gateway_account");
                let accounts = self.store.gateway_accounts().await?;
                let own = |row: &&Versioned<crate::store::merchants::StoredGatewayAccount>| {
                    row.value.account.merchant == merchant && row.value.account.name == *name
                };
                let Some(found) = accounts.iter().find(own) else {
                    return Err(refused(param, format!("there is no gateway account `{name}`")));
                };
                if !found.value.account.lands_on_balance() {
                    let why = format!("`{name}` keeps no balance to spend: it pays out what it takes");
                    return Err(refused(param, why));
                }
                Ok((Place::Gateway { gateway_account: name.clone() }, leg.amount))
            }
            NewPlace::GatewaySettlement(id) => {
                let param = format!("{param}.gateway_settlement");
                if side == Side::Into {
                    return Err(refused(param, "a payout of a gateway is where money comes from"));
                }
                let Some(found) = self.store.gateway_settlement(merchant, *id).await? else {
                    return Err(refused(param, format!("there is no gateway settlement {id}")));
                };
                if found.value.state != DepositState::InTransit {
                    let why = format!("{id} is `{}`, not on its way", found.value.state.as_str());
                    return Err(refused(param, why));
                }
                let net = found.value.batch.net;
                if leg.amount.is_some_and(|amount| amount != net) {
                    let why = format!("{id} comes to {net}; a payout is changed whole");
                    return Err(refused(param, why));
                }
                if places.settlements.iter().any(|row| row.value.id == *id) {
                    return Err(refused(param, format!("{id} is named twice")));
                }
                let gateway_account = found.value.gateway_account.clone();
                places.settlements.push(found);
                Ok((Place::InTransit { settlement: *id, gateway_account }, Some(net)))
            }
        }
    }

    /// What a deal makes the merchant's own was the merchant's own: what own accounts get beyond their part of what is sold,
    /// and a charge that a client account bears, are refused where anything is short in any currency once the deal is done.
    async fn check_owners(
        &self,
        merchant: MerchantId,
        places: &Places,
        told: &NewDeal,
    ) -> Result<(), FxBookError> {
        let beyond = beyond_own_part(places.own, told.sold, told.bought)?;
        let charge = places.borne;
        let (taken, param, way) = match (beyond, charge) {
            (Some(beyond), _) => (beyond, "paid_into", "name a client account"),
            (None, Some(charge)) => {
                (charge, "charge", "leave the charge out: its line of the bank waits for two persons")
            }
            (None, None) => return Ok(()),
        };
        let trial = self.store.trial_balance(merchant, AsOf::Now).await?;
        let sold = told.sold.checked_sub(places.own.0).map_err(broken)?;
        let bought = told.bought.checked_sub(places.own.1).map_err(broken)?;
        let mut free: BTreeMap<Currency, Money> = BTreeMap::new();
        let mut add = |amount: Money| {
            let held = free.entry(amount.currency()).or_insert(Money::zero(amount.currency()));
            held.checked_add(amount).map(|sum| *held = sum).map_err(broken)
        };
        for check in ClientMoney::of(&trial).map_err(broken)? {
            add(check.difference().map_err(broken)?)?;
        }
        let moves = [Some(sold.negated()), Some(bought), charge.map(Money::negated)];
        let shown = places.shown.iter().map(|moved| moved.negated());
        moves.into_iter().flatten().chain(shown).try_for_each(add)?;
        match free.values().find(|difference| difference.is_negative()) {
            None => Ok(()),
            Some(short) => {
                let why = format!(
                    "{taken} of clients' money would become your own, and {short} would be short: {way}"
                );
                Err(refused(param, why))
            }
        }
    }

    async fn bank_account(
        &self,
        merchant: MerchantId,
        id: crate::ids::BankAccountId,
        param: &str,
    ) -> Result<BankAccount, FxBookError> {
        let found = self.store.bank_account(merchant, id).await?;
        let found = found.ok_or_else(|| refused(param, format!("there is no bank account {id}")))?;
        Ok(found.account)
    }

    /// What else changes with a deal: payouts that are received, lines that are explained, lines that are expected.
    pub(super) async fn move_places(
        &self,
        change: &mut Change,
        deal: &FxDeal,
        places: &Places,
    ) -> Result<(), FxBookError> {
        for row in &places.settlements {
            let state = DepositState::Received { line: None, at: deal.recorded_at };
            let value = GatewaySettlement { state, ..row.value.clone() };
            change.update_gateway_settlement(&Versioned { value, version: row.version });
        }
        for row in &places.lines {
            let value = BankLine { state: LineState::Converted { deal: deal.id }, ..row.value.clone() };
            self.deposits.close_line(change, &value, "a market deal was recorded").await?;
            change.update_bank_line(&Versioned { value, version: row.version });
        }
        let paid = deal.paid_from.iter().chain(&deal.charge).map(|leg| (leg, leg.amount.negated()));
        let paid = paid.chain(deal.paid_into.iter().map(|leg| (leg, leg.amount)));
        for (nth, (leg, amount)) in paid.enumerate() {
            match &leg.place {
                Place::Bank { id, .. } => {
                    change.insert_fx_bank_leg(deal, nth, *id, amount, None);
                }
                Place::Suspense { id, line, .. } => {
                    change.insert_fx_bank_leg(deal, nth, *id, amount, Some(*line));
                }
                Place::InTransit { .. } | Place::Gateway { .. } => {}
            }
        }
        Ok(())
    }
}

fn is_own(leg: &Leg) -> bool {
    matches!(leg.place, Place::Bank { kind: BankAccountKind::Own, .. })
}

/// What own accounts, of what they pay and get, get of what clients' accounts sold: in the currency sold, rounded up.
fn beyond_own_part(own: (Money, Money), sold: Money, bought: Money) -> Result<Option<Money>, FxBookError> {
    let minor = |amount: Money| i128::from(amount.minor());
    // Products of two amounts stay within 128 bits.
    let beyond = minor(own.1) * minor(sold) - minor(own.0) * minor(bought);
    if beyond <= 0 || !bought.is_positive() {
        return Ok(None);
    }
    let whole = (beyond + minor(bought) - 1) / minor(bought);
    Ok(Some(Money::from_minor(i64::try_from(whole).map_err(broken)?, sold.currency())))
}

fn in_bank(account: &BankAccount) -> Place {
    Place::Bank { id: account.id, name: account.name.clone(), kind: account.kind }
}

fn days_apart(line: &BankLine, deal: &NewDeal) -> i64 {
    (line.line.booked_on - deal.value_date).num_days().abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_accounts_get_their_part_and_what_is_beyond_is_clients() {
        let money = |minor, code: &'static str| Money::from_minor(minor, Currency::known(code));
        let (sold, bought) = (money(10_000, "USD"), money(9_000, "EUR"));
        for (paid, got, beyond) in [
            (0, 0, None),
            (4_000, 3_600, None),
            (4_000, 3_601, Some(2)),
            (4_000, 3_599, None),
            (0, 9_000, Some(10_000)),
            (10_000, 9_000, None),
            (10_000, 0, None),
        ] {
            let own = (money(paid, "USD"), money(got, "EUR"));
            let found = beyond_own_part(own, sold, bought).unwrap();
            assert_eq!(found, beyond.map(|minor| money(minor, "USD")), "{paid} {got}");
        }
    }
}
