//! Withheld tax that was paid on and that the bank brings back: owed again, proposed again, seen again; known by a reversal,
//! by what a credit names, or by a person's word. Over the program's own doors, on SQLite and PostgreSQL.

use std::cell::RefCell;

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::app::Answer;
use crate::engines::on_each_engine;
use crate::remitted_lines::{Shop, done, pair};

/// A bank that prints MT940, from PHP 1,000.00 on.
pub struct Bank<'a> {
    shop: &'a Shop,
    /// Statements so far, and the balance in pesos.
    printed: RefCell<(u32, i64)>,
}

impl Bank<'_> {
    pub fn of(shop: &Shop) -> Bank<'_> {
        Bank { shop, printed: RefCell::new((0, 1_000)) }
    }

    /// Prints and reads lines: the mark (`D`, `C`, `RD`), whole pesos, the bank's reference, what it says.
    pub async fn prints(&self, day: NaiveDate, lines: &[(&str, i64, &str, &str)]) -> Vec<Value> {
        let (nth, opening) = *self.printed.borrow();
        let ymd = day.format("%y%m%d");
        let rows: String = lines
            .iter()
            .map(|(mark, pesos, reference, said)| {
                format!(":61:{ymd}{mark}{pesos},NTRFNONREF//{reference}\n:86:{said}\n")
            })
            .collect();
        let moved = lines.iter().map(|(mark, pesos, ..)| if *mark == "D" { -pesos } else { *pesos });
        let closing = opening + moved.sum::<i64>();
        let text =
            format!(":20:S{nth}\n:25:0012345678\n:60F:C{ymd}PHP{opening},\n{rows}:62F:C{ymd}PHP{closing},\n");
        *self.printed.borrow_mut() = (nth + 1, closing);
        let app = &self.shop.app;
        let path = format!("/v1/bank-statements?bank_account={}", self.shop.bank);
        let request = app.keyed("POST", "finance", &path).header("Content-Type", "text/plain");
        let request = request.header("Idempotency-Key", format!("mt940-{nth}")).body(text);
        let read = done(app.send(request).await)["data"][0]["entries"].clone();
        read.as_array().unwrap().clone()
    }

    /// The lines as they stand now that were first read in the same statement.
    pub async fn states(&self, statement: &[Value]) -> Vec<(String, Value)> {
        let mut states = vec![];
        let listed = done(self.shop.app.get("finance", "/v1/bank-statements?limit=100").await);
        for read in listed["data"].as_array().unwrap() {
            let path = format!("/v1/bank-statements/{}", read["id"].as_str().unwrap());
            for line in done(self.shop.app.get("finance", &path).await)["entries"].as_array().unwrap() {
                if statement.iter().any(|wanted| wanted["id"] == line["id"]) {
                    states.push((line["state"].as_str().unwrap().to_owned(), line["counterpart"].clone()));
                }
            }
        }
        states
    }
}

/// Says by hand that a line brought a payment back.
pub async fn said(shop: &Shop, payment: &str, line: &Value, once: &str) -> Answer {
    let path = format!("/v1/withholding-remittances/{payment}/returned");
    shop.app.post_once("finance", &path, once, &json!({"bank_line": line["id"]})).await
}

/// What is still owed to the authority, by the books, and what the certificate has as paid.
pub async fn owed(shop: &Shop) -> (String, String) {
    let accounts = done(shop.app.get("finance", "/v1/ledger/accounts?limit=100").await);
    let of_tax = accounts["data"].as_array().unwrap().iter().find(|row| row["code"] == 2210).cloned();
    let remitted = shop.certificate().await["remitted"]["amount"].clone();
    (of_tax.unwrap()["balance"]["amount"].as_str().unwrap().to_owned(), remitted.as_str().unwrap().to_owned())
}

/// Held for others less what is owed to them: a payment to an authority changes nothing of it, nor one that comes back.
async fn difference(shop: &Shop) -> Value {
    let report = done(shop.app.get("finance", "/v1/ledger/client-money").await);
    let php = report["currencies"].as_array().unwrap().iter().find(|row| row["currency"] == "PHP").cloned();
    php.unwrap()["difference"].clone()
}

