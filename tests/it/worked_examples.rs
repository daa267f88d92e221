//! Worked examples from `tests/worked-examples.toml`: inputs and the numbers that must come out. One runner; it calls
//! the public nouns, the preview first of all. Suppliers are single letters.

use std::collections::BTreeMap;

use serde::Deserialize;
use straits::clock::{Clock, from_micros};
use straits::domain::fees::{Charge, Commission, FeeBook, FeeRule};
use straits::domain::ledger::{Account, AccountCode, Owner};
use straits::domain::merchants::{
    AvailableWhen, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role, SettlementMode,
};
use straits::domain::refunds::{
    Funds, FxDifference, Refund, RefundLineKind, RefundRequest, RefundTerms, decide, own_pending,
};
use straits::domain::settlement::{
    Contract, GatewayFee, Line, LineKind, PreviewContext, PreviewRequest, SettlementInput, preview, settle,
};
use straits::domain::splits::{Agreement, Terms};
use straits::ids::{Id, IdSource, SupplierId};
use straits::money::{BasisPoints, Currency, Money, Rate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    preview: Vec<Preview>,
    refund: Vec<RefundRow>,
    rate: Vec<RateRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preview {
    id: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    note: Option<String>,
    /// The body of `POST /v1/settlements/preview`.
    request: String,
    /// The currency the gateway account holds, where it converts at capture.
    holds: Option<String>,
    /// Suppliers that settle in a currency of their own.
    #[serde(default)]
    settles_in: BTreeMap<String, String>,
    gross: Option<String>,
    gateway_fee: Option<String>,
    platform_fee: Option<String>,
    #[serde(default)]
    shares: BTreeMap<String, String>,
    /// What conversion lines pay, by receiver.
    #[serde(default)]
    conversions: BTreeMap<String, String>,
    /// Their spreads.
    #[serde(default)]
    spreads: BTreeMap<String, String>,
    /// A part of the explanation of the first gateway fee.
    explain: Option<String>,
    /// The place in the request that is refused.
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundRow {
    id: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    note: Option<String>,
    amount: String,
    currency: String,
    /// Terms of the payment in the API's shape.
    terms: String,
    /// The gateway's fee of the capture.
    fee: Option<String>,
    /// The contract's rules, where the capture names no fee.
    contract: Option<String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// The body of `POST /v1/payments/{id}/refunds`.
    request: String,
    #[serde(default)]
    shares: BTreeMap<String, String>,
    platform_fee: Option<String>,
    #[serde(default)]
    fee_kept: BTreeMap<String, String>,
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateRow {
    id: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    note: Option<String>,
    base: String,
    quote: String,
    rate: String,
    markup_bps: i32,
    expect: String,
}

fn supplier(letter: &str) -> SupplierId {
    SupplierId::from_bits(u128::from(letter.bytes().next().unwrap()))
}

fn letter(text: &str) -> String {
    text.parse::<SupplierId>().map_or(text.to_owned(), |id| {
        ('A'..='Z').find(|letter| supplier(&letter.to_string()) == id).unwrap().to_string()
    })
}

fn with_ids(json: &str) -> String {
    ('A'..='Z').fold(json.to_owned(), |json, letter| {
        let id = supplier(&letter.to_string());
        json.replace(&format!("\"supplier\":\"{letter}\""), &format!("\"supplier\":\"{id}\""))
    })
}

fn parties() -> (Merchant, GatewayAccount) {
    let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
    let ids = IdSource::seeded(clock, 1);
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
    (merchant, account)
}

fn file() -> File {
    toml::from_str(include_str!("../worked-examples.toml")).unwrap()
}

fn sum(lines: &[Line], kind: LineKind) -> Option<String> {
    let mut amounts = lines.iter().filter(|line| line.kind == kind).map(|line| line.amount);
    let first = amounts.next()?;
    Some(Money::sum(first.currency(), amounts).unwrap().checked_add(first).unwrap().amount().to_string())
}

#[test]
fn previews() {
    let file = file();
    assert!(file.preview.len() >= 60, "{}", file.preview.len());
    for row in file.preview {
        let id = &row.id;
        let (merchant, mut account) = parties();
        account.holds = row.holds.iter().map(|code| Currency::find(code).unwrap()).collect();
        let request: Result<PreviewRequest, _> = serde_json::from_str(&with_ids(&row.request));
        let request = request.unwrap_or_else(|error| panic!("{id}: {error}"));
        let amount = request.amount;
        let settles_in = |of: SupplierId| {
            let own = row.settles_in.get(&letter(&of.to_string()));
            Some(own.map_or(amount.currency(), |code| Currency::find(code).unwrap()))
        };
        let answer = preview(
            request,
            &PreviewContext {
                merchant: &merchant,
                account: &account,
                fees: &FeeBook::default(),
                supplier: &settles_in,
                mid: &|_, _| None,
                today: "2026-11-23".parse().unwrap(),
            },
        );
        if let Some(param) = &row.refused {
            let error = answer.expect_err(id);
            assert_eq!(&error.param(), param, "{id}: {error}");
            continue;
        }
        let answer = answer.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_foots(id, answer.gross, &answer.lines);
        if let Some(gross) = &row.gross {
            assert_eq!(&answer.gross.amount().to_string(), gross, "{id} gross");
        }
        if let Some(fee) = &row.gateway_fee {
            let found = sum(&answer.lines, LineKind::GatewayFee).unwrap_or("none".into());
            assert_eq!(&found, fee, "{id} gateway fee");
        }
        if let Some(fee) = &row.platform_fee {
            assert_eq!(sum(&answer.lines, LineKind::PlatformFee).as_ref(), Some(fee), "{id} platform fee");
        }
        let by_receiver = |kind: LineKind| -> BTreeMap<String, String> {
            let lines = answer.lines.iter().filter(|line| line.kind == kind);
            lines.map(|line| (letter(&line.to), line.amount.amount().to_string())).collect()
        };
        if !row.shares.is_empty() {
            assert_eq!(by_receiver(LineKind::Share), row.shares, "{id} shares");
        }
        assert_eq!(by_receiver(LineKind::Conversion), row.conversions, "{id} conversions");
        for (to, spread) in &row.spreads {
            let mut lines = answer.lines.iter().filter(|line| line.converted.is_some());
            let line = lines.find(|line| letter(&line.to) == *to).expect(id);
            let found = line.converted.as_ref().and_then(|converted| converted.spread).unwrap();
            assert_eq!(&found.amount().to_string(), spread, "{id} spread");
        }
        if let Some(text) = &row.explain {
            let first = answer.lines.first().unwrap();
            assert!(first.explain.contains(text), "{id}: {}", first.explain);
        }
    }
}

/// Lines sum to gross; where the gateway converted, per currency.
fn assert_foots(id: &str, gross: Money, lines: &[Line]) {
    let platform: Vec<_> = lines.iter().filter(|line| line.kind == LineKind::PlatformFee).collect();
    assert_eq!(platform.len(), 1, "{id}: exactly one platform fee line");
    let converted = lines.iter().find(|line| line.kind == LineKind::Conversion && line.to == "platform");
    let in_sum = lines.iter().filter(|line| line.kind != LineKind::Conversion);
    let of = |currency: Currency| {
        let amounts = in_sum.clone().map(|line| line.amount).filter(|amount| amount.currency() == currency);
        Money::sum(currency, amounts).unwrap()
    };
    match converted {
        None => assert_eq!(of(gross.currency()), gross, "{id}: lines do not sum to gross"),
        Some(line) => {
            let from = line.converted.as_ref().unwrap().from;
            assert_eq!(of(gross.currency()).checked_add(from).unwrap(), gross, "{id}");
            assert_eq!(of(line.amount.currency()), line.amount, "{id}");
        }
    }
    for line in lines {
        assert!(!line.explain.is_empty() && !line.rule.is_empty() && !line.rule_version.is_empty(), "{id}");
    }
}

/// What a contract of these rules takes of a charge.
fn by_contract(rules: &str, gross: Money) -> Vec<straits::domain::fees::FeeLine> {
    let charge = Charge {
        gateway: "paypal",
        account: "paypal",
        method: None,
        market: None,
        payer_country: None,
        date: "2026-11-23".parse().unwrap(),
        gross,
    };
    FeeBook::of(serde_json::from_str(rules).unwrap()).assess(&charge).unwrap()
}

#[test]
fn refunds() {
    for row in file().refund {
        let (merchant, account) = parties();
        let currency = Currency::find(&row.currency).unwrap();
        let gross = Money::parse(&row.amount, currency).unwrap();
        let terms: Terms = serde_json::from_str(&with_ids(&row.terms)).unwrap();
        let agreement = Agreement::try_new(terms, gross).unwrap();
        let fee =
            row.fee.as_deref().map_or(Money::zero(currency), |fee| Money::parse(fee, currency).unwrap());
        let fee = match &row.contract {
            Some(rules) => GatewayFee::Accrued(by_contract(rules, gross)),
            None => GatewayFee::Charged { amount: fee, scheduled: vec![] },
        };
        let settlement = settle(&SettlementInput {
            contract: &Contract::of(&merchant, &account),
            agreement: &agreement,
            fee,
            received: None,
            received_mid: None,
            commission: Commission::none(),
            exchanges: &BTreeMap::new(),
        });
        let settlement = settlement.unwrap();
        let mut earlier: Vec<Refund> = Vec::new();
        for (number, step) in row.steps.iter().enumerate() {
            let id = format!("{} step {}", row.id, number + 1);
            let request: RefundRequest = serde_json::from_str(&with_ids(&step.request)).unwrap();
            let funds = |supplier, currency| Funds {
                own: vec![(
                    Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier)),
                    own_pending(&settlement, &earlier, supplier, currency).unwrap(),
                )],
                available: Money::zero(currency),
            };
            let refund = decide(
                &request,
                &RefundTerms {
                    settlement: &settlement,
                    account: &account,
                    earlier: &earlier,
                    deliveries: &[],
                    funds: &funds,
                    fx_difference: FxDifference::Platform,
                },
            );
            if let Some(param) = &step.refused {
                assert_eq!(refund.expect_err(&id).param(), param, "{id}");
                continue;
            }
            let refund = refund.unwrap_or_else(|error| panic!("{id}: {error}"));
            for line in &refund.lines {
                assert!(
                    !line.rule.is_empty() && !line.rule_version.is_empty(),
                    "{id}: {line:?} opens to no rule"
                );
            }
            let total = Money::sum(currency, refund.lines.iter().map(|line| line.amount)).unwrap();
            assert_eq!(total, refund.amount, "{id}: lines do not sum");
            let by = |kind: RefundLineKind| -> BTreeMap<String, String> {
                let lines = refund.lines.iter().filter(|line| line.kind == kind);
                lines.map(|line| (letter(&line.to), line.amount.amount().to_string())).collect()
            };
            if !step.shares.is_empty() {
                assert_eq!(by(RefundLineKind::Share), step.shares, "{id} shares");
            }
            if let Some(fee) = &step.platform_fee {
                assert_eq!(by(RefundLineKind::PlatformFee).get("platform"), Some(fee), "{id} platform fee");
            }
            if !step.fee_kept.is_empty() {
                assert_eq!(by(RefundLineKind::FeeKept), step.fee_kept, "{id} fee kept");
            }
            earlier.push(refund);
        }
    }
}

#[test]
fn rates() {
    for row in file().rate {
        let (base, quote) = (Currency::find(&row.base).unwrap(), Currency::find(&row.quote).unwrap());
        let rate = Rate::parse(base, quote, &row.rate).unwrap();
        let marked = rate.with_markup(BasisPoints(row.markup_bps)).unwrap();
        assert_eq!(marked.value().to_string(), row.expect, "{}", row.id);
    }
}

#[test]
fn a_fee_rule_reads_the_same_from_toml_and_json() {
    let json = r#"{"name":"n","kind":"gateway","percent":"4.4","fixed":"0.50","minimum":"1.00","cap":"9.00",
        "tiers":[{"from":"10.00","percent":"1.9"}],"of":"net","bearer":"suppliers","rounding":"up",
        "when":{"gateway":"paypal","from":"2026-01-01"},"source":"s","trust":"sample"}"#;
    let toml = r#"
        name = "n"
        kind = "gateway"
        percent = "4.4"
        fixed = "0.50"
        minimum = "1.00"
        cap = "9.00"
        tiers = [{ from = "10.00", percent = "1.9" }]
        of = "net"
        bearer = "suppliers"
        rounding = "up"
        when = { gateway = "paypal", from = "2026-01-01" }
        source = "s"
        trust = "sample"
    "#;
    let from_json: FeeRule = serde_json::from_str(json).unwrap();
    let from_toml: FeeRule = toml::from_str(toml).unwrap();
    assert_eq!(from_json, from_toml);
    assert_eq!(from_json.version(), from_toml.version());
    assert_ne!(from_json.version(), FeeRule { bearer: Default::default(), ..from_toml }.version());
}

#[test]
fn the_shipped_schedules_price_a_grabpay_charge() {
    let gross = Money::parse("100.00", Currency::find("SGD").unwrap()).unwrap();
    let charge = Charge {
        gateway: "grabpay",
        account: "grabpay-sg",
        method: None,
        market: None,
        payer_country: None,
        date: "2026-11-23".parse().unwrap(),
        gross,
    };
    let lines = FeeBook::shipped().assess(&charge).unwrap();
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [180, 16]);
    assert_eq!(FeeBook::shipped().markup(&charge).unwrap(), BasisPoints(50));
}
