//! The bank's debit of withheld tax that was paid on: known in either order, by reference or alone of its sum, never booked
//! twice, and missed where it does not come. Over the program's own doors, on SQLite and PostgreSQL.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;
use crate::withholding::{joined, paid_out, rail, sold};

pub fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

/// A shop in Manila whose one supplier sells again and again; its client account has PHP 1,000.00.
pub struct Shop {
    pub app: TestApp,
    pub supplier: String,
    pub bank: String,
}

impl Shop {
    pub async fn open(database: &str) -> Shop {
        let app =
            TestApp::with(&[("database.url", database), ("payouts.withholding.appointed_by", "BIR")]).await;
        rail(&app).await;
        let supplier = joined(&app, "shoes", None).await;
        let body = json!({"name": "bpi", "kind": "client", "currency": "PHP", "country": "PH", "number": "0012345678",
            "bic": "BOPIPHMM"});
        let bank = done(app.post("finance", "/v1/bank-accounts", &body).await);
        let fund = json!({"reason": "own money", "template": {"template": "lines", "lines": [
            {"account": 1010, "owner": "bpi", "direction": "debit", "amount": {"amount": "1000.00", "currency": "PHP"}},
            {"account": 4010, "owner": "", "direction": "credit", "amount": {"amount": "1000.00", "currency": "PHP"}},
        ]}});
        let draft = done(app.post_once("maker", "/v1/journals", "fund", &fund).await);
        let path = format!("/v1/journals/{}/approve", draft["id"].as_str().unwrap());
        done(app.post_once("checker", &path, "funded", &json!({})).await);
        Shop { app, supplier, bank: bank["id"].as_str().unwrap().to_owned() }
    }

    /// PHP 50.00 are withheld, and a payment of them is proposed. Answers its id.
    pub async fn withheld(&self, reference: &str) -> String {
        let (app, nth) = (&self.app, reference.replace(' ', "-"));
        sold(app, &format!("sale-{nth}"), &self.supplier).await;
        app.advance("2d").await;
        paid_out(app, &format!("plan-{nth}")).await;
        self.proposed(reference, &format!("propose-{nth}")).await
    }

    /// A payment of PHP 50.00 that are left is proposed. Answers its id.
    pub async fn proposed(&self, reference: &str, once: &str) -> String {
        let period = self.certificate().await["period"].clone();
        let input =
            json!({"authority": "BIR", "period": period, "bank_account": self.bank, "reference": reference});
        let proposed = done(self.app.post_once("maker", "/v1/withholding-remittances", once, &input).await);
        assert_eq!(proposed["total"]["amount"], "50.00", "{proposed}");
        proposed["id"].as_str().unwrap().to_owned()
    }

    pub async fn certificate(&self) -> Value {
        let path = format!("/v1/withholding-certificates?supplier={}", self.supplier);
        done(self.app.get("finance", &path).await)["data"][0].clone()
    }

    pub async fn booked(&self, id: &str) -> Value {
        let path = format!("/v1/withholding-remittances/{id}/approve");
        done(self.app.post_once("checker", &path, &format!("book-{id}"), &json!({})).await)
    }

    pub async fn remittance(&self, id: &str) -> Value {
        done(self.app.get("finance", &format!("/v1/withholding-remittances/{id}")).await)
    }

    /// The day on which it was proposed.
    pub async fn day(&self, id: &str) -> NaiveDate {
        self.remittance(id).await["created_at"].as_str().unwrap()[..10].parse().unwrap()
    }

    /// Reads a statement of these lines; answers them.
    async fn statement(&self, lines: &[(NaiveDate, &str, &str)]) -> Vec<Value> {
        let rows: String =
            lines.iter().map(|(day, amount, said)| format!("{day},{amount},{said}\n")).collect();
        let path = format!("/v1/bank-statements?bank_account={}", self.bank);
        let request = self.app.keyed("POST", "finance", &path).header("Content-Type", "text/csv");
        let once = format!("read-{}-{}-{}", lines.len(), lines[0].1, lines[0].2.replace(' ', "-"));
        let read = request.header("Idempotency-Key", once).body(format!("Date,Amount,Details\n{rows}"));
        let id = done(self.app.send(read).await)["data"][0]["id"].as_str().unwrap().to_owned();
        let read = done(self.app.get("finance", &format!("/v1/bank-statements/{id}")).await);
        read["entries"].as_array().unwrap().clone()
    }

