//! The accounting scenarios, computed by the nouns alone and held against `tests/scenarios/postings.json`, posting by
//! posting. (The same scenarios are driven through the flows elsewhere; here no store and no clock can help.)

use std::collections::BTreeMap;

use serde_json::Value;
use straits::clock::{Clock, from_micros};
use straits::domain::fees::{Charge, Commission, FeeBook};
use straits::domain::ledger::journal::{self, Booking, Movement, Resolution};
use straits::domain::ledger::{Account, AccountCode, Direction, LedgerTransaction, Owner};
use straits::domain::merchants::{
    AvailableWhen, FeeOwner, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role,
    SettlementMode,
};
use straits::domain::refunds::{
    Funds, FxDifference, Refund, RefundRequest, RefundTerms, decide, own_pending,
};
use straits::domain::settlement::{
    Contract, Delivery, Exchange, GatewayFee, Settlement, SettlementInput, deliver, settle,
};
use straits::domain::splits::{Agreement, Terms};
use straits::ids::{Id, IdSource, SupplierId};
use straits::money::{BasisPoints, Currency, Money, Rate};

/// One posting as the scenario file writes it.
type Line = (String, String, String, String);

struct World {
    ids: IdSource,
    clock: Clock,
    merchant: Merchant,
    account: GatewayAccount,
}

fn world() -> World {
    let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
    let ids = IdSource::seeded(clock.clone(), 1);
    let merchant = Merchant {
        id: ids.mint(),
        name: "Straits Traders".into(),
        role: Role::Agent,
        zone: chrono_tz::UTC,
        recognise: Recognise::Capture,
        return_origins: vec![],
        tax_jurisdiction: "SG".into(),
        tax_number: None,
    };
    let account = GatewayAccount {
        id: ids.mint(),
        merchant: merchant.id,
        gateway: "paypal".into(),
        name: "paypal".into(),
        funds_flow: FundsFlow::PlatformCollects,
        recharge: Recharge::Actual,
        unreturned_fee: None,
        available_when: AvailableWhen::GatewayAvailable,
        fx_point: FxPoint::Capture,
        settlement: SettlementMode::NetAtCapture,
        holds: vec![],
    };
    World { ids, clock, merchant, account }
}

fn supplier(letter: &str) -> SupplierId {
    SupplierId::from_bits(u128::from(letter.bytes().next().unwrap()))
}

fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, Currency::find(currency).unwrap()).unwrap()
}

/// Terms in the API's own shape; suppliers are single letters.
fn terms(json: &str) -> Terms {
    let mut json = json.to_owned();
    for letter in ["A", "B"] {
        json = json.replace(&format!("\"{letter}\""), &format!("\"{}\"", supplier(letter)));
    }
    serde_json::from_str(&json).unwrap()
}

impl World {
    fn settle(&self, gross: Money, terms_json: &str, fee: Money, cny: bool) -> Settlement {
        self.settle_with(gross, terms_json, GatewayFee::Charged { amount: fee, scheduled: vec![] }, None, cny)
    }

    fn settle_with(
        &self,
        gross: Money,
        terms_json: &str,
        fee: GatewayFee,
        received: Option<(Money, Rate)>,
        cny: bool,
    ) -> Settlement {
        let agreement = Agreement::try_new(terms(terms_json), gross).unwrap();
        let (usd, yuan) = (Currency::find("USD").unwrap(), Currency::find("CNY").unwrap());
        let exchange = Exchange {
            currency: yuan,
            mid: Some(Rate::parse(usd, yuan, "7.1200").unwrap()),
            spread: BasisPoints(50),
        };
        let exchanges = BTreeMap::from_iter(cny.then_some((supplier("A"), exchange)));
        let settlement = settle(&SettlementInput {
            contract: &Contract::of(&self.merchant, &self.account),
            agreement: &agreement,
            fee,
            received,
            received_mid: None,
            commission: Commission::none(),
            exchanges: &exchanges,
        });
        let settlement = settlement.unwrap();
        // What is stored is what is read back.
        let stored = serde_json::to_string(&settlement).unwrap();
        assert_eq!(serde_json::from_str::<Settlement>(&stored).unwrap(), settlement);
        settlement
    }

