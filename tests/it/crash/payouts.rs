//! A plan of payouts, and what must be true of it whoever died at it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use straits::domain::access::{Actor, Hand};
use straits::domain::ledger::{Account, AccountCode, Chart, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::merchants::{Funding, PayoutAccountKind, RailAccount};
use straits::domain::withholding::{Gross, Turnover};
use straits::flows::onboard::{NewPayoutAccount, Onboarding};
use straits::flows::pay_out::{PlanInput, Word};
use straits::ids::{PayoutId, PlanId};
use straits::money::Money;
use straits::store::Change;
use straits::store::payouts::PayoutFilter;
use straits::vault::Vault;

use super::far::usd;
use super::house::House;
use crate::scenarios_flows::OPENING;

/// A supplier with money, an account, and a plan that two persons have agreed to.
pub async fn approved(house: &House, plan: PlanId) {
    let (merchant, now) = (house.ground.merchant.id, house.clock.now());
    Chart::know_beside(OPENING).unwrap();
    let opening = Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening"));
    let supplier = Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(house.ground.supplier));
    let balance = Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"));
    let postings = vec![
        Posting::debit(opening.clone(), usd(5_000)),
        Posting::credit(supplier, usd(5_000)),
        Posting::debit(balance, usd(9_000)),
        Posting::credit(opening, usd(9_000)),
    ];
    let (id, source) = (house.ids.mint(), plan.to_string());
    let funded = LedgerTransaction::try_new(id, merchant, JournalEvent::Opening, &source, now, postings);
    let mut change = Change::posting(funded.unwrap());
    change.insert_rail_account(&RailAccount {
        id: house.ids.mint(),
        merchant,
        name: "paypal".into(),
        rail: "paypal_payouts".into(),
        currency: usd(1).currency(),
        funding: Funding::GatewayAccount("paypal".into()),
        created_at: now,
    });
    // Of its sales so far 1 % of half is withheld.
    let gross = Gross { charged: usd(5_000), base: usd(5_000) };
    let turnover = Turnover::none(usd(1).currency());
    let sale = turnover.count(house.ground.supplier, house.ids.mint(), gross, None).unwrap().unwrap();
    change.insert_turnover(merchant, &sale, now);
    house.store.commit(change).await.unwrap();
    let onboarding = Onboarding {
        store: house.store.clone(),
        clock: house.clock.clone(),
        ids: house.ids.clone(),
        vault: Vault::new(&secrecy::SecretString::from("07".repeat(32)), house.ids.clone()).unwrap(),
    };
    let actor = Actor::service(merchant, house.ids.mint());
    let account = NewPayoutAccount {
        kind: PayoutAccountKind::Paypal,
        country: "SG".into(),
        currency: usd(1).currency(),
        holder: "A".into(),
        number: "a@example.com".to_owned().into(),
        bank_code: None,
    };
    onboarding.add_payout_account(&actor, house.ground.supplier, account).await.unwrap();
    let (maker, checker) = (house.ids.mint(), house.ids.mint());
    let input = PlanInput::default();
    let draft = house.paying_out.draft(merchant, maker, plan, &input, Change::new()).await.unwrap();
    assert_eq!(draft.document.lines[0].withholding, usd(25));
    let approve = Word::Approve { hash: draft.hash };
    for (user, word) in [(maker, Word::Submit), (checker, approve), (maker, Word::Execute)] {
        house.paying_out.say(merchant, Hand::own(user), plan, &word, Change::new()).await.unwrap();
    }
}

async fn payouts(house: &House, plan: PlanId) -> BTreeMap<PayoutId, Money> {
    let filter = PayoutFilter { plan: Some(plan), ..PayoutFilter::default() };
    let merchant = house.ground.merchant.id;
    let found = house.store.payouts(merchant, filter, straits::store::Seek::Start, 10).await.unwrap();
    found.into_iter().map(|payout| (payout.id, payout.amount)).collect()
}

/// The rail pays what it has taken on, and is asked.
pub async fn end(house: &House, plan: PlanId) {
    for _ in 0..2 {
        house.ground.rail.pay(&payouts(house, plan).await);
        house.clock.advance(TimeDelta::minutes(5));
        house.paying_out.recover().await.unwrap();
    }
}

/// One payout, sent at most once; paid if and only if the rail has it. What nobody knows waits for a person.
pub async fn judge(house: &House, plan: PlanId) {
    let taken = house.ground.rail.taken();
    assert!(house.ground.rail.calls() <= 1 && taken.values().all(|times| *times == 1), "{taken:?}");
    assert_eq!(payouts(house, plan).await.len(), 1, "it is written down once");
    let state = house.store.payout_plan(plan).await.unwrap().unwrap().value.state.as_str();
    let paid = house.booked_in_all("payout_confirmed").await;
    assert_eq!(house.booked_in_all("payout_instructed").await, 1);
    assert_eq!(house.booked_in_all("tax_withheld").await, 1, "once, whoever died");
    let place = (house.ground.supplier, usd(1).currency());
    assert_eq!(house.store.withholding_nth(place, "ph-remittance").await.unwrap(), 1);
    match taken.len() {
        1 => assert_eq!((state, paid), ("completed", 1)),
        _ => assert_eq!((state, paid), ("executing", 0), "the lease was taken and nobody knows"),
    }
}