    /// The findings that nobody has closed, by kind.
    pub async fn open_findings(&self) -> Vec<String> {
        let found = done(self.app.get("finance", "/v1/findings?state=open&limit=100").await);
        found["data"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// What stands at the bank and in suspense.
    pub async fn stands(&self) -> (String, String) {
        let accounts = done(self.app.get("finance", "/v1/ledger/accounts?limit=100").await);
        let of = |code: u64| {
            let found = accounts["data"].as_array().unwrap().iter().find(|row| row["code"] == code);
            found.map_or("0.00", |row| row["balance"]["amount"].as_str().unwrap()).to_owned()
        };
        (of(1010), of(2900))
    }
}

pub fn pair(bank: &str, suspense: &str) -> (String, String) {
    (bank.to_owned(), suspense.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_debit_of_a_remittance_is_known_in_either_order() {
    on_each_engine("remitted lines", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;

        // Booked first: the line books nothing, however often it is read.
        let first = shop.withheld("1601 A").await;
        assert_eq!(shop.booked(&first).await["bank_line"], Value::Null);
        assert_eq!(shop.stands().await, pair("950.00", "0.00"));
        let day = shop.day(&first).await;
        let lines = shop.statement(&[(day, "-50.00", "BIR 1601 A")]).await;
        assert_eq!(lines[0]["state"], "remitted", "{lines:?}");
        assert!(shop.statement(&[(day, "-50.00", "BIR 1601 A"), (day, "1.00", "x")]).await.len() == 1);
        assert_eq!(shop.remittance(&first).await["bank_line"], lines[0]["id"]);
        assert_eq!(shop.stands().await, pair("951.00", "1.00"));
        assert_eq!(shop.open_findings().await, ["bank_unexplained"], "of the 1.00 only");

        // The statement first: its line leaves suspense as the payment is booked.
        let second = shop.withheld("1601 B").await;
        let day = shop.day(&second).await;
        let lines = shop.statement(&[(day, "-50.00", "BIR")]).await;
        assert_eq!(lines[0]["state"], "suspense", "nothing is booked of it yet: {lines:?}");
        assert_eq!(shop.open_findings().await.len(), 2);
        assert_eq!(shop.booked(&second).await["bank_line"], lines[0]["id"]);
        assert_eq!(shop.remittance(&second).await["bank_line"], lines[0]["id"]);
        assert_eq!(shop.stands().await, pair("901.00", "1.00"));
        assert_eq!(shop.open_findings().await.len(), 1);
        let verify = done(shop.app.get("finance", "/v1/ledger/verify").await);
        assert_eq!(verify["ok"], true, "{verify}");
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn debits_of_one_sum_are_told_apart_and_one_that_never_comes_is_missed() {
    on_each_engine("remitted lines told apart", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let (one, two) = (shop.withheld("R1").await, {
            // The first is booked before the second is proposed: a proposal is of everything that is left.
            let one = shop.app.get("finance", "/v1/withholding-remittances").await.json();
            shop.booked(one["data"][0]["id"].as_str().unwrap()).await;
            shop.withheld("R2").await
        });
        shop.booked(&two).await;
        let day = shop.day(&two).await;

        // Either could be it: the oldest is.
        let unnamed = shop.statement(&[(day, "-50.00", "tax")]).await;
        assert_eq!(unnamed[0]["state"], "remitted", "{unnamed:?}");
        assert_eq!(shop.remittance(&two).await["bank_line"], Value::Null);
        // The other debit names the other.
        let named = shop.statement(&[(day, "-50.00", "tax R2")]).await;
        assert_eq!(named[0]["state"], "remitted", "{named:?}");
        assert_eq!(shop.remittance(&two).await["bank_line"], named[0]["id"]);
        assert_eq!(shop.remittance(&one).await["bank_line"], unnamed[0]["id"]);
        assert_eq!(shop.stands().await, pair("900.00", "0.00"));
        assert!(shop.open_findings().await.is_empty());

        // Another sum is another thing, and a week later the payment is missed; its debit is known when it comes after all.
        let late = shop.withheld("R3").await;
        shop.booked(&late).await;
        let day = shop.day(&late).await;
        let odd = shop.statement(&[(day, "-49.00", "tax R3")]).await;
        assert_eq!(odd[0]["state"], "suspense", "{odd:?}");
        assert_eq!(shop.open_findings().await, ["bank_unexplained"], "not within a week");
        shop.statement(&[(day + Days::new(8), "2.00", "interest")]).await;
        let missed = shop.open_findings().await;
        assert_eq!(missed.iter().filter(|kind| *kind == "missing_there").count(), 1, "{missed:?}");
        let came = shop.statement(&[(day + Days::new(40), "-50.00", "tax R3")]).await;
        assert_eq!(came[0]["state"], "remitted", "{came:?}");
        assert_eq!(shop.remittance(&late).await["bank_line"], came[0]["id"]);
        assert!(!shop.open_findings().await.contains(&"missing_there".to_owned()));
        let verify = done(shop.app.get("finance", "/v1/ledger/verify").await);
        assert_eq!(verify["ok"], true, "{verify}");
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn debits_that_were_read_before_are_those_of_alike_payments_one_by_one() {
    on_each_engine("remitted lines one by one", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let one = shop.withheld("S1").await;
        let day = shop.day(&one).await;
        // Two debits of one sum, and one that names something else that is no payment yet.
        let lines = shop.statement(&[(day, "-50.00", "tax"), (day, "-50.00", "more tax")]).await;
        assert_eq!((&lines[0]["state"], &lines[1]["state"]), (&json!("suspense"), &json!("suspense")));
        assert_eq!(shop.booked(&one).await["bank_line"], lines[0]["id"]);
        let two = shop.withheld("S2").await;
        let other = shop.statement(&[(day, "-50.00", "tax S2")]).await;
        assert_eq!(other[0]["state"], "suspense", "{other:?}");
        assert_eq!(shop.booked(&two).await["bank_line"], other[0]["id"], "the one that names it");
        // A line that names what was seen is nobody else's; the unnamed one is still free.
        let three = shop.withheld("S3").await;
        let again = shop.statement(&[(day, "-50.00", "once more S2")]).await;
        assert_eq!(again[0]["state"], "suspense", "{again:?}");
        assert_eq!(shop.booked(&three).await["bank_line"], lines[1]["id"]);
        assert_eq!(shop.stands().await, pair("800.00", "-50.00"));
        assert_eq!(shop.open_findings().await, ["bank_unexplained"]);
        let verify = done(shop.app.get("finance", "/v1/ledger/verify").await);
        assert_eq!(verify["ok"], true, "{verify}");
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_is_first_what_it_names() {
    on_each_engine("remitted lines and deals", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let tax = shop.withheld("T1").await;
        shop.booked(&tax).await;
        let day = shop.day(&tax).await;
        let (bank, paypal) = (json!([{"bank_account": shop.bank}]), json!([{"gateway_account": "paypal"}]));
        let deal = json!({
            "sold": {"amount": "50.00", "currency": "PHP"}, "bought": {"amount": "0.85", "currency": "USD"},
            "value_date": day, "bank_ref": "FX-1", "own_position": true, "paid_from": bank, "paid_into": paypal,
        });
        done(shop.app.post_once("finance", "/v1/fx/deals", "deal", &deal).await);
        // Of one sum and one week: the reference says which it is.
        let named = shop.statement(&[(day, "-50.00", "BIR T1")]).await;
        assert_eq!(named[0]["state"], "remitted", "{named:?}");
        let rest = shop.statement(&[(day, "-50.00", "charge")]).await;
        assert_eq!(rest[0]["state"], "converted", "{rest:?}");
        // A debit that names a payout is not tax, whatever its sum.
        let more = shop.withheld("T2").await;
        shop.booked(&more).await;
        let payout = "po_01kb0000000000000000000000";
        let other = shop.statement(&[(day, "-50.00", payout)]).await;
        assert_eq!(other[0]["state"], "suspense", "{other:?}");
        assert_eq!(shop.remittance(&more).await["bank_line"], Value::Null);
        shop.app.stop().await;
    })
    .await;
}
