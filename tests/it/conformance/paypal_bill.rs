//! PayPal's bill of a day, twice: as Transaction Search answers it and as the settlement report states it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use serde_json::{Value, json};
use straits::gateways::bills::bounds;
use straits::money::Money;

use super::bench::{PAYMENT_REF, money};
use super::bills::DAY;
use super::line::{Reply, Request};

/// What the far side has billed: every tenth movement is a refund.
#[derive(Default, Clone)]
pub struct PayPalBill {
    pub rows: usize,
    /// The code of the first row, where it is another.
    pub word: Option<String>,
    /// How many rows a window may have before it is refused, as 10,000 are at PayPal.
    pub most: Option<usize>,
    pub account: String,
}

struct Row {
    id: String,
    code: String,
    gross: i64,
    fee: i64,
    at: DateTime<Utc>,
}

impl PayPalBill {
    fn rows(&self) -> Vec<Row> {
        let (begins, _) = bounds(DAY, Los_Angeles);
        let row = |n: usize| {
            let refund = n % 10 == 9;
            let minor = i64::try_from(n).unwrap() + 1000;
            let word = self.word.clone().filter(|_| n == 0);
            Row {
                id: format!("{n:017}"),
                code: word.unwrap_or_else(|| if refund { "T1107" } else { "T0006" }.into()),
                gross: if refund { -minor } else { minor },
                fee: if refund { 0 } else { 49 },
                at: begins + TimeDelta::seconds(60 * i64::try_from(n).unwrap()),
            }
        };
        (0..self.rows).map(row).collect()
    }

    pub fn told(&self) -> Vec<(&'static str, Money, Money)> {
        let tell = |row: Row| {
            let kind = if row.code == "T1107" { "refund" } else { "payment" };
            (kind, money("USD", row.gross), money("USD", row.gross - row.fee))
        };
        self.rows().into_iter().map(tell).collect()
    }

    pub fn answer(&self, request: &Request) -> Reply {
        let query: Vec<(String, String)> = url::Url::parse(&format!("http://x{}", request.target))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        let get = |name: &str| query.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let moment = |name: &str| DateTime::parse_from_rfc3339(&get(name)).unwrap().to_utc();
        let (start, end) = (moment("start_date"), moment("end_date"));
        assert!(end >= start && end - start <= TimeDelta::days(31), "{query:?}");
        assert_eq!(get("balance_affecting_records_only"), "Y");
        let (size, page): (usize, usize) = (get("page_size").parse().unwrap(), get("page").parse().unwrap());
        assert!((1..=500).contains(&size) && page >= 1);
        let rows: Vec<Row> = self.rows().into_iter().filter(|row| (start..=end).contains(&row.at)).collect();
        if self.most.is_some_and(|most| rows.len() > most) {
            let body = json!({"name": "RESULTSET_TOO_LARGE", "message": "too many", "debug_id": "x"});
            return Reply::json(400, &body);
        }
        let details: Vec<Value> =
            rows.iter().skip((page - 1) * size).take(size).map(|row| self.detail(row)).collect();
        Reply::json(
            200,
            &json!({
                "transaction_details": details, "account_number": self.account, "page": page,
                "total_items": rows.len(), "total_pages": rows.len().div_ceil(size).max(1),
            }),
        )
    }

    fn detail(&self, row: &Row) -> Value {
        let text = |minor: i64| money("USD", minor).amount().to_string();
        let at = row.at.to_rfc3339_opts(SecondsFormat::Secs, true).replace('Z', "+0000");
        let mut info = json!({
            "transaction_id": row.id, "transaction_event_code": row.code, "transaction_initiation_date": at,
            "transaction_amount": {"currency_code": "USD", "value": text(row.gross)},
            "transaction_status": "S", "custom_field": PAYMENT_REF, "a_member_of_tomorrow": [1, 2.5],
        });
        if row.fee != 0 {
            info["fee_amount"] = json!({"currency_code": "USD", "value": text(-row.fee)});
        }
        json!({"transaction_info": info, "payer_info": {"email_address": "=1+1@example.com", "country_code": "C2"}})
    }

    pub fn file(&self) -> Vec<u8> {
        let mut text = format!(
            "\"RH\",2026/11/19 02:44:19 -0800,\"A\",\"{0}\",009,\n\"FH\",01\n\"SH\",2026/11/18 00:00:00 -0800,\
             2026/11/18 23:59:59 -0800,\"{0}\",\"\"\n\"CH\",\"Transaction ID\",\"Invoice ID\",\"PayPal Reference ID\",\
             \"PayPal Reference ID Type\",\"Transaction Event Code\",\"Transaction Initiation Date\",\
             \"Transaction Completion Date\",\"Transaction  Debit or Credit\",\"Gross Transaction Amount\",\
             \"Gross Transaction Currency\",\"Fee Debit or Credit\",\"Fee Amount\",\"Fee Currency\",\"Custom Field\"\n",
            self.account
        );
        let mut sums = [0; 4];
        for row in self.rows() {
            let at = row.at.with_timezone(&Los_Angeles).format("%Y/%m/%d %H:%M:%S %z");
            let debit = row.gross < 0;
            sums[usize::from(debit)] += row.gross.abs();
            sums[3] += row.fee;
            let (side, fee) = if debit { ("DR", "\"\",,\"\"") } else { ("CR", "\"DR\",49,\"USD\"") };
            text.push_str(&format!(
                "\"SB\",\"{}\",\"\",\"\",\"\",\"{}\",{at},{at},\"{side}\",{},\"USD\",{fee},\"{PAYMENT_REF}\"\n",
                row.id,
                row.code,
                row.gross.abs()
            ));
        }
        let [credits, debits, fee_credits, fee_debits] = sums;
        for (kind, count) in [("SF", "SC"), ("RF", "RC")] {
            text.push_str(&format!("\"{kind}\",\"USD\",{credits},{debits},{fee_credits},{fee_debits}\n"));
            text.push_str(&format!("\"{count}\",{}\n", self.rows));
        }
        text.push_str(&format!("\"FF\",{}\n", self.rows));
        text.into_bytes()
    }
}
