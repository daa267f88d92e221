//! Recording a deal.

use chrono::NaiveDate;

use crate::domain::fx_book::{Closed, CoverError, Covers, FxDeal, close};
use crate::domain::ledger::journal::Fact;
use crate::domain::statements::Period;
use crate::ids::{BankAccountId, FxDealId, GatewaySettlementId, MerchantId, TransactionId, UserId};
use crate::money::Money;
use crate::store::bank_statements::BANK_LINE;
use crate::store::fx_deals::{FX_BOOK, FX_DEAL, OpenLots};
use crate::store::periods::PERIOD_CLOSE;
use crate::store::{Change, CommitError};

use super::places::Places;
use super::{FxBook, FxBookError, broken};

/// How often a deal is decided again after somebody else was faster.
const DECISIONS: usize = 8;

/// A deal as it is told.
#[derive(Debug, Clone)]
pub struct NewDeal {
    /// What was given.
    pub sold: Money,
    /// What was got.
    pub bought: Money,
    /// Where it came from; empty: the one client account in its currency, or where exactly one place has it.
    pub paid_from: Vec<NewLeg>,
    /// Where it went; empty: the one client account in its currency.
    pub paid_into: Vec<NewLeg>,
    /// What the bank took for it, and from where.
    pub charge: Option<NewLeg>,
    /// When the money moved, a day in the merchant's zone.
    pub value_date: NaiveDate,
    /// The bank's own reference.
    pub bank_ref: String,
    /// What it closes.
    pub covers: Covers,
}

/// A part of it.
#[derive(Debug, Clone)]
pub struct NewLeg {
    /// Where.
    pub place: NewPlace,
    /// How much; `None`, in one part of a side at most: the rest of it.
    pub amount: Option<Money>,
}

/// Where money of a deal is.
#[derive(Debug, Clone)]
pub enum NewPlace {
    /// A bank account.
    BankAccount(BankAccountId),
    /// The balance of a gateway account, by its name.
    GatewayAccount(String),
    /// A payout of a gateway that the bank changed on arrival, whole.
    GatewaySettlement(GatewaySettlementId),
}

impl FxBook {
    /// Records a deal, with `extra`.
    ///
    /// # Errors
    /// [`FxBookError`]; nothing was written.
    pub async fn record(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: FxDealId,
        told: &NewDeal,
        extra: &Change,
    ) -> Result<FxDeal, FxBookError> {
        let zone = self.store.merchant(merchant).await?.ok_or(FxBookError::Unknown)?.zone;
        let today = Period::day_of(self.clock.now(), zone);
        FxDeal::pair_of(told.sold, told.bought)?;
        if told.value_date > today.from() {
            let why = format!("{} lies ahead; record the deal when its money has moved", told.value_date);
            return Err(FxBookError::Refused { param: "value_date".to_owned(), why });
        }
        for _ in 0..DECISIONS {
            // Read before what is closed: a period that is closed meanwhile makes this change lose.
            let proposals = self.store.proposals_over(merchant, told.value_date).await?;
            if let Some(closed) = self.store.last_closed(merchant).await?
                && told.value_date <= closed.value.until
            {
                let (date, until) = (told.value_date, closed.value.until);
                return Err(FxBookError::PeriodClosed { date, until });
            }
            if let Some(known) = self.store.fx_deal_by_reference(merchant, &told.bank_ref).await? {
                return Err(FxBookError::Recorded { bank_ref: known.bank_ref, deal: known.id });
            }
            // Before what is free is looked at: a deal recorded meanwhile makes this change lose.
            let open = self.store.open_lots(merchant).await?;
            let places = self.places(merchant, told).await?;
            let transaction: TransactionId = self.ids.mint();
            let mut deal = FxDeal {
                id,
                merchant,
                kind: FxDeal::kind_of(&places.from, &places.into),
                sold: told.sold,
                bought: told.bought,
                paid_from: places.from.clone(),
                paid_into: places.into.clone(),
                charge: places.charge.clone(),
                value_date: told.value_date,
                bank_ref: told.bank_ref.clone(),
                named: matches!(told.covers, Covers::Named(_)),
                closed_base: Money::zero(told.sold.currency()),
                closed_quote: Money::zero(told.bought.currency()),
                transaction,
                recorded_by: user,
                recorded_at: self.clock.now(),
            };
            let closed = close(open.lots.clone(), deal.lot(), &told.covers)?;
            settle(&mut deal, &closed)?;
            let mut change = self.change(&deal, &open, &closed, &places, today, extra).await?;
            for proposal in &proposals {
                change.require(&PERIOD_CLOSE, proposal.value.id, proposal.version);
            }
            match self.store.commit(change).await {
                Ok(_) => return Ok(deal),
                Err(CommitError::LostUpdate { table, .. })
                    if [FX_BOOK.name, FX_DEAL.name, PERIOD_CLOSE.name, BANK_LINE.name].contains(&table) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FxBookError::Superseded)
    }

    async fn change(
        &self,
        deal: &FxDeal,
        open: &OpenLots,
        closed: &Closed,
        places: &Places,
        today: Period,
        extra: &Change,
    ) -> Result<Change, FxBookError> {
        // What happened today happened now: a day's first instant lies before what caused it.
        let at = match Period::try_new(deal.value_date, deal.value_date, today.zone()) {
            Ok(day) if day.from() != today.from() => day.begins_at(),
            _ => deal.recorded_at,
        };
        let source = deal.id.to_string();
        let fact = Fact { ids: &self.ids, merchant: deal.merchant, source: &source, subject: &source, at };
        let closings = closed.closings.iter();
        let closings: Result<Vec<_>, _> =
            closings.map(|closing| closing.realized().map(|realized| (closing.clone(), realized))).collect();
        let mut change = extra.clone();
        let upto = closed.left.iter().map(|lot| lot.number - 1).min().unwrap_or(open.upto);
        change.insert_fx_deal(deal, &closings.map_err(broken)?, open, upto.min(open.upto));
        for transaction in deal.book(&fact, closed).map_err(broken)? {
            change.post(transaction);
        }
        self.move_places(&mut change, deal, places).await?;
        Ok(change)
    }
}

/// What of the deal's own legs closed something.
fn settle(deal: &mut FxDeal, closed: &Closed) -> Result<(), FxBookError> {
    let lot = deal.lot();
    let of = |whole: Money, left: Money| whole.checked_sub(left).map_err(CoverError::from);
    deal.closed_base = of(lot.base.abs(), closed.own.base.abs())?;
    deal.closed_quote = of(lot.quote, closed.own.quote)?;
    Ok(())
}
