//! Files that a person brings to a bank: who bears the charges, what the bank says of them, and two persons' word where it
//! says nothing.

use chrono::TimeDelta;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::{Carried, Payout, PayoutBatch, PayoutState, PlanDocument};
use straits::flows::pay_out::PayOutError;
use straits::ids::PlanId;
use straits::rails::ByHand;
use straits::store::{Change, Versioned};

use super::notification::{statement, take};
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

/// Two suppliers with 100.00 and 200.00, paid from a bank whose files a person brings.
async fn treasury(
    database: &TestDatabase,
    currency: &str,
    file: fn(straits::clock::Clock) -> ByHand,
) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    let treasury = Treasury::on(world, "bank", From::Bank("scb"), currency, 10).await.by_hand(file);
    for (letter, amount) in [("A", "100.00"), ("B", "200.00")] {
        let supplier = treasury.supplier(letter);
        treasury.payee(supplier).await;
        treasury.terms(supplier, r#"{"town":"Bangkok"}"#).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, amount).await;
    }
    treasury.fund(AccountCode::BANK_CLIENT, "scb", "1000.00").await;
    treasury
}

/// What a bank says: of the whole, and of payments.
fn report(message: &str, whole: &str, read: (&str, &str), each: &[(&Payout, &str)]) -> String {
    let of = |(payout, status): &(&Payout, &str)| {
        let reason = if *status == "RJCT" { "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>" } else { "" };
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts>{reason}</TxInfAndSts>",
            payout.id
        )
    };
    let each: String = each.iter().map(of).collect();
    let (count, sum) = read;
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><CstmrPmtStsRpt><GrpHdr><MsgId>B1</MsgId></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><OrgnlNbOfTxs>{count}</OrgnlNbOfTxs>\
         <OrgnlCtrlSum>{sum}</OrgnlCtrlSum><GrpSts>{whole}</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId>\
         {each}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
}

impl Treasury {
    async fn handed_back(&self, plan: PlanId, report: &str) -> Result<(), PayOutError> {
        self.paying.status_report(self.world.merchant.id, plan, report).await
    }

    async fn batch(&self, plan: PlanId) -> Versioned<PayoutBatch> {
        self.world.store.payout_batches_of(plan).await.unwrap().remove(0)
    }

    async fn file(&self, plan: PlanId) -> Result<String, PayOutError> {
        self.paying.pain001(self.world.merchant.id, plan, None).await.map(|(_, text)| text)
    }
}

