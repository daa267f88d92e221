//! A refund gives back the tax that its own sale bore: nothing of what was never taxed, by the older text what that one taxed.

use chrono::{NaiveDate, TimeDelta};
use straits::domain::ledger::AccountCode;
use straits::domain::withholding::{Gross, TaxRules, TaxTable, Withheld};
use straits::ids::PaymentId;
use straits::money::Money;
use straits::store::withholding::CertificateFilter;
use straits::store::{Change, Seek, Store};

use super::withholding::{back, carried, of, sold, usd, withheld};
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

/// A rule of these texts: percent, and how many days from now it begins; each ends where the next begins.
async fn under(store: &Store, database: &TestDatabase, texts: &[(&str, i64)]) -> Treasury {
    let today = database.clock.now().date_naive();
    let day = |days: i64| -> NaiveDate { today + TimeDelta::days(days) };
    let mut table = "version = \"1\"\n".to_owned();
    for (place, (percent, from)) in texts.iter().enumerate() {
        let until = texts.get(place + 1).map(|(_, next)| format!("until = \"{}\"\n", day(next - 1)));
        table.push_str(&format!(
            "[[rule]]\nname = \"ph\"\nauthority = \"BIR\"\ncountry = \"PH\"\npercent = \"{percent}\"\nshare_of_base = \"0.5\"\n\
             period = \"quarter\"\nfrom = \"{}\"\n{}source = \"s\"\ntrust = \"t\"\n",
            day(*from),
            until.unwrap_or_default()
        ));
    }
    let table = TaxTable::read("own.toml", &table).unwrap();
    let withholding = TaxRules::appointed(&table, &["BIR".to_owned()]).unwrap();
    acting(store, database, withholding, chrono_tz::UTC).await
}

/// The same under rules that act for a merchant in a zone.
async fn acting(
    store: &Store,
    database: &TestDatabase,
    withholding: TaxRules,
    zone: chrono_tz::Tz,
) -> Treasury {
    let setup = Setup { withholding, country: "PH", zone, ..Setup::default() };
    let world = World::on(store, &database.clock, setup).await;
    let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
    treasury.payee(treasury.supplier("A")).await;
    treasury
}

/// The last day of a rule is the merchant's: in Los Angeles it goes on for eight hours after London's, in Manila it ends as
/// many before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_ends_with_the_merchants_day() {
    on_each_engine("withholding zones", async |database| {
        let store = database.open().await;
        for (zone, hour, counts) in [
            (chrono_tz::America::Los_Angeles, 26, true),
            (chrono_tz::America::Los_Angeles, 33, false),
            (chrono_tz::Asia::Manila, 15, true),
            (chrono_tz::Asia::Manila, 17, false),
        ] {
            let now = database.clock.now();
            // Sold and released at that hour of the last day, and of the next.
            let last = now.date_naive() + TimeDelta::days(2);
            let table = format!(
                "version = \"1\"\n[[rule]]\nname = \"ph\"\nauthority = \"BIR\"\ncountry = \"PH\"\npercent = \"1\"\nperiod = \"quarter\"\n\
                 from = \"2020-01-01\"\nuntil = \"{last}\"\nsource = \"s\"\ntrust = \"t\"\n"
            );
            let table = TaxTable::read("own.toml", &table).unwrap();
            let rules = TaxRules::appointed(&table, &["BIR".to_owned()]).unwrap();
            let treasury = acting(&store, database, rules, zone).await;
            let release = last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(hour);
            database.tick(release - now - TimeDelta::days(1));
            sold(&treasury, database, "o-1", "100.00").await;
            let (supplier, currency) = (treasury.supplier("A"), usd("0.00").currency());
            let turnover = store.withholding_turnover(supplier, currency, None).await.unwrap();
            assert_eq!(turnover.sold == usd("100.00"), counts, "{zone} {hour}: {turnover:?}");
        }
        store.close().await;
    })
    .await;
}

/// A plan is made and carried out: percent, base, tax withheld and the credit behind it, by accounting.
async fn accounted(treasury: &Treasury) -> Vec<(String, Money, Money, Money)> {
    let plan = carried(treasury).await;
    let row = |tax: &Withheld| (tax.percent.to_string(), tax.base, tax.withheld, tax.credit);
    let taxes = of(&plan).taxes.iter().map(row).collect();
    treasury.works(plan.id).await;
    taxes
}

