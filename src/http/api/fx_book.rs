//! `/v1/fx/deals`: what banks, or gateways at our word, changed for the merchant, and what each deal closed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::fx_book::{Covers, DealKind, FxDeal, Leg};
use crate::flows::fx_book::{FxBook, NewDeal, NewLeg, NewPlace};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{FxDealObject, MethodWord};
use crate::http::service::Service;
use crate::http::wire::{self, AmountIn, IdIn, MoneyIn, Page};
use crate::ids::{BankAccountId, FxDealId, GatewaySettlementId, PaymentId, TransactionId, UserId};
use crate::money::{Currency, Money};
use crate::store::fx_deals::StoredClosing;
use crate::store::idempotency::Claim;

/// A deal that was done. Sides without places are the one client account in their currency; what is sold and is not there is
/// the one payout of a gateway on its way that comes to exactly it, else the one balance at a gateway that has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sold": {"amount": "85.10", "currency": "USD"}, "bought": {"amount": "605.49", "currency": "CNY"}, "value_date": "2026-11-27", "bank_ref": "FX-20261127-7", "paid_from": [{"gateway_settlement": "gst_01kb0000000000000000000000"}], "charge": {"bank_account": "bac_01kb0000000000000000000000", "amount": {"amount": "2.00", "currency": "CNY"}}}))]
pub struct RecordDeal {
    /// What was given.
    #[schema(value_type = MoneyIn)]
    sold: MoneyIn,
    /// What was got.
    #[schema(value_type = MoneyIn)]
    bought: MoneyIn,
    /// When its money moved, a day in the merchant's zone; not in the future.
    value_date: NaiveDate,
    /// The bank's own reference: recorded once.
    #[schema(min_length = 1, max_length = 100)]
    bank_ref: String,
    /// Transactions whose lots it closes, whole: they come to exactly the deal. Without it, the oldest first.
    #[schema(value_type = Option<Vec<TransactionId>>, min_items = 1, max_items = 5000)]
    covers: Option<Vec<IdIn<TransactionId>>>,
    /// Whether it may add to the position, or exceed it: a position of the merchant's own.
    #[serde(default)]
    own_position: bool,
    /// Where `sold` came from.
    #[serde(default)]
    #[schema(max_items = 20)]
    paid_from: Vec<LegIn>,
    /// Where `bought` went.
    #[serde(default)]
    #[schema(max_items = 20)]
    paid_into: Vec<LegIn>,
    /// What the bank took for it, apart: a cost, no part of the rate.
    charge: Option<ChargeIn>,
}

/// A part of a side: one of `bank_account`, `gateway_account`, `gateway_settlement`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegIn {
    #[schema(value_type = Option<BankAccountId>)]
    bank_account: Option<IdIn<BankAccountId>>,
    /// The balance of a gateway account, by its name.
    #[schema(example = "paypal")]
    gateway_account: Option<String>,
    /// A payout of a gateway that the bank changed on arrival, whole.
    #[schema(value_type = Option<GatewaySettlementId>)]
    gateway_settlement: Option<IdIn<GatewaySettlementId>>,
    /// In the side's currency; one part of a side may leave it out and is the rest.
    #[schema(value_type = Option<AmountIn>)]
    amount: Option<AmountIn>,
}

/// A bank's charge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeIn {
    #[schema(value_type = BankAccountId)]
    bank_account: IdIn<BankAccountId>,
    #[schema(value_type = MoneyIn)]
    amount: MoneyIn,
}

impl LegIn {
    fn read(self, param: &str, currency: Currency) -> Answer<NewLeg> {
        let amount = self.amount.map(|amount| amount.in_currency(currency));
        let amount = amount.transpose().map_err(|problem| problem.at(format!("{param}.amount")))?;
        let place = match (self.bank_account, self.gateway_account, self.gateway_settlement) {
            (Some(IdIn(id)), None, None) => NewPlace::BankAccount(id),
            (None, Some(name), None) => {
                NewPlace::GatewayAccount(wire::label(&format!("{param}.gateway_account"), name)?)
            }
            (None, None, Some(IdIn(id))) => NewPlace::GatewaySettlement(id),
            _ => {
                let detail = "name one of `bank_account`, `gateway_account`, `gateway_settlement`";
                return Err(Problem::new(Code::InvalidBody, detail).at(param));
            }
        };
        Ok(NewLeg { place, amount })
    }
}