    fn booking(&self) -> Booking<'_> {
        Booking {
            ids: &self.ids,
            merchant: self.merchant.id,
            account: &self.account,
            source: "capture-1",
            subject: "pay_1",
            at: self.clock.now(),
        }
    }

    fn refund(
        &self,
        settlement: &Settlement,
        request: RefundRequest,
        deliveries: &[Delivery],
        available: Option<Money>,
    ) -> Refund {
        let funds = |supplier: SupplierId, currency: Currency| {
            let pending = Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier));
            let own = own_pending(settlement, &[], supplier, currency).unwrap();
            match available {
                // The share was released and paid: nothing of it is pending.
                Some(available) => Funds {
                    own: vec![],
                    available: if available.currency() == currency {
                        available
                    } else {
                        Money::zero(currency)
                    },
                },
                None => Funds { own: vec![(pending, own)], available: Money::zero(currency) },
            }
        };
        let refund = decide(
            &request,
            &RefundTerms {
                settlement,
                account: &self.account,
                earlier: &[],
                deliveries,
                funds: &funds,
                fx_difference: FxDifference::Platform,
            },
        );
        let refund = refund.unwrap();
        let stored = serde_json::to_string(&refund).unwrap();
        assert_eq!(serde_json::from_str::<Refund>(&stored).unwrap(), refund);
        refund
    }

    fn refund_transactions(&self, refund: &Refund) -> Vec<LedgerTransaction> {
        let booking = self.booking();
        [refund.decided(&booking), refund.confirmed(&booking)].map(|built| built.unwrap().unwrap()).into()
    }
}

fn lines(transaction: &LedgerTransaction) -> Vec<Line> {
    let mut lines: Vec<Line> = transaction
        .postings()
        .iter()
        .map(|posting| {
            let mut account = posting.account.to_string();
            for letter in ["A", "B"] {
                account = account.replace(&supplier(letter).to_string(), letter);
            }
            let side = if posting.direction == Direction::Debit { "Dr" } else { "Cr" };
            let amount = posting.amount.amount().to_string();
            (side.into(), account, amount, posting.amount.currency().code().into())
        })
        .collect();
    lines.sort();
    lines
}

/// The transactions of a scenario, from number `first`, as many as were computed.
fn assert_scenario(id: &str, first: usize, computed: &[LedgerTransaction]) {
    let file: Value = serde_json::from_str(include_str!("../scenarios/postings.json")).unwrap();
    let scenarios = file["scenarios"].as_array().unwrap();
    let scenario = scenarios.iter().find(|scenario| scenario["id"] == id).unwrap();
    let expected = &scenario["transactions"].as_array().unwrap()[first..];
    assert!(!computed.is_empty() && computed.len() <= expected.len(), "{id}: {}", computed.len());
    for (transaction, expected) in computed.iter().zip(expected) {
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        let rows = expected["lines"].as_array().unwrap().iter();
        let mut rows: Vec<Line> = rows
            .map(|row| (text(row, "side"), text(row, "account"), text(row, "amount"), text(row, "currency")))
            .collect();
        rows.sort();
        assert_eq!(lines(transaction), rows, "{id}: {}", expected["event"]);
    }
}

const J01: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;
const J03: &str = r#"{"items":[{"ref":"a","amount":{"amount":"150.00","currency":"SGD"},"supplier":"A"},
    {"ref":"b","amount":{"amount":"100.00","currency":"SGD"},"supplier":"B"}],
    "platform_fee":{"percent":"12","tax":"9"}}"#;

fn j01(world: &World) -> Settlement {
    world.settle(money("100.00", "USD"), J01, money("4.90", "USD"), false)
}

fn j03(world: &mut World) -> Settlement {
    world.merchant.recognise = Recognise::Delivered;
    world.settle(money("250.00", "SGD"), J03, money("9.75", "SGD"), false)
}

#[test]
fn j01_capture_with_a_known_fee_borne_by_the_supplier() {
    let world = world();
    assert_scenario("J01", 0, &j01(&world).book(&world.booking()).unwrap());
}

#[test]
fn j02_capture_with_a_fee_known_by_contract() {
    let mut world = world();
    world.account.gateway = "grabpay".into();
    world.account.name = "grabpay-sg".into();
    world.account.available_when = AvailableWhen::BankReceived;
    world.account.recharge = Recharge::Schedule;
    let gross = money("100.00", "SGD");
    let fees = FeeBook::shipped().assess(&Charge {
        gateway: "grabpay",
        account: "grabpay-sg",
        method: None,
        market: Some("SG"),
        payer_country: None,
        date: world.clock.now().date_naive(),
        gross,
    });
    let settlement = world.settle_with(gross, J01, GatewayFee::Accrued(fees.unwrap()), None, false);
    assert_scenario("J02", 0, &settlement.book(&world.booking()).unwrap());
}

#[test]
fn j03_two_suppliers_tax_and_deferred_commission() {
    let mut world = world();
    let settlement = j03(&mut world);
    let mut transactions = settlement.book(&world.booking()).unwrap();
    let delivery = deliver(&settlement, &[], &[], &[]).unwrap();
    let booking = world.booking();
    let earned = journal::delivered(&booking, delivery.commission, delivery.own_sales, settlement.role);
    transactions.extend(earned.unwrap());
    assert_eq!(transactions.len(), 4);
    assert_scenario("J03", 0, &transactions);
    // A second delivery earns nothing.
    assert!(deliver(&settlement, &[], &[delivery], &[]).unwrap().commission.is_zero());
}