pub async fn verified(shop: &Shop) {
    let verify = done(shop.app.get("finance", "/v1/ledger/verify").await);
    assert_eq!(verify["ok"], true, "{verify}");
}

pub fn strings(one: &str, two: &str) -> (String, String) {
    (one.to_owned(), two.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_debit_is_reversed_is_owed_and_paid_again() {
    on_each_engine("returned tax", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let bank = Bank::of(&shop);
        let first = shop.withheld("1601 A").await;
        let before = difference(&shop).await;
        let booked = shop.booked(&first).await;
        assert_eq!(owed(&shop).await, strings("0.00", "50.00"));
        let day = shop.day(&first).await;
        let debit = bank.prints(day, &[("D", 50, "B1", "BIR 1601 A")]).await;
        let back = bank.prints(day, &[("RD", 50, "B2", "RETURN OF 1601 A")]).await;
        assert_eq!(bank.states(&debit).await, [("reversed".to_owned(), back[0]["id"].clone())]);
        assert_eq!(bank.states(&back).await, [("reversing".to_owned(), debit[0]["id"].clone())]);
        let gone = shop.remittance(&first).await;
        assert_eq!((&gone["state"], &gone["returned_line"]), (&json!("returned"), &back[0]["id"]), "{gone}");
        assert_eq!((&gone["bank_line"], &gone["returned_by"]), (&debit[0]["id"], &Value::Null), "{gone}");
        assert_eq!(gone["decided_by"], booked["decided_by"], "who approved it stands");
        assert_eq!(owed(&shop).await, strings("50.00", "0.00"));
        assert_eq!((shop.stands().await, difference(&shop).await), (pair("1000.00", "0.00"), before.clone()));
        assert_eq!(shop.open_findings().await, ["deposit_reversed"]);

        // Proposed anew under the same reference, which the bank's next debit names.
        let again = shop.proposed("1601 A", "again").await;
        shop.booked(&again).await;
        assert!(shop.open_findings().await.is_empty(), "paid again");
        let debit = bank.prints(day, &[("D", 50, "B3", "BIR 1601 A")]).await;
        assert_eq!(shop.remittance(&again).await["bank_line"], debit[0]["id"]);
        assert_eq!(owed(&shop).await, strings("0.00", "50.00"));

        // A bank that prints the newest line first.
        let late = shop.withheld("1601 B").await;
        let before = difference(&shop).await;
        shop.booked(&late).await;
        let both = [("RD", 50, "B5", "RETURN OF 1601 B"), ("D", 50, "B4", "BIR 1601 B")];
        let both = bank.prints(shop.day(&late).await, &both).await;
        let words: Vec<String> = bank.states(&both).await.into_iter().map(|(word, _)| word).collect();
        assert_eq!(
            (words, &shop.remittance(&late).await["state"]),
            (vec!["reversing".into(), "reversed".into()], &json!("returned"))
        );
        assert_eq!(shop.open_findings().await, ["deposit_reversed"], "nothing of the suspense is left");

        // Booked after its debit, which stood in suspense.
        let early = shop.proposed("1601 C", "c").await;
        let day = shop.day(&early).await;
        let debit = bank.prints(day, &[("D", 50, "B6", "to BIR")]).await;
        assert_eq!(shop.booked(&early).await["bank_line"], debit[0]["id"]);
        bank.prints(day, &[("RD", 50, "B6", "returned")]).await;
        assert_eq!(shop.remittance(&early).await["state"], "returned");
        assert_eq!(owed(&shop).await, strings("50.00", "50.00"));
        assert_eq!((shop.stands().await, difference(&shop).await), (pair("950.00", "0.00"), before));
        verified(&shop).await;
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_brings_back_what_it_names_or_what_a_person_says() {
    on_each_engine("returned tax by credit", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let bank = Bank::of(&shop);
        let first = shop.withheld("1602").await;
        let day = shop.day(&first).await;
        shop.booked(&first).await;
        // The newest line first; another sum is another thing.
        let lines = [("C", 50, "C1", "BIR RETURNED 1602"), ("C", 49, "C2", "1602"), ("D", 50, "B1", "1602")];
        let lines = bank.prints(day, &lines).await;
        let words: Vec<String> = bank.states(&lines).await.into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["reversing", "suspense", "reversed"]);
        assert_eq!(shop.remittance(&first).await["returned_line"], lines[0]["id"]);
        assert_eq!(shop.stands().await, pair("1049.00", "49.00"));

        // Two could be meant, or none is named: a person says it.
        let again = shop.proposed("1602", "again").await;
        shop.booked(&again).await;
        let other = shop.withheld("1603").await;
        let day = shop.day(&other).await;
        let both = bank.prints(day, &[("C", 50, "C3", "1602 1603"), ("C", 50, "C4", "returned")]).await;
        let refused = said(&shop, &other, &both[1], "not-booked").await;
        assert_eq!((refused.status, refused.code()), (409, "wrong_state".to_owned()), "{}", refused.text);
        shop.booked(&other).await;
        let refused = said(&shop, &other, &both[1], "not-seen").await;
        assert_eq!((refused.status, refused.code()), (422, "unprocessable".to_owned()), "{}", refused.text);
        bank.prints(day, &[("D", 50, "B2", "1602"), ("D", 50, "B3", "1603")]).await;
        assert_eq!(bank.states(&both).await[0].0, "suspense", "two could be meant");
        for (line, why) in [
            (&lines[1], "the payment of"),
            (&lines[0], "not in suspense"),
            (&elsewhere(&shop, day).await, "it is not of bpi"),
        ] {
            let refused = said(&shop, &other, line, &format!("odd-{}", why.replace(' ', "-"))).await;
            let told = refused.json();
            assert_eq!((refused.status, &told["param"]), (422, &json!("bank_line")), "{told}");
            assert!(told["detail"].as_str().unwrap().contains(why), "{told}");
        }
        let unknown = json!({"id": "bln_01kb0000000000000000000000"});
        assert_eq!(said(&shop, &other, &unknown, "unknown").await.status, 404);
        assert_eq!(owed(&shop).await, strings("0.00", "100.00"), "nothing of all that was written");

        let told = done(said(&shop, &other, &both[1], "by-hand").await);
        assert_eq!((&told["state"], &told["returned_line"]), (&json!("returned"), &both[1]["id"]), "{told}");
        assert!(told["returned_by"].as_str().is_some_and(|user| user.starts_with("usr_")), "{told}");
        assert_eq!(
            done(said(&shop, &other, &both[1], "by-hand").await),
            told,
            "the same key, the same answer"
        );
        assert_eq!(said(&shop, &other, &both[0], "twice").await.code(), "wrong_state");
        assert_eq!(owed(&shop).await, strings("50.00", "50.00"));
        let mut open = shop.open_findings().await;
        open.sort();
        assert_eq!(open, ["bank_unexplained", "bank_unexplained", "bank_unexplained", "deposit_reversed"]);
        verified(&shop).await;
        shop.app.stop().await;
    })
    .await;
}

/// A credit of PHP 50.00 at another client account.
async fn elsewhere(shop: &Shop, day: NaiveDate) -> Value {
    let body = json!({"name": "bdo", "kind": "client", "currency": "PHP", "country": "PH", "number": "0099887766",
        "bic": "BNORPHMM"});
    let bank = done(shop.app.post("finance", "/v1/bank-accounts", &body).await);
    let path = format!("/v1/bank-statements?bank_account={}", bank["id"].as_str().unwrap());
    let request = shop.app.keyed("POST", "finance", &path).header("Content-Type", "text/csv");
    let request =
        request.header("Idempotency-Key", "elsewhere").body(format!("Date,Amount,Details\n{day},50.00,x\n"));
    done(shop.app.send(request).await)["data"][0]["entries"][0].clone()
}
