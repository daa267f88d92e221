//! A statement that books many payouts as one line without names, and the notification that names them.

use straits::banks::camt053::{self, Kind};
use straits::domain::deposits::{BankLine, LineState};
use straits::domain::findings::FindingKind;
use straits::domain::ledger::AccountCode;
use straits::flows::deposits::StatementFile;
use straits::store::Change;

use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

const ACCOUNT: &str = "<Acct><Id><Othr><Id>000000000001</Id></Othr></Id><Ccy>THB</Ccy></Acct>";

fn entry(amount: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"THB\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-28</Dt></BookgDt><AcctSvcrRef>B-9</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )
}

/// One line, no names.
pub fn statement(amount: &str) -> String {
    let balance = |code: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"THB\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-28</Dt></Dt></Bal>"
        )
    };
    let entry = entry(amount, "<Btch><NbOfTxs>2</NbOfTxs></Btch>");
    let (opening, closing) = (balance("OPBD", "1000.00"), balance("CLBD", "700.00"));
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>S</Id>{ACCOUNT}{opening}{closing}{entry}</Stmt></BkToCstmrStmt></Document>"
    )
}

/// The same entry with its payments.
fn notification(amount: &str, payments: &[(String, &str)]) -> String {
    let detail = |(name, amount): &(String, &str)| {
        format!(
            "<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy=\"THB\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>"
        )
    };
    let details: String = payments.iter().map(detail).collect();
    let entry = entry(amount, &details);
    format!(
        "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>{ACCOUNT}{entry}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )
}

pub async fn take(treasury: &Treasury, text: &str) {
    let (kind, read) = camt053::read_kind(text.as_bytes()).unwrap();
    let format = if kind == Kind::Notification { "camt054" } else { "camt053" };
    let file = StatementFile::new(format, text.as_bytes(), read, None);
    let (world, merchant) = (&treasury.world, treasury.world.merchant.id);
    world.deposits.read_statements(&world.vault, merchant, &file, Change::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_books_nothing_and_names_what_a_statement_booked() {
    on_each_engine("camt.054", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "bank", From::Bank("scb"), "THB", 10).await;
        for (letter, amount) in [("A", "100.00"), ("B", "200.00")] {
            let supplier = treasury.supplier(letter);
            treasury.payee(supplier).await;
            treasury.terms(supplier, r#"{"town":"Bangkok"}"#).await;
            treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, amount).await;
        }
        treasury.fund(AccountCode::BANK_CLIENT, "scb", "1000.00").await;
        let plan = treasury.sent().await;
        let payouts = treasury.payouts(plan).await;
        let named = |of: usize| {
            let amount = if payouts[of].amount.minor() == 10_000 { "100.00" } else { "200.00" };
            (payouts[of].id.to_string(), amount)
        };
        let (told, wrong) =
            (notification("300.00", &[named(0), named(1)]), notification("300.00", &[named(0)]));
        // Before the statement there is nothing to be named, and nothing is booked.
        let before = treasury.world.standing().await;
        take(&treasury, &told).await;
        assert_eq!(treasury.world.standing().await, before);
        take(&treasury, &statement("300.00")).await;
        assert_eq!(treasury.world.findings().await.len(), 1);
        treasury.world.finding(FindingKind::BankUnexplained).await;
        assert_eq!(treasury.states(plan).await.get("sent"), Some(&2));
        // Names that do not come to the line's amount explain nothing.
        take(&treasury, &wrong).await;
        assert_eq!(treasury.states(plan).await.get("sent"), Some(&2), "one of two is not the whole");
        for _ in 0..2 {
            take(&treasury, &told).await;
            treasury.paying.recover().await.unwrap();
            assert_eq!(treasury.states(plan).await.get("paid"), Some(&2));
        }
        assert_eq!(treasury.state(plan).await, "completed");
        let standing = treasury.world.standing().await;
        assert_eq!(standing.get("1010[scb] THB").map(String::as_str), Some("700.00"), "{standing:?}");
        assert!(!standing.keys().any(|account| account.starts_with("2900") || account.starts_with("2140")));
        let (merchant, currency) = (treasury.world.merchant.id, payouts[0].amount.currency());
        let stands = |line: &BankLine| line.state == LineState::Suspense;
        let open = treasury.world.store.open_bank_lines(merchant, currency, stands).await.unwrap();
        assert!(open.is_empty(), "{open:?}");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}