#[test]
fn j04_internal_conversion() {
    let world = world();
    let settlement = world.settle(money("100.00", "USD"), J01, money("4.90", "USD"), true);
    let transactions = settlement.book(&world.booking()).unwrap();
    assert_scenario("J01", 0, &transactions[..3]);
    assert_scenario("J04", 0, &transactions[3..]);
}

const J06: &str = r#"{"splits":[{"supplier":"A","share":{"percent":"90","of":"received"}}]}"#;

fn j06(world: &World) -> Settlement {
    let rate = Rate::parse(Currency::find("USD").unwrap(), Currency::find("EUR").unwrap(), "0.90").unwrap();
    let fee = GatewayFee::Charged { amount: money("3.49", "USD"), scheduled: vec![] };
    let received = Some((money("86.86", "EUR"), rate));
    world.settle_with(money("100.00", "USD"), J06, fee, received, false)
}

#[test]
fn j06_the_gateway_converts_at_capture() {
    let world = world();
    let transactions = j06(&world).book(&world.booking()).unwrap();
    assert_eq!(transactions.len(), 5);
    assert_scenario("J06", 0, &transactions);
}

#[test]
fn j06_refunded_leaves_every_account_but_the_fee_where_it_was() {
    let world = world();
    let settlement = j06(&world);
    let mut transactions = settlement.book(&world.booking()).unwrap();
    let refund = world.refund(&settlement, RefundRequest::default(), &[], None);
    transactions.extend(world.refund_transactions(&refund));
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for posting in transactions.iter().flat_map(LedgerTransaction::postings) {
        let key = format!("{} {}", posting.account, posting.amount.currency());
        *balances.entry(key).or_default() += posting.signed_minor();
    }
    balances.retain(|_, balance| *balance != 0);
    // PayPal converts back when it pays out; until it reports that, the two balances stand apart.
    let expected = BTreeMap::from([
        ("1110[paypal] EUR".to_owned(), 8686),
        ("1110[paypal] USD".to_owned(), -10_000),
        ("3000 EUR".to_owned(), -8686),
        ("3000 USD".to_owned(), 9651),
        ("5000[paypal] USD".to_owned(), 349),
    ]);
    assert_eq!(balances, expected);
}

#[test]
fn j10_full_refund_the_supplier_bears_the_kept_fee() {
    let world = world();
    let refund = world.refund(&j01(&world), RefundRequest::default(), &[], None);
    assert_scenario("J10", 0, &world.refund_transactions(&refund));
    let kept: Vec<_> = refund.lines.iter().map(|line| (line.to.as_str(), line.amount.minor())).collect();
    let a = supplier("A").to_string();
    assert_eq!(kept, [(a.as_str(), 8510), ("platform", 1000), (a.as_str(), 490)]);
}

#[test]
fn j11_full_refund_the_platform_bears_the_kept_fee() {
    let mut world = world();
    world.account.unreturned_fee = Some(FeeOwner::Platform);
    let refund = world.refund(&j01(&world), RefundRequest::default(), &[], None);
    assert_scenario("J11", 0, &world.refund_transactions(&refund));
}

#[test]
fn j12_partial_refund_after_payout() {
    let world = world();
    let request = RefundRequest { amount: Some(money("40.00", "USD")), ..RefundRequest::default() };
    let refund = world.refund(&j01(&world), request, &[], Some(money("10.00", "USD")));
    assert_scenario("J12", 0, &world.refund_transactions(&refund));
}

#[test]
fn j14_a_converted_share_goes_back_at_its_own_rate() {
    let mut world = world();
    world.account.unreturned_fee = Some(FeeOwner::Platform);
    let settlement = world.settle(money("100.00", "USD"), J01, money("4.90", "USD"), true);
    let refund = world.refund(&settlement, RefundRequest::default(), &[], Some(money("602.88", "CNY")));
    assert_scenario("J14", 0, &world.refund_transactions(&refund));
}

#[test]
fn j26_money_without_an_entitlement() {
    let world = world();
    let booking = world.booking();
    let (gross, fee) = (money("10.00", "USD"), money("0.94", "USD"));
    let charged =
        journal::ChargedFee { fee, tax: Money::zero(fee.currency()), expected: fee, jurisdiction: "SG" };
    let transactions = [
        journal::captured_unmatched(&booking, gross),
        journal::fee_charged(&booking, &charged),
        journal::suspense_resolved(&booking, Resolution::SendBack, gross),
        journal::refund_confirmed(&booking, gross),
    ];
    assert_scenario("J26", 0, &transactions.map(|built| built.unwrap().unwrap()));
}

