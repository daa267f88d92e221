//! Prices as JSON, item by item: what serde writes, without its detours.
//!
//! A shop window asks a hundred prices at once; looking at every byte of every name for something to escape cost more
//! than the prices. Names and marks are copied as they stand here; a test holds every byte against serde's.

use crate::flows::price::{PriceSource, PricedItem, PricesAnswer};
use crate::money::Money;

/// The answer as `serde_json` would write it.
///
/// # Errors
/// None that is known: everything in it can be written.
pub fn written(mut answer: PricesAnswer) -> serde_json::Result<Vec<u8>> {
    let items = std::mem::take(&mut answer.items);
    let mut text = Vec::with_capacity(300 * (items.len() + 2));
    // The items come last.
    serde_json::to_writer(&mut text, &answer)?;
    text.truncate(text.len() - "]}".len());
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write_item(item, &mut text)?;
    }
    text.extend_from_slice(b"]}");
    Ok(text)
}

fn write_item(item: &PricedItem, text: &mut Vec<u8>) -> serde_json::Result<()> {
    text.push(b'{');
    if let Some(sku) = &item.sku {
        text.extend_from_slice(b"\"sku\":");
        write_text(sku, text)?;
        text.push(b',');
    }
    text.extend_from_slice(b"\"from\":");
    write_money(item.from, text);
    text.extend_from_slice(b",\"exact\":");
    write_text(&item.exact, text)?;
    text.extend_from_slice(b",\"price\":");
    write_money(item.price, text);
    text.extend_from_slice(match item.source {
        PriceSource::PriceBook => b",\"source\":\"price_book\"",
        PriceSource::Converted => b",\"source\":\"converted\"",
        PriceSource::AsGiven => b",\"source\":\"as_given\"",
    });
    if let Some(rule) = &item.rule {
        text.extend_from_slice(b",\"rule\":");
        write_text(rule, text)?;
    }
    text.extend_from_slice(b",\"text\":");
    write_text(&item.text, text)?;
    if let Some(rate) = &item.rate {
        text.extend_from_slice(b",\"rate\":");
        serde_json::to_writer(&mut *text, rate)?;
    }
    if let Some(able) = &item.chargeable_at {
        text.extend_from_slice(b",\"chargeable_at\":");
        serde_json::to_writer(&mut *text, able)?;
    }
    if let Some(instead) = &item.charged_instead {
        text.extend_from_slice(b",\"charged_instead\":");
        serde_json::to_writer(&mut *text, instead)?;
    }
    text.push(b'}');
    Ok(())
}

fn write_money(money: Money, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{\"amount\":\"");
    text.extend_from_slice(money.digits().as_str().as_bytes());
    text.extend_from_slice(b"\",\"currency\":\"");
    text.extend_from_slice(money.currency().code().as_bytes());
    text.extend_from_slice(b"\"}");
}

fn write_text(value: &str, text: &mut Vec<u8>) -> serde_json::Result<()> {
    if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        return serde_json::to_writer(text, value);
    }
    text.push(b'"');
    text.extend_from_slice(value.as_bytes());
    text.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::from_micros;
    use crate::domain::fx::{Country, ResolvedBy};
    use crate::flows::price::{AppliedRate, ChargedInstead};
    use crate::money::Currency;

    fn item() -> impl Strategy<Value = PricedItem> {
        let parts = (any::<Option<String>>(), any::<(i64, i64)>(), ".*", any::<[bool; 4]>(), 0_usize..3);
        parts.prop_map(|(sku, (from, price), text, [rule, rate, able, instead], which)| {
            let money = |minor| Money::from_minor(minor, Currency::known(["JPY", "USD", "KWD"][which]));
            let source = [PriceSource::PriceBook, PriceSource::Converted, PriceSource::AsGiven][which];
            PricedItem {
                sku,
                from: money(from),
                exact: "671.22422126745435089".to_owned(),
                price: money(price),
                source,
                rule: rule.then(|| text.clone().into()),
                text: text.clone(),
                rate: rate.then(|| Arc::new(applied())),
                chargeable_at: able.then(|| vec![text.clone()]),
                charged_instead: instead
                    .then(|| ChargedInstead { price: money(price), chargeable_at: vec![text] }),
            }
        })
    }

    fn applied() -> AppliedRate {
        AppliedRate {
            base: Currency::known("USD"),
            quote: Currency::known("THB"),
            mid: "33.7".to_owned(),
            spread_bps: 0,
            buffer_bps: 25,
            weekend_bps: 25,
            applied: "33.8".to_owned(),
            providers: vec!["ecb".to_owned()],
            as_of: from_micros(1_795_000_000_000_000),
            stale: false,
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_serdes(items in proptest::collection::vec(item(), 0..6), named in any::<bool>()) {
            let answer = PricesAnswer {
                currency: Currency::known("THB"),
                country: named.then(|| Country::find("TH").unwrap()),
                resolved_by: ResolvedBy::Geoip,
                fallback_reason: None,
                locale: "th",
                rate: named.then(|| Arc::new(applied())),
                chargeable_at: vec!["paypal".to_owned()],
                items,
                fixed_until: None,
            };
            let whole = serde_json::to_string(&answer).unwrap();
            prop_assert_eq!(String::from_utf8(written(answer).unwrap()).unwrap(), whole);
        }
    }
}