fn row(percent: &str, base: &str, withheld: &str, credit: &str) -> (String, Money, Money, Money) {
    (format!("{percent} %"), usd(base), usd(withheld), usd(credit))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_text_gives_back_what_it_took() {
    on_each_engine("withholding texts", async |database| {
        let store = database.open().await;
        let treasury = under(&store, database, &[("1", -30), ("2", 3)]).await;
        let first = sold(&treasury, database, "o-1", "10000.00").await;
        assert_eq!(accounted(&treasury).await, [row("1", "10000.00", "50.00", "0.00")]);
        database.tick(TimeDelta::days(3));
        let second = sold(&treasury, database, "o-2", "2000.00").await;
        assert_eq!(accounted(&treasury).await, [row("2", "2000.00", "20.00", "0.00")]);
        // Both of what is new, and of each of the texts.
        let third = sold(&treasury, database, "o-3", "4000.00").await;
        for (payment, amount) in [(first, "4000.00"), (second, "500.00"), (third, "1000.00")] {
            back(&treasury, payment, amount).await;
        }
        // Refunds of what it was paid already are its debt: money to be paid nevertheless.
        let supplier = treasury.supplier("A");
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "5000.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "20000.00").await;
        assert_eq!(
            accounted(&treasury).await,
            [row("1", "-4000.00", "0.00", "20.00"), row("2", "2500.00", "5.00", "0.00")]
        );
        assert_eq!(withheld(&treasury).await, "-75.00");
        let (merchant, all) = (treasury.world.merchant.id, CertificateFilter::default());
        let listed = treasury.world.withholding.certificates(merchant, all, Seek::Start, 10).await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:#?}");
        let sums = ["sold", "refunded", "base", "due", "credit", "withheld"]
            .map(|key| listed[0][key]["amount"].as_str().unwrap().to_owned());
        assert_eq!(sums, ["16000.00", "5500.00", "10500.00", "75.00", "0.00", "75.00"]);

        // In the next period it is a credit of the older text, and what is sold has it.
        database.tick(TimeDelta::days(60));
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "9000.00").await;
        back(&treasury, first, "6000.00").await;
        assert_eq!(
            accounted(&treasury).await,
            [row("1", "-6000.00", "0.00", "30.00"), row("2", "0.00", "0.00", "30.00")]
        );
        sold(&treasury, database, "o-4", "4000.00").await;
        assert_eq!(accounted(&treasury).await, [row("2", "4000.00", "10.00", "0.00")]);
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// A refund of a sale is written down as failed.
async fn failed(treasury: &Treasury, payment: PaymentId, amount: &str) {
    let (store, supplier) = (&treasury.world.store, treasury.supplier("A"));
    let counted = store.turnover_of(payment).await.unwrap()[0].1;
    let more = |money: Money| money.checked_add(usd(amount)).unwrap();
    let stands = Gross { charged: more(counted.charged), base: more(counted.base) };
    let turnover = store.withholding_turnover(supplier, stands.base.currency(), None).await.unwrap();
    let row = turnover.count(supplier, payment, stands, Some(counted)).unwrap().unwrap();
    let mut change = Change::new();
    change.insert_turnover(treasury.world.merchant.id, &row, treasury.world.clock.now());
    store.commit(change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_taxed_gives_nothing_back() {
    on_each_engine("withholding untaxed", async |database| {
        let store = database.open().await;
        let treasury = under(&store, database, &[("1", 3)]).await;
        let supplier = treasury.supplier("A");
        let is = async |class: &str| treasury.terms(supplier, &format!(r#"{{"tax_class":{class}}}"#)).await;
        // Before the rule, and paid out.
        let early = sold(&treasury, database, "o-1", "100.00").await;
        assert_eq!(accounted(&treasury).await, []);
        database.tick(TimeDelta::days(3));
        back(&treasury, early, "30.00").await;
        sold(&treasury, database, "o-2", "200.00").await;
        assert_eq!(accounted(&treasury).await, [row("1", "200.00", "1.00", "0.00")]);
        back(&treasury, early, "20.00").await;
        // While it was exempt.
        is("\"exempt\"").await;
        let exempt = sold(&treasury, database, "o-3", "100.00").await;
        assert_eq!(accounted(&treasury).await, [row("1", "0.00", "0.00", "0.00")]);
        is("null").await;
        back(&treasury, exempt, "60.00").await;
        let taxed = sold(&treasury, database, "o-4", "200.00").await;
        assert_eq!(accounted(&treasury).await, [row("1", "200.00", "1.00", "0.00")]);
        // Taxed then, and exempt by now: it gets back what it bore.
        is("\"exempt\"").await;
        back(&treasury, taxed, "80.00").await;
        sold(&treasury, database, "o-5", "200.00").await;
        assert_eq!(
            accounted(&treasury).await,
            [row("1", "-80.00", "0.00", "0.40"), row("1", "0.00", "0.00", "0.40")]
        );
        // Refunds that fail give back as they took: of the taxed one the tax, of the others nothing.
        for (payment, amount) in [(taxed, "80.00"), (exempt, "60.00"), (early, "50.00")] {
            failed(&treasury, payment, amount).await;
        }
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "20.00").await;
        assert_eq!(
            accounted(&treasury).await,
            [row("1", "0.00", "0.00", "0.40"), row("1", "80.00", "0.00", "0.00")]
        );
        assert_eq!(withheld(&treasury).await, "-2.00", "of o-2 and o-4");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}