impl RecordDeal {
    fn read(self) -> Answer<NewDeal> {
        let (sold, bought) = (self.sold.0, self.bought.0);
        let side = |name: &str, legs: Vec<LegIn>, whole: Money| -> Answer<Vec<NewLeg>> {
            let legs = legs.into_iter().enumerate();
            legs.map(|(nth, leg)| leg.read(&format!("{name}[{nth}]"), whole.currency())).collect()
        };
        if self.own_position && self.covers.is_some() {
            let detail = "a deal that names what it covers leaves no position of your own";
            return Err(Problem::new(Code::InvalidBody, detail).at("own_position"));
        }
        let covers = match self.covers {
            None => Covers::Oldest { own: self.own_position },
            Some(named) => Covers::Named(named.into_iter().map(|IdIn(id)| id).collect()),
        };
        let charge = self.charge.map(|charge| NewLeg {
            place: NewPlace::BankAccount(charge.bank_account.0),
            amount: Some(charge.amount.0),
        });
        Ok(NewDeal {
            sold,
            bought,
            paid_from: side("paid_from", self.paid_from, sold)?,
            paid_into: side("paid_into", self.paid_into, bought)?,
            charge,
            value_date: self.value_date,
            bank_ref: wire::label("bank_ref", self.bank_ref.trim().to_owned())?,
            covers,
        })
    }
}

/// A deal, with what it closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DealAnswer {
    #[schema(value_type = FxDealId)]
    id: String,
    #[schema(inline, value_type = FxDealObject)]
    object: &'static str,
    kind: DealKind,
    /// Base and quote: `USDCNY`.
    #[schema(example = "USDCNY")]
    pair: String,
    sold: Money,
    bought: Money,
    /// Units of the quote for one of the base, to ten decimals.
    #[schema(required, value_type = Option<String>, example = "7.115")]
    rate: Option<Decimal>,
    value_date: NaiveDate,
    bank_ref: String,
    /// Whether it closed the oldest first or what it named.
    #[schema(value_type = MethodWord)]
    method: &'static str,
    paid_from: Vec<LegAnswer>,
    paid_into: Vec<LegAnswer>,
    #[schema(required)]
    charge: Option<LegAnswer>,
    /// What lots gained, in the quote: 6000.
    gain: Money,
    /// What lots lost, in the quote: 6010.
    loss: Money,
    /// What closed nothing, in the base: a position of the merchant's own.
    own_position: Money,
    /// How many lots met.
    lots: usize,
    /// The first hundred; the rest are in `/v1/fx/results`.
    closings: Vec<ClosingAnswer>,
    #[schema(value_type = TransactionId)]
    transaction: String,
    #[schema(value_type = UserId)]
    recorded_by: String,
    #[schema(format = DateTime)]
    recorded_at: String,
}

/// One account's part.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegAnswer {
    /// The account of the books.
    #[schema(example = "1140[paypal]")]
    account: String,
    amount: Money,
}

/// Two lots that met.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosingAnswer {
    #[schema(example = "USDCNY")]
    pair: String,
    /// The transaction that left the lot.
    #[schema(value_type = TransactionId)]
    lot: String,
    /// The payment it is about.
    #[schema(required, value_type = Option<PaymentId>)]
    payment: Option<String>,
    /// The transaction of the later lot; the deal's own where it is null.
    #[schema(required, value_type = Option<TransactionId>)]
    by: Option<String>,
    /// How much was closed.
    base: Money,
    /// What it was booked at: below zero where it was bought.
    booked: Money,
    /// What it was closed at.
    closed: Money,
    /// The result: a loss is below zero.
    realized: Money,
}

fn leg(leg: &Leg) -> LegAnswer {
    LegAnswer { account: leg.place.account().to_string(), amount: leg.amount }
}

