//! Lines of banks that name payouts: in whatever letters a bank carries, in every form of a statement, in another currency
//! than was sent, and once only.

use straits::banks::{camt053, csv, mt940};
use straits::domain::deposits::LineState;
use straits::domain::findings::FindingKind;
use straits::domain::ledger::AccountCode;
use straits::domain::merchants::{BankAccount, BankAccountKind};
use straits::domain::payouts::{Payout, PayoutState};
use straits::flows::deposits::StatementFile;
use straits::flows::issue_statement::StatementQuery;
use straits::flows::onboard::seal_details;
use straits::ids::PlanId;
use straits::rails::ByHand;
use straits::store::bank_accounts::StoredBankAccount;
use straits::store::{Change, Store};

use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

/// Two suppliers paid 100.00 and 200.00 by a file that a person brings; the payouts, the smaller one first.
async fn sent(
    store: &Store,
    database: &TestDatabase,
    currency: &str,
    setup: Setup,
) -> (Treasury, PlanId, Vec<Payout>) {
    let world = World::on(store, &database.clock, setup).await;
    let treasury =
        Treasury::on(world, "bank", From::Bank("scb"), currency, 10).await.by_hand(ByHand::pain001);
    for (letter, amount) in [("A", "100.00"), ("B", "200.00")] {
        let supplier = treasury.supplier(letter);
        treasury.payee(supplier).await;
        treasury.terms(supplier, r#"{"town":"Bangkok"}"#).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, amount).await;
    }
    treasury.fund(AccountCode::BANK_CLIENT, "scb", "1000.00").await;
    let plan = treasury.sent().await;
    let mut payouts = treasury.payouts(plan).await;
    payouts.sort_by_key(|payout| payout.amount.minor());
    (treasury, plan, payouts)
}

/// Amount with its sign, the bank's reference, `EndToEndId`.
type Entry<'a> = (&'a str, &'a str, String);

fn camt(account: &str, currency: &str, day: &str, entries: &[Entry<'_>]) -> String {
    let entry = |(amount, reference, name): &Entry<'_>| {
        let side = if amount.starts_with('-') { "DBIT" } else { "CRDT" };
        let amount = amount.trim_start_matches('-');
        format!(
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
        )
    };
    let entries: String = entries.iter().map(entry).collect();
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>{day}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

impl Treasury {
    async fn read_lines(&self, file: StatementFile) {
        let (world, merchant) = (&self.world, self.world.merchant.id);
        world.deposits.read_statements(&world.vault, merchant, &file, Change::new()).await.unwrap();
        self.paying.recover().await.unwrap();
    }

    async fn read_camt(&self, text: &str) {
        let read = camt053::read(text.as_bytes()).unwrap();
        self.read_lines(StatementFile::new("camt053", text.as_bytes(), read, None)).await;
    }

    async fn suspense(&self, currency: &str) -> usize {
        let currency = currency.parse().unwrap();
        let open =
            self.world.store.open_bank_lines(self.world.merchant.id, currency, |_| true).await.unwrap();
        open.iter().filter(|row| row.value.state == LineState::Suspense).count()
    }

    /// One more client account, with its number.
    async fn bank(&self, name: &str, currency: &str, number: &str) {
        self.bank_of(BankAccountKind::Client, name, currency, number).await;
    }

    async fn bank_of(&self, kind: BankAccountKind, name: &str, currency: &str, number: &str) {
        let account = BankAccount {
            id: self.world.ids.mint(),
            merchant: self.world.merchant.id,
            name: name.into(),
            kind,
            currency: currency.parse().unwrap(),
            country: "SG".into(),
            bic: None,
            hint: "0002".into(),
            sweeps: vec![],
            address: None,
            created_at: self.world.clock.now(),
        };
        let sealed = seal_details(&self.world.vault, account.id, &number.to_owned().into(), None).unwrap();
        let mut change = Change::new();
        change.insert_bank_account(&StoredBankAccount { account, sealed });
        self.world.store.commit(change).await.unwrap();
    }
}

/// An id as a bank tells it that does not carry `_`.
fn told(id: impl ToString, sign: &str) -> String {
    id.to_string().replace('_', sign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debits_are_known_whatever_letters_a_bank_carries() {
    on_each_engine("substituted ids", async |database| {
        let store = database.open().await;
        for sign in ["_", "-", " ", ".", "/", ""] {
            let (treasury, plan, payouts) = sent(&store, database, "THB", Setup::default()).await;
            let [a, b] = [told(payouts[0].id, sign), told(payouts[1].id, sign).to_ascii_uppercase()];
            treasury
                .read_camt(&camt(
                    "000000000001",
                    "THB",
                    "2026-11-18",
                    &[("-100.00", "B1", a), ("-200.00", "B2", b)],
                ))
                .await;
            assert_eq!(treasury.states(plan).await.get("paid"), Some(&2), "{sign:?}");
            assert_eq!(
                (treasury.suspense("THB").await, treasury.world.findings().await.len()),
                (0, 0),
                "{sign:?}"
            );
            // All of a batch in one line, which names the batch.
            let (treasury, plan, payouts) = sent(&store, database, "THB", Setup::default()).await;
            let whole = told(payouts[0].batch, sign);
            treasury.read_camt(&camt("000000000001", "THB", "2026-11-18", &[("-300.00", "B3", whole)])).await;
            assert_eq!(treasury.states(plan).await.get("paid"), Some(&2), "{sign:?}");
            treasury.world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debits_of_mt940_and_csv_are_payouts_too() {
    on_each_engine("debits without names", async |database| {
        let store = database.open().await;
        let head = ":20:S\n:25:000000000001\n:28C:1/1\n:60F:C261118THB1000,00\n";
        let lines = |a: &str, b: &str| {
            format!(
                "{head}:61:2611181118D100,00NTRFNONREF//B1\n{a}\n:61:2611181118D200,00NTRFEREF//B2\n{b}\n:62F:C261118THB700,00\n-"
            )
        };
        for form in ["structured", "slashes", "broken", "batch", "csv", "csv reference"] {
            let (treasury, plan, payouts) = sent(&store, database, "THB", Setup::default()).await;
            let [a, b] = [0, 1].map(|of: usize| told(payouts[of].id, "-"));
            let text = match form {
                // A sub-field has 27 letters, a line 65.
                "structured" => {
                    let field = |id: &str| {
                        let said = format!("EREF+{id}");
                        let (first, rest) = said.split_at(27);
                        format!(":86:166?00UEBERWEISUNG?20{first}?21{rest}?22SVWZ+Payout?32PAYEE")
                    };
                    lines(&field(&a), &field(&b))
                }
                "slashes" => lines(
                    &format!(":86:/EREF/{a}//BENM//NAME/PAYEE/REMI/goods/"),
                    &format!(":86:/EREF/{}//BENM//NAME/PAYEE/", b.to_ascii_uppercase()),
                ),
                "broken" => {
                    let field = |id: &str| {
                        let said = format!(":86:SINGLE EURO TRANSFER OF NOVEMBER TO PAYEE REF. EREF: {id} END");
                        format!("{}\n{}", &said[..65], &said[65..])
                    };
                    lines(&field(&a), &field(&b))
                }
                "batch" => {
                    let whole = told(payouts[0].batch, " ").to_ascii_uppercase();
                    format!("{head}:61:2611181118D300,00NTRFNONREF//B1\n:86:BULK KREF+{whole}\n:62F:C261118THB700,00\n-")
                }
                "csv" => {
                    format!("date,amount,description\n2026-11-18,-100.00,Transfer {a} Payee\n2026-11-18,-200.00,EREF+{b}\n")
                }
                _ => format!("date,amount,reference,description\n2026-11-18,-100.00,{a},x\n2026-11-18,-200.00,{b},y\n"),
            };
            let read = match form {
                "csv" | "csv reference" => {
                    csv::read(text.as_bytes(), &csv::Columns::default(), payouts[0].amount.currency()).unwrap()
                }
                _ => mt940::read(text.as_bytes()).unwrap(),
            };
            let merchant = treasury.world.merchant.id;
            let account = store.all_bank_accounts(merchant).await.unwrap().remove(0).account.id;
            let word = if form.starts_with("csv") { "csv" } else { "mt940" };
            treasury.read_lines(StatementFile::new(word, text.as_bytes(), read, Some(account))).await;
            assert_eq!(treasury.states(plan).await.get("paid"), Some(&2), "{form}: {text}");
            assert_eq!((treasury.suspense("THB").await, treasury.state(plan).await), (0, "completed"), "{form}");
            treasury.world.verified().await;
        }
        store.close().await;
    })
    .await;
}

/// A payout is debited once and comes back once: what is said again with other money waits for a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_debit_and_a_second_return_are_nobodys() {
    on_each_engine("debited twice", async |database| {
        let store = database.open().await;
        let (treasury, plan, payouts) = sent(&store, database, "THB", Setup::default()).await;
        let (account, id) = ("000000000001", told(payouts[0].id, "-"));
        for (amount, reference, state, suspense) in [
            ("-100.00", "B1", "paid", 0),
            ("-100.00", "B2", "paid", 1),
            ("90.00", "B3", "returned", 1),
            ("90.00", "B4", "returned", 2),
        ] {
            treasury.read_camt(&camt(account, "THB", "2026-11-18", &[(amount, reference, id.clone())])).await;
            assert_eq!(treasury.states(plan).await.get(state), Some(&1), "{reference}");
            assert_eq!(treasury.suspense("THB").await, suspense, "{reference}");
        }
        let found = treasury.world.findings().await;
        assert_eq!(found.iter().filter(|finding| finding.kind == FindingKind::BankUnexplained).count(), 2);
        let standing = treasury.world.standing().await;
        assert_eq!(standing["1010[scb] THB"], "980.00");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// A statement may print its newest line first. What waits for its debit is not guessed by its sum meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_printed_before_its_debit_waits_for_it_and_is_nothing_else() {
    on_each_engine("newest first", async |database| {
        let store = database.open().await;
        let (treasury, plan, payouts) = sent(&store, database, "USD", Setup::default()).await;
        treasury.bank_of(BankAccountKind::Own, "own", "USD", "000000000009").await;
        treasury.fund(AccountCode::BANK_OPERATING, "own", "500.00").await;
        let rent = [("-100.00", "O1", "rent".to_owned())];
        treasury.read_camt(&camt("000000000009", "USD", "2026-11-18", &rent)).await;
        assert_eq!(treasury.suspense("USD").await, 1);
        let id = told(payouts[0].id, "-");
        let newest_first = [("100.00", "R1", id.clone()), ("-100.00", "B1", id)];
        treasury.read_camt(&camt("000000000001", "USD", "2026-11-18", &newest_first)).await;
        assert_eq!(treasury.states(plan).await.get("returned"), Some(&1));
        assert_eq!(treasury.suspense("USD").await, 1, "the rent is no transfer");
        let standing = treasury.world.standing().await;
        assert_eq!(standing["1010[scb] USD"], "1000.00");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// J21 in another currency: what arrived is the supplier's in that currency, at the account where it arrived, on that day of
/// the merchant's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_in_another_currency_is_the_suppliers_in_that_currency() {
    on_each_engine("returned in SGD", async |database| {
        let store = database.open().await;
        for told_before in [true, false] {
            let setup = Setup { zone: chrono_tz::America::Los_Angeles, ..Setup::default() };
            let (treasury, plan, payouts) = sent(&store, database, "USD", setup).await;
            treasury.bank("dbs", "SGD", "000000000002").await;
            treasury.bank("citi", "USD", "000000000003").await;
            let [a, b] = [0, 1].map(|of: usize| told(payouts[of].id, "-"));
            let debits = [("-100.00", "B1", a.clone()), ("-200.00", "B2", b.clone())];
            let debits = camt("000000000001", "USD", "2026-11-17", &debits);
            if told_before {
                treasury.read_camt(&debits).await;
                assert_eq!(treasury.states(plan).await.get("paid"), Some(&2));
            }
            treasury.read_camt(&camt("000000000002", "SGD", "2026-11-18", &[("126.40", "R1", a)])).await;
            treasury.read_camt(&camt("000000000003", "USD", "2026-11-18", &[("187.50", "R2", b)])).await;
            if !told_before {
                // A bank tells of both: what came back waits for its debit.
                assert_eq!(treasury.states(plan).await.get("sent"), Some(&2));
                assert_eq!(treasury.suspense("SGD").await + treasury.suspense("USD").await, 2);
                treasury.read_camt(&debits).await;
            }
            assert_eq!(treasury.states(plan).await.get("returned"), Some(&2), "{told_before}");
            assert_eq!(treasury.world.findings().await.len(), 0);
            let returned = treasury.payouts(plan).await;
            let arrived = returned.iter().find(|payout| payout.id == payouts[0].id).unwrap();
            assert!(
                matches!(&arrived.state, PayoutState::Returned { arrived, .. } if *arrived == super::money("126.40", "SGD")),
                "{arrived:?}"
            );
            let standing = treasury.world.standing().await;
            let of = |place: &str| standing.get(place).map(String::as_str);
            assert_eq!((of("1010[dbs] SGD"), of("2110[A] SGD")), (Some("126.40"), Some("-126.40")), "{standing:?}");
            assert_eq!((of("1010[citi] USD"), of("2110[B] USD")), (Some("187.50"), Some("-187.50")), "{standing:?}");
            assert_eq!((of("1010[scb] USD"), of("2110[A] USD")), (Some("700.00"), None), "{standing:?}");
            assert!(!standing.keys().any(|place| place.starts_with("2900") || place.starts_with("2140")));
            let today = "2026-11-18".parse().unwrap();
            let query = StatementQuery {
                supplier: treasury.supplier("A"),
                currency: Some("SGD".parse().unwrap()),
                from: today,
                to: today,
                limit: None,
                after: None,
            };
            let statement = treasury.world.statements.statement(treasury.world.merchant.id, &query).await.unwrap();
            let days: Vec<String> = statement.entries().iter().map(|entry| entry.value_date.to_string()).collect();
            assert_eq!(days, ["2026-11-18"]);
            treasury.world.verified().await;
        }
        store.close().await;
    })
    .await;
}

/// A debit says which charge it includes: the payout is paid with its own amount, the charge is its fee (5020), out of the
/// account that was debited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debit_that_includes_a_charge_is_its_payouts_and_the_charge() {
    on_each_engine("charges included", async |database| {
        let store = database.open().await;
        let charge = |amount: &str, included: bool| {
            format!("<Chrgs><Rcrd><Amt Ccy=\"THB\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>{included}</ChrgInclInd></Rcrd></Chrgs>")
        };
        for (form, paid, fee, cash) in [
            ("one", 1, Some("2.50"), "897.50"),
            ("batch", 2, Some("5.00"), "695.00"),
            ("batch of two charges", 2, Some("5.00"), "695.00"),
            ("not included", 0, None, "897.50"),
            ("another sum", 0, None, "897.50"),
        ] {
            let (treasury, plan, payouts) = sent(&store, database, "THB", Setup::default()).await;
            let (amount, name) = match form {
                "batch" | "batch of two charges" => ("-305.00", told(payouts[0].batch, "-")),
                _ => ("-102.50", told(payouts[0].id, "-")),
            };
            let plain = camt("000000000001", "THB", "2026-11-18", &[(amount, "B1", name.clone())]);
            let text = match form {
                "batch of two charges" => {
                    let own = format!("<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs>{}</TxDtls>", charge("2.50", true));
                    let (before, _) = plain.split_once("<TxDtls>").unwrap();
                    let (_, after) = plain.split_once("</TxDtls>").unwrap();
                    format!("{before}{own}{own}{after}")
                }
                _ => {
                    let said = match form {
                        "batch" => charge("5.00", true),
                        "another sum" => charge("2.00", true),
                        _ => charge("2.50", form != "not included"),
                    };
                    plain.replace("<NtryDtls>", &format!("{said}<NtryDtls>"))
                }
            };
            treasury.read_camt(&text).await;
            assert_eq!(treasury.states(plan).await.get("paid").copied().unwrap_or(0), paid, "{form}");
            assert_eq!(treasury.suspense("THB").await, usize::from(paid == 0), "{form}");
            let standing = treasury.world.standing().await;
            let of = |place: &str| standing.get(place).map(String::as_str);
            assert_eq!((of("5020[bank] THB"), of("1010[scb] THB")), (fee, Some(cash)), "{form}: {standing:?}");
            if form == "one" {
                let payout = treasury.payouts(plan).await.into_iter().find(|one| one.id == payouts[0].id).unwrap();
                let PayoutState::Paid { debited, .. } = payout.state else { panic!("{payout:?}") };
                assert_eq!((debited, payout.charged), (payout.amount, Some(super::money("2.50", "THB"))));
            }
            treasury.world.verified().await;
        }
        store.close().await;
    })
    .await;
}
