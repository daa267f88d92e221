//! GrabPay's settlement report of a day, as the account's default columns name it.

use chrono::TimeDelta;
use straits::gateways::bills::bounds;
use straits::money::Money;

use super::bench::{PAYMENT_REF, money};
use super::bills::DAY;

/// What the far side has billed: every tenth movement is a refund.
#[derive(Default, Clone)]
pub struct GrabBill {
    pub rows: usize,
    pub word: Option<String>,
    pub merchant: String,
}

impl GrabBill {
    /// Word, gross, fee.
    fn rows(&self) -> Vec<(String, i64, i64)> {
        let row = |n: usize| {
            let refund = n % 10 == 9;
            let minor = i64::try_from(n).unwrap() + 1000;
            let word = self.word.clone().filter(|_| n == 0);
            let word = word.unwrap_or_else(|| if refund { "Refund" } else { "Payment" }.into());
            if refund { (word, -minor, 0) } else { (word, minor, 18) }
        };
        (0..self.rows).map(row).collect()
    }

    pub fn told(&self) -> Vec<(&'static str, Money, Money)> {
        let tell = |(word, gross, fee): (String, i64, i64)| {
            let kind = if word == "Refund" { "refund" } else { "payment" };
            (kind, money("SGD", gross), money("SGD", gross - fee))
        };
        self.rows().into_iter().map(tell).collect()
    }

    pub fn file(&self) -> Vec<u8> {
        let mut text =
            "Transaction ID|Partner Transaction ID|Original Transaction ID|Merchant ID|Type|Gross Amount|\
                        MDR Fee|Tax|Net Amount|Currency|Transaction Time\n"
                .to_owned();
        let (begins, _) = bounds(DAY, chrono_tz::Asia::Singapore);
        let mut sum = 0;
        for (n, (word, gross, fee)) in self.rows().into_iter().enumerate() {
            let at = begins + TimeDelta::seconds(60 * i64::try_from(n).unwrap());
            let at = at.with_timezone(&chrono_tz::Asia::Singapore).format("%Y-%m-%d %H:%M:%S");
            let amount = |minor: i64| money("SGD", minor).amount();
            sum += gross - fee;
            text.push_str(&format!(
                "{n:032x}|{PAYMENT_REF}||{}|{word}|{}|{}|0.00|{}|SGD|{at}\n",
                self.merchant,
                amount(gross),
                amount(fee),
                amount(gross - fee)
            ));
        }
        let sum = if self.rows == 0 { String::new() } else { format!("|{}", money("SGD", sum).amount()) };
        text.push_str(&format!("TOTAL|{}{sum}\n", self.rows));
        text.into_bytes()
    }
}