/// The plan says who bears what is taken on the way, and so does the file.
#[tokio::test(flavor = "multi_thread")]
async fn the_file_says_who_bears_the_charges_as_it_was_approved() {
    on_each_engine("charges told", async |database| {
        let treasury = treasury(database, "USD", ByHand::pain001).await;
        let plan = treasury.sent().await;
        let text = treasury.file(plan).await.unwrap();
        // By the route's own bearer.
        assert!(text.contains("<ChrgBr>SHAR</ChrgBr>") && !text.contains("DEBT"), "{text}");
        assert_eq!(treasury.file(plan).await.unwrap(), text);

        // A file that was handed over by a program that told every bank `DEBT`, or our ids as they are, is still the file that
        // it was.
        let raw = text.replace(">po-", ">po_").replace(">pob-", ">pob_");
        assert_eq!(raw.matches('_').count(), 6);
        let old = raw.replace("<ChrgBr>SHAR</ChrgBr>", "<ChrgBr>DEBT</ChrgBr>");
        for old in [raw.as_str(), &text] {
            let batch = treasury.batch(plan).await;
            let carried = batch.value.carried.clone().unwrap();
            let carried = Some(Carried { file: Some(PlanDocument::hash_of(old)), ..carried });
            let mut change = Change::new();
            change.update_payout_batch(&PayoutBatch { carried, ..batch.value.clone() }, batch.version);
            treasury.world.store.commit(change).await.unwrap();
            assert_eq!(treasury.file(plan).await.unwrap(), old);
        }
        let batch = treasury.batch(plan).await;
        let stored = r#"{"payouts":[],"file":null}"#;
        let before: Carried = serde_json::from_str(stored).unwrap();
        assert!(!before.by_hand);
        let carried = batch.value.carried.clone().unwrap();
        let carried = Some(Carried { file: Some(PlanDocument::hash_of(&old)), by_hand: false, ..carried });
        let mut change = Change::new();
        change.update_payout_batch(&PayoutBatch { carried, ..batch.value.clone() }, batch.version);
        treasury.world.store.commit(change).await.unwrap();
        assert_eq!(treasury.file(plan).await.unwrap(), old);

        // By one supplier's own terms: each says it itself.
        for (letter, amount) in [("A", "100.00"), ("B", "200.00")] {
            treasury.fund(AccountCode::SUPPLIER_AVAILABLE, treasury.supplier(letter), amount).await;
        }
        treasury.terms(treasury.supplier("B"), r#"{"fee_bearer":"platform"}"#).await;
        let plan = treasury.sent().await;
        let text = treasury.file(plan).await.unwrap();
        let of = |letter: &str, payouts: &[Payout]| {
            let payout = payouts.iter().find(|payout| payout.supplier == treasury.supplier(letter)).unwrap();
            let id = payout.id.to_string().replace('_', "-");
            let own = text.split_once(&format!("<EndToEndId>{id}</EndToEndId>")).unwrap().1;
            own.split_once("<ChrgBr>").unwrap().1.split('<').next().unwrap().to_owned()
        };
        let payouts = treasury.payouts(plan).await;
        assert_eq!((of("A", &payouts), of("B", &payouts)), ("SHAR".to_owned(), "DEBT".to_owned()), "{text}");
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_refused_comes_back_by_the_hand_that_brought_it() {
    on_each_engine("pain.002 by hand", async |database| {
        let treasury = treasury(database, "THB", ByHand::pain001).await;
        let plan = treasury.sent().await;
        let payouts = treasury.payouts(plan).await;
        let of = |minor| payouts.iter().find(|payout| payout.amount.minor() == minor).unwrap();
        let (a, b) = (of(10_000), of(20_000));
        let message = a.batch.to_string();
        let fine = ("2", "300.00");
        let each = [(a, "RJCT"), (b, "ACSC")];
        let before = treasury.world.standing().await;
        // Another file's, sums that are not the file's, none at all: nothing is taken.
        for (bad, words) in [
            (report("pob_01kb0000000000000000000000", "PART", fine, &each), "none of this plan"),
            (report("m", "PART", fine, &each), "none of this plan"),
            (report(&message, "PART", ("3", "300.00"), &each), "the bank read 3 payments of 300.00"),
            (report(&message, "PART", ("2", "300.01"), &each), "the bank read 2 payments of 300.01"),
            (report(&message, "PART", ("2", "a lot"), &each), "the bank read"),
            ("<Document/>".to_owned(), "does not read"),
        ] {
            let refused = treasury.handed_back(plan, &bad).await.unwrap_err();
            assert!(matches!(refused, PayOutError::Refused { param: "body", .. }), "{refused:?}");
            assert!(refused.to_string().contains(words), "{refused}");
        }
        let good = report(&message, "PART", fine, &each);
        let stranger = treasury.paying.status_report(treasury.world.ids.mint(), plan, &good).await;
        assert!(matches!(stranger, Err(PayOutError::Unknown("payout plan"))), "{stranger:?}");
        let other = treasury.draft().await.id;
        assert!(treasury.handed_back(other, &good).await.is_err(), "another plan's");
        assert_eq!(treasury.states(plan).await.get("sent"), Some(&2));
        assert_eq!(treasury.world.standing().await, before);

        for _ in 0..2 {
            treasury.handed_back(plan, &good).await.unwrap();
            let states = treasury.states(plan).await;
            assert_eq!((states.get("failed"), states.get("sent")), (Some(&1), Some(&1)));
            let standing = treasury.world.standing().await;
            let back = |letter: &str| standing.get(&format!("2110[{letter}] THB")).cloned();
            assert_eq!((back("A"), back("B")), (Some("-100.00".to_owned()), None));
        }
        let failed = treasury.world.store.payout(a.id).await.unwrap().unwrap().value;
        assert!(matches!(&failed.state, PayoutState::Failed { code, .. } if code == "AC04"), "{failed:?}");
        // The whole file, by its group's word; counts and sums need not be said.
        treasury.handed_back(plan, &report(&message, "RJCT", ("", ""), &[])).await.unwrap();
        assert_eq!(treasury.states(plan).await.get("failed"), Some(&2));
        assert_eq!(treasury.state(plan).await, "partially_failed");
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

/// A bank names a payment by its instruction's id alone, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn one_refused_payment_gives_no_other_supplier_its_balance_back() {
    on_each_engine("pain.002 by instruction", async |database| {
        let treasury = treasury(database, "THB", ByHand::pain001).await;
        let plan = treasury.sent().await;
        let payouts = treasury.payouts(plan).await;
        let a = payouts.iter().find(|payout| payout.amount.minor() == 10_000).unwrap();
        let told = report(&a.batch.to_string(), "PART", ("", ""), &[(a, "RJCT")]);
        let name = format!("<OrgnlEndToEndId>{}</OrgnlEndToEndId>", a.id);
        assert!(told.contains(&name));

        let before = treasury.world.standing().await;
        let refused = treasury.handed_back(plan, &told.replace(&name, "")).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Refused { param: "body", .. }), "{refused:?}");
        assert!(refused.to_string().contains("TxInfAndSts and names nobody"), "{refused}");
        assert_eq!(treasury.states(plan).await.get("sent"), Some(&2));
        assert_eq!(treasury.world.standing().await, before);

        let instruction = format!("<OrgnlInstrId>{}</OrgnlInstrId>", a.id);
        treasury.handed_back(plan, &told.replace(&name, &instruction)).await.unwrap();
        let states = treasury.states(plan).await;
        assert_eq!((states.get("failed"), states.get("sent")), (Some(&1), Some(&1)));
        let standing = treasury.world.standing().await;
        let back = |letter: &str| standing.get(&format!("2110[{letter}] THB")).cloned();
        assert_eq!((back("A"), back("B")), (Some("-100.00".to_owned()), None));
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

/// It is the bank's paper: our ids come back in its letters.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_known_whatever_a_bank_made_of_our_ids() {
    on_each_engine("pain.002 substituted", async |database| {
        for sign in ["-", " ", ".", "/", ""] {
            let treasury = treasury(database, "THB", ByHand::pain001).await;
            let plan = treasury.sent().await;
            let payouts = treasury.payouts(plan).await;
            let [a, b] =
                [10_000, 20_000].map(|minor| payouts.iter().find(|one| one.amount.minor() == minor).unwrap());
            let message = a.batch.to_string();
            let told = report(&message, "PART", ("2", "300.00"), &[(a, "RJCT"), (b, "ACSC")]);
            let mut told = told.replace(&message, &message.replace('_', sign));
            for payout in [a, b] {
                let id = payout.id.to_string();
                told = told.replace(&id, &id.replace('_', sign).to_ascii_uppercase());
            }
            treasury.handed_back(plan, &told).await.unwrap();
            let states = treasury.states(plan).await;
            assert_eq!((states.get("failed"), states.get("sent")), (Some(&1), Some(&1)), "{told}");
            // Counts and sums of the batch are held against the file by the same name.
            let other =
                told.replace("<OrgnlPmtInfAndSts>", "<OrgnlPmtInfAndSts><OrgnlNbOfTxs>9</OrgnlNbOfTxs>");
            assert!(treasury.handed_back(plan, &other).await.is_err(), "{other}");
            treasury.world.store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_say_of_a_brought_file_that_the_bank_never_took_it() {
    on_each_engine("never taken by hand", async |database| {
        let treasury = treasury(database, "THB", ByHand::sheet).await;
        let plan = treasury.sent().await;
        let batch = treasury.batch(plan).await.value;
        let early = batch.execute_on.unwrap() - database.clock.now().date_naive() + TimeDelta::days(3);
        database.tick(early);
        treasury.paying.recover().await.unwrap();
        assert_eq!(treasury.world.findings().await.len(), 0, "its statement may still come");
        database.tick(TimeDelta::days(1) + TimeDelta::hours(7));
        treasury.paying.recover().await.unwrap();
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        assert!(finding.detail.contains("names 2 of its payouts"), "{}", finding.detail);
        let (maker, checker) = (treasury.world.maker, treasury.world.checker);
        let refused = treasury.world.word(maker, &finding, Action::Dismiss).await.unwrap_err();
        assert!(refused.to_string().contains("300.00"), "{refused}");
        treasury.world.word(maker, &finding, Action::Adopt).await.unwrap();

        // The debit comes as one line without names: it may be these, so nobody is given anything back.
        take(&treasury, &statement("300.00")).await;
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        let refused = treasury.world.word(checker, &finding, Action::Adopt).await.unwrap_err();
        assert_eq!(refused.code(), "action_not_applicable");
        assert!(refused.to_string().contains("it may be the debit"), "{refused}");
        assert_eq!(treasury.states(plan).await.get("sent"), Some(&2));

        // It was something else.
        let line = treasury.world.finding(FindingKind::BankUnexplained).await;
        treasury.world.resolve(&line, Action::Adopt).await;
        treasury.world.word(checker, &finding, Action::Adopt).await.unwrap();
        treasury.paying.recover().await.unwrap();
        assert_eq!(treasury.states(plan).await.get("failed"), Some(&2));
        assert_eq!(treasury.state(plan).await, "partially_failed");
        let standing = treasury.world.standing().await;
        for (letter, back) in [("A", "-100.00"), ("B", "-200.00")] {
            let place = format!("2110[{letter}] THB");
            assert_eq!(standing.get(&place).map(String::as_str), Some(back));
        }
        // What is given back is not brought to the bank once more.
        let none = treasury.file(plan).await.unwrap_err();
        assert!(none.to_string().contains("never took it"), "{none}");
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

/// Counts by status and the amounts of single payments are held against the file, and against what the report says itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_contradicts_its_file_or_itself_changes_nothing() {
    on_each_engine("pain.002 contradicts", async |database| {
        let treasury = treasury(database, "THB", ByHand::pain001).await;
        let plan = treasury.sent().await;
        let payouts = treasury.payouts(plan).await;
        let [a, b] =
            [10_000, 20_000].map(|minor| payouts.iter().find(|one| one.amount.minor() == minor).unwrap());
        let message = a.batch.to_string();
        let plain = report(&message, "PART", ("2", "300.00"), &[(a, "RJCT"), (b, "ACSC")]);
        let counted = |level: &str, each: &[(&str, &str, &str)]| {
            let of = |(status, count, sum): &(&str, &str, &str)| {
                let sum = if sum.is_empty() { String::new() } else { format!("<DtldCtrlSum>{sum}</DtldCtrlSum>") };
                format!("<NbOfTxsPerSts><DtldNbOfTxs>{count}</DtldNbOfTxs><DtldSts>{status}</DtldSts>{sum}</NbOfTxsPerSts>")
            };
            let each: String = each.iter().map(of).collect();
            match level {
                "OrgnlGrpInfAndSts" => plain.replace("</OrgnlGrpInfAndSts>", &format!("{each}</OrgnlGrpInfAndSts>")),
                _ => plain.replace("</OrgnlPmtInfId>", &format!("</OrgnlPmtInfId>{each}")),
            }
        };
        let priced = |currency: &str, amount: &str| {
            let own = format!("<OrgnlTxRef><Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt></OrgnlTxRef>");
            plain.replace("<TxSts>ACSC</TxSts>", &format!("<TxSts>ACSC</TxSts>{own}"))
        };
        let before = treasury.world.standing().await;
        for level in ["OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts"] {
            for (each, words) in [
                (&[("RJCT", "2", "")][..], "2 payments RJCT of ? in all where the file has 1 of 100.00"),
                (&[("RJCT", "1", "100.01")], "1 payments RJCT of 100.01 in all where the file has 1 of 100.00"),
                (&[("RJCT", "0", "")], "0 payments RJCT"),
                (&[("ACSC", "0", "")], "0 payments ACSC"),
                (&[("RJCT", "one", "")], "one payments RJCT"),
                (&[("RJCT", "1", ""), ("ACSC", "2", "")], "3 payments of 0 over all statuses"),
                (&[("ACSC", "2", "")], "no payments RJCT where the file has 1 of 100.00"),
            ] {
                let refused = treasury.handed_back(plan, &counted(level, each)).await.unwrap_err();
                assert!(matches!(refused, PayOutError::Refused { param: "body", .. }), "{refused:?}");
                let said = refused.to_string();
                assert!(said.contains(words) && said.contains(&format!("({level}/NbOfTxsPerSts)")), "{said}");
                assert!(said.contains("hand in its report on this one"), "{said}");
            }
        }
        for (currency, amount) in [("THB", "200.01"), ("USD", "200.00"), ("", "200.00"), ("THB", "much")] {
            let refused = treasury.handed_back(plan, &priced(currency, amount)).await.unwrap_err().to_string();
            let place = format!("where the file has THB 200.00 (OrgnlTxRef/Amt/InstdAmt of {})", b.id);
            assert!(refused.contains(&place), "{refused}");
        }
        assert_eq!(treasury.states(plan).await, [("sent", 2)].into());
        assert_eq!(treasury.world.standing().await, before);
        // As it was sent, and of those that it took no more than it likes.
        for (place, good) in [
            counted("OrgnlGrpInfAndSts", &[("RJCT", "1", "100.00"), ("ACSC", "1", "200.00")]),
            counted("OrgnlPmtInfAndSts", &[("RJCT", "1", "")]),
            priced("THB", "200.0"),
        ]
        .iter()
        .enumerate()
        {
            treasury.handed_back(plan, good).await.unwrap();
            assert_eq!(treasury.states(plan).await, [("failed", 1), ("sent", 1)].into(), "{place}");
        }
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}
