//! Prices as JSON, item by item: what serde writes, without its detours.
//!
//! A shop window asks a hundred prices at once; looking at every byte of every name for something to escape cost more
//! than the prices. Names and marks are copied as they stand here; a test holds every byte against serde's.

use super::body::plain_part;
use crate::domain::fx::Written;
use crate::flows::price::{FallbackReason, PriceSource, PricedItem, PricesAnswer};
use crate::money::Currency;

/// Bytes of an answer without its items, and of one of them, seldom more.
const HEAD: usize = 700;
const ITEM: usize = 330;

/// The answer as `serde_json` would write it.
///
/// # Errors
/// None that is known: everything in it can be written.
pub fn written(mut answer: PricesAnswer<'_>) -> serde_json::Result<Vec<u8>> {
    let items = std::mem::take(&mut answer.items);
    // One allocation holds most answers.
    let mut text = Vec::with_capacity(HEAD + ITEM * items.len());
    serde_json::to_writer(&mut text, &answer)?;
    // The items come last.
    text.truncate(text.len() - "]}".len());
    let mut around = Around::default();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        around.write(item, &mut text)?;
    }
    text.extend_from_slice(b"]}");
    Ok(text)
}

/// Room for what stands between a price and its writing, seldom more.
const BEFORE: usize = 64;

/// What decides of the text between a price and its writing.
type Kind<'a> = (Currency, PriceSource, Option<FallbackReason>, Option<&'a str>);

/// What stands around an item's numbers: mostly the same as in the item before.
#[derive(Default)]
struct Around<'a> {
    /// What stands behind the amount in the shop, and in which currency; at first in none.
    own: Option<(Currency, [u8; 29])>,
    /// Of which items the rest is; at first of none.
    kind: Option<(Kind<'a>, Written)>,
    /// What stands before the number that the shopper reads, and how much of it counts: it is copied with all of its
    /// room where it fits.
    before: Vec<u8>,
    before_length: usize,
    /// What stands behind it.
    behind: Vec<u8>,
}