#[test]
fn j27_a_second_payment_of_one_order() {
    let world = world();
    let booking = world.booking();
    let (gross, fee) = (money("100.00", "USD"), money("4.90", "USD"));
    let charged =
        journal::ChargedFee { fee, tax: Money::zero(fee.currency()), expected: fee, jurisdiction: "SG" };
    let back = [
        Movement::debit(booking.at_gateway(AccountCode::CUSTOMER_REFUNDABLE), gross),
        Movement::credit(booking.at_gateway(AccountCode::REFUND_IN_TRANSIT), gross),
    ];
    let transactions = [
        journal::captured_twice(&booking, gross),
        journal::fee_charged(&booking, &charged),
        journal::refund_decided(&booking, &back),
        journal::refund_confirmed(&booking, gross),
    ];
    assert_scenario("J27", 0, &transactions.map(|built| built.unwrap().unwrap()));
}

#[test]
fn j31_one_suppliers_item_comes_back() {
    let mut world = world();
    let settlement = j03(&mut world);
    let delivery = deliver(&settlement, &[], &[], &[]).unwrap();
    let by_item = RefundRequest { items: vec!["b".into()], ..RefundRequest::default() };
    let refund = world.refund(&settlement, by_item, std::slice::from_ref(&delivery), None);
    assert_scenario("J31", 0, &world.refund_transactions(&refund));
    let text = format!(
        r#"{{"allocation":[{{"supplier":"{}","amount":{{"amount":"100.00","currency":"SGD"}}}}]}}"#,
        supplier("B")
    );
    let by_allocation = world.refund(&settlement, serde_json::from_str(&text).unwrap(), &[delivery], None);
    assert_eq!(refund, by_allocation);
}

#[test]
fn a_refund_before_delivery_takes_deferred_commission_and_delivery_then_earns_the_rest() {
    let mut world = world();
    let settlement = j03(&mut world);
    let by_item = RefundRequest { items: vec!["b".into()], ..RefundRequest::default() };
    let refund = world.refund(&settlement, by_item, &[], None);
    let decided = refund.decided(&world.booking()).unwrap().unwrap();
    assert!(lines(&decided).contains(&("Dr".into(), "2300".into(), "12.00".into(), "SGD".into())));
    let undone: Vec<Money> = refund.parts.iter().map(|part| part.from_deferred).collect();
    assert_eq!(deliver(&settlement, &[], &[], &undone).unwrap().commission, money("18.00", "SGD"));
}

#[test]
fn a_failed_refund_leaves_nothing_behind() {
    let world = world();
    let refund = world.refund(&j01(&world), RefundRequest::default(), &[], None);
    let booking = world.booking();
    let undone: Vec<Movement> = refund.movements.iter().map(Movement::reversed).collect();
    let built = [refund.decided(&booking), journal::refund_failed(&booking, &undone)];
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for transaction in built.map(|built| built.unwrap().unwrap()) {
        for posting in transaction.postings() {
            *balances.entry(posting.account.to_string()).or_default() += posting.signed_minor();
        }
    }
    assert!(balances.values().all(|balance| *balance == 0), "{balances:?}");
}

#[test]
fn a_returned_fee_goes_back_to_the_supplier_who_had_borne_it() {
    let world = world();
    let refund = world.refund(&j01(&world), RefundRequest::default(), &[], None);
    let returned = money("4.90", "USD");
    let borne = refund.fee_borne(returned).unwrap();
    let back: Vec<Movement> = borne.iter().map(Movement::reversed).collect();
    let returned = journal::fee_returned(&world.booking(), returned, &back).unwrap().unwrap();
    let expected: Vec<Line> =
        [("Cr", "1200[A]"), ("Cr", "5000[paypal]"), ("Dr", "1110[paypal]"), ("Dr", "5005[paypal]")]
            .map(|(side, account)| (side.into(), account.into(), "4.90".into(), "USD".into()))
            .into();
    assert_eq!(lines(&returned), expected);
}

#[test]
fn the_platforms_own_fee_can_fall_on_the_supplier_of_a_refund() {
    let mut world = world();
    world.account.unreturned_fee = Some(FeeOwner::Supplier);
    let settlement = j03(&mut world);
    let by_item = RefundRequest { items: vec!["b".into()], ..RefundRequest::default() };
    let refund = world.refund(&settlement, by_item, &[], None);
    // 100.00 of 250.00: 3.90 of the fee of 9.75.
    let decided = lines(&refund.decided(&world.booking()).unwrap().unwrap());
    assert!(decided.contains(&("Cr".into(), "5005[paypal]".into(), "3.90".into(), "SGD".into())));
    assert!(decided.contains(&("Dr".into(), "1200[B]".into(), "3.90".into(), "SGD".into())));
}