/// As the API shows it.
pub(super) fn closing(stored: &StoredClosing) -> ClosingAnswer {
    let closing = &stored.closing;
    ClosingAnswer {
        pair: closing.pair.to_string(),
        lot: closing.lot.to_string(),
        payment: closing.subject.clone().filter(|subject| subject.parse::<PaymentId>().is_ok()),
        by: closing.by.map(|(id, _)| id.to_string()),
        base: closing.base,
        booked: closing.lot_quote,
        closed: closing.by_quote,
        realized: stored.realized,
    }
}

/// How a deal chose what it closed.
pub(super) fn method(named: bool) -> &'static str {
    if named { "named" } else { "fifo" }
}

fn answer(deal: &FxDeal, closings: &[StoredClosing]) -> Answer<DealAnswer> {
    let pair = deal.pair();
    let own = closings.iter().filter(|stored| stored.closing.pair == pair).map(|stored| stored.realized);
    let own: Vec<Money> = own.collect();
    let sum = |above: bool| {
        let some = own.iter().filter(|realized| realized.is_positive() == above);
        Money::sum(pair.quote(), some.copied()).map(Money::abs).map_err(Problem::internal)
    };
    let left = deal.lot().base.abs().checked_sub(deal.closed_base).map_err(Problem::internal)?;
    Ok(DealAnswer {
        id: deal.id.to_string(),
        object: "fx_deal",
        kind: deal.kind,
        pair: pair.to_string(),
        sold: deal.sold,
        bought: deal.bought,
        rate: FxBook::rate_of(deal),
        value_date: deal.value_date,
        bank_ref: deal.bank_ref.clone(),
        method: method(deal.named),
        paid_from: deal.paid_from.iter().map(leg).collect(),
        paid_into: deal.paid_into.iter().map(leg).collect(),
        charge: deal.charge.as_ref().map(leg),
        gain: sum(true)?,
        loss: sum(false)?,
        own_position: if deal.lot().base.is_negative() { left.negated() } else { left },
        lots: closings.len(),
        closings: closings.iter().take(100).map(closing).collect(),
        transaction: deal.transaction.to_string(),
        recorded_by: deal.recorded_by.to_string(),
        recorded_at: wire::time(deal.recorded_at),
    })
}

async fn told(service: &Service, caller: &Caller, id: FxDealId) -> Answer<DealAnswer> {
    let (deal, closings) = service.fx_book.deal(caller.merchant(), id).await?;
    answer(&deal, &closings)
}

/// The merchant's deals, oldest first.
#[utoipa::path(get, path = "/v1/fx/deals", tag = "fx", params(Paging), responses((status = 200, description = "A page of deals", body = Page<DealAnswer>)))]
pub async fn deals(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let (limit, seek) = (paging.0.limit()?, paging.0.seek(wire::id)?);
    let found = service.store.fx_deals(caller.merchant(), seek, limit as i64 + 1).await?;
    let mut rows = Vec::with_capacity(found.len());
    for deal in &found {
        rows.push(answer(deal, &service.store.fx_closings_of(deal.id).await?)?);
    }
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// One deal.
#[utoipa::path(get, path = "/v1/fx/deals/{id}", tag = "fx", params(("id" = inline(crate::ids::FxDealId), Path, example = "fxd_01kb0000000000000000000000")), responses((status = 200, description = "The deal", body = DealAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "fx deal")?;
    crate::http::json(200, &told(&service, &caller, id).await?)
}

/// Records a deal: its conversion, what it closes, the result.
#[utoipa::path(post, path = "/v1/fx/deals", tag = "fx", request_body = RecordDeal, params(KeyHeader), responses((status = 201, description = "The deal", body = DealAnswer)))]
pub async fn record(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    body: Json<RecordDeal>,
) -> Answer {
    let deal = body.value.read()?;
    let (merchant, user) = (caller.merchant(), caller.key.user);
    let asked = Asked { service: &service, caller: &caller, request: &request, body: &body.bytes };
    let carry = async |claim: Claim| {
        let id: FxDealId = service.ids.mint();
        let mut extra = caller.noted(&service, "fx_deal.recorded", id, &deal.bank_ref);
        extra.claim(&claim, id);
        service.fx_book.record(merchant, user, id, &deal, &extra).await?;
        told(&service, &caller, id).await
    };
    idempotent::once(asked, StatusCode::CREATED, carry, async |id: String| {
        told(&service, &caller, wire::id("id", &id)?).await
    })
    .await
}