impl<'a> Around<'a> {
    fn write(&mut self, item: &'a PricedItem<'_>, text: &mut Vec<u8>) -> serde_json::Result<()> {
        match &item.sku {
            None => text.extend_from_slice(b"{\"from\":{\"amount\":\""),
            Some(sku) if is_plain(sku) => {
                text.extend_from_slice(b"{\"sku\":\"");
                text.extend_from_slice(sku.as_bytes());
                text.extend_from_slice(b"\",\"from\":{\"amount\":\"");
            }
            Some(sku) => {
                text.extend_from_slice(b"{\"sku\":");
                serde_json::to_writer(&mut *text, sku)?;
                text.extend_from_slice(b",\"from\":{\"amount\":\"");
            }
        }
        item.from.digits().copy_to(text);
        text.extend_from_slice(&self.behind_own(item.from.currency()));
        item.exact.copy_to(text);
        text.extend_from_slice(b"\",\"price\":{\"amount\":\"");
        let digits = item.price.digits();
        digits.copy_to(text);
        self.turn(item)?;
        let end = text.len() + self.before_length;
        match self.before.first_chunk::<BEFORE>() {
            Some(room) if self.before.len() == BEFORE => text.extend_from_slice(room),
            _ => text.extend_from_slice(&self.before),
        }
        text.truncate(end);
        item.text.write_number(&digits, text);
        match *self.behind {
            [quote] => text.push(quote),
            _ => text.extend_from_slice(&self.behind),
        }
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

    /// Is of this item from now on.
    fn turn(&mut self, item: &'a PricedItem<'_>) -> serde_json::Result<()> {
        let kind = (item.price.currency(), item.source, item.fallback_reason, item.rule.as_deref());
        let same = self
            .kind
            .as_ref()
            .is_some_and(|(known, manner)| is_same(known, &kind) && manner.is_like(&item.text));
        if !same {
            *self = Around { own: self.own, ..Around::of(kind, item.text)? };
        }
        Ok(())
    }

    /// What stands behind the amount in the shop.
    fn behind_own(&mut self, currency: Currency) -> [u8; 29] {
        match self.own {
            Some((known, words)) if known == currency => words,
            _ => {
                let words = behind_from(currency);
                self.own = Some((currency, words));
                words
            }
        }
    }

    fn of(kind: Kind<'a>, manner: Written) -> serde_json::Result<Around<'a>> {
        let (currency, source, fallback, rule) = kind;
        let mut before = format!("\",\"currency\":\"{currency}\"}},\"source\":").into_bytes();
        serde_json::to_writer(&mut before, &source)?;
        if let Some(reason) = fallback {
            before.extend_from_slice(b",\"fallback_reason\":");
            serde_json::to_writer(&mut before, &reason)?;
        }
        if let Some(rule) = rule {
            before.extend_from_slice(b",\"rule\":");
            serde_json::to_writer(&mut before, rule)?;
        }
        before.extend_from_slice(b",\"text\":\"");
        manner.write_opening(&mut before);
        let before_length = before.len();
        before.resize(before_length.max(BEFORE), b' ');
        let mut behind = Vec::new();
        manner.write_closing(&mut behind);
        behind.push(b'"');
        Ok(Around { own: None, kind: Some((kind, manner)), before, before_length, behind })
    }
}

/// Whether two items are of a kind. A rule is mostly the very same text, which then is not read again.
fn is_same(one: &Kind<'_>, other: &Kind<'_>) -> bool {
    let rule = match (one.3, other.3) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (one, other) => one == other,
    };
    rule && (one.0, one.1, one.2) == (other.0, other.1, other.2)
}

/// What stands behind the amount in the shop. Every currency's code has three letters.
fn behind_from(currency: Currency) -> [u8; 29] {
    let mut words = *b"\",\"currency\":\"XXX\"},\"exact\":\"";
    let code = words[14..17].iter_mut().zip(currency.code().bytes());
    code.for_each(|(place, letter)| *place = letter);
    words
}

/// Whether nothing in a text has to be escaped.
fn is_plain(text: &str) -> bool {
    plain_part(text.as_bytes()) == text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::from_micros;
    use crate::domain::fx::{Country, CurrencyMark, Locale, ResolvedBy};
    use crate::flows::price::{AppliedRate, ChargedInstead};
    use crate::money::{Currency, Money, Rate};

    fn item() -> impl Strategy<Value = PricedItem<'static>> {
        let parts = (any::<Option<String>>(), any::<(i64, i64)>(), ".*", any::<[bool; 4]>(), 0_usize..3);
        parts.prop_map(|(sku, (from, price), text, [rule, rate, able, instead], which)| {
            let money = |minor| Money::from_minor(minor, Currency::known(["JPY", "USD", "KWD"][which]));
            let source = [PriceSource::PriceBook, PriceSource::Converted, PriceSource::AsGiven][which];
            PricedItem {
                sku: sku.map(Into::into),
                from: money(from),
                exact: Rate::parse(money(from).currency(), Currency::known("THB"), "33.7298603651987111")
                    .and_then(|rate| {
                        rate.convert(Money::from_minor(from % 1_000_000_000, money(from).currency()))
                    })
                    .unwrap()
                    .digits(),
                price: money(price),
                source,
                fallback_reason: able.then_some(FallbackReason::NoRate),
                rule: rule.then(|| text.clone().into()),
                text: Locale::find(["th", "de-CH", "hi"][which])
                    .unwrap()
                    .written(money(price), CurrencyMark::Symbol),
                rate: rate.then(|| Arc::new(applied().into())),
                chargeable_at: able.then(|| [text.clone()].into()),
                charged_instead: instead
                    .then(|| ChargedInstead { price: money(price), chargeable_at: vec![text] }.into()),
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

    #[test]
    fn an_item_costs_no_allocation_of_its_own() {
        let price = Money::parse("671.22", Currency::known("THB")).unwrap();
        let item = PricedItem {
            sku: Some("mug".into()),
            from: Money::parse("19.90", Currency::known("USD")).unwrap(),
            exact: Rate::identity(price.currency()).convert(price).unwrap().digits(),
            price,
            source: PriceSource::Converted,
            fallback_reason: None,
            rule: Some("exact THB: half up at 2 decimals".into()),
            text: Locale::english().written(price, CurrencyMark::Symbol),
            rate: None,
            chargeable_at: None,
            charged_instead: None,
        };
        let count = |items: usize| {
            let answer = answer(vec![item.clone(); items], true);
            allocation_counter::measure(|| drop(written(answer).unwrap())).count_total
        };
        count(1);
        assert_eq!(count(1_000), count(2));
    }

    fn answer(items: Vec<PricedItem<'static>>, named: bool) -> PricesAnswer<'static> {
        PricesAnswer {
            currency: Currency::known("THB"),
            country: named.then(|| Country::find("TH").unwrap()),
            resolved_by: ResolvedBy::Geoip,
            fallback_reason: None,
            locale: "th",
            rate: named.then(|| Arc::new(applied().into())),
            rule: named.then(|| "exact THB: half up at 2 decimals".into()),
            chargeable_at: vec!["paypal".to_owned()],
            items,
            fixed_until: None,
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_serdes(items in proptest::collection::vec(item(), 0..6), named in any::<bool>()) {
            let answer = answer(items, named);
            let whole = serde_json::to_string(&answer).unwrap();
            prop_assert_eq!(String::from_utf8(written(answer).unwrap()).unwrap(), whole);
        }
    }
}
