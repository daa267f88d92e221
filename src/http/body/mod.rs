//! Strict JSON bodies: what was sent is understood whole, or refused with the place and a code.
//!
//! Refused: bodies over the limit or sent too slowly, `Content-Encoding`, another `Content-Type`, anything after the
//! document, doubled names, unknown fields, U+0000, numbers where an amount belongs. [`read`] first builds the tree
//! (which is where doubled names show), then deserialises from it, adding the path on the way up:
//! `splits[1].share.percent`.

mod flat;
mod place;
mod tree;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::misread::{Fault, MARK};
use super::problem::{Code, Problem};

pub(super) use flat::plain as plain_part;
use place::Place;
use tree::Tree;

/// Reads a body.
///
/// # Errors
/// A [`Problem`] with code, place and words.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    from_tree(&tree(bytes)?)
}

/// Reads a body of objects with fixed fields, texts and lists of them: without the tree where nothing is wrong.
///
/// # Errors
/// As [`read`].
pub fn read_flat<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Problem> {
    flat::read(bytes).map_or_else(|| from_tree(&tree(bytes)?), Ok)
}

/// The tree of a body, without doubled names.
///
/// # Errors
/// `invalid_json`, `duplicate_field`.
pub fn tree(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice::<Tree>(bytes).map(|tree| tree.0).map_err(|error| {
        let text = error.to_string();
        match text.split_once(MARK) {
            Some((name, place)) => {
                let detail = format!("`{name}` occurs twice in one object{place}");
                Problem::new(Code::DuplicateField, detail).at(name)
            }
            None => Problem::new(Code::InvalidJson, text),
        }
    })
}

/// Reads a tree.
///
/// # Errors
/// As [`read`].
pub fn from_tree<'de, T: Deserialize<'de>>(tree: &Value) -> Result<T, Problem> {
    T::deserialize(Place(tree)).map_err(Fault::into_problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::{AmountIn, IdIn, MoneyIn};
    use crate::ids::SupplierId;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        amount: MoneyIn,
        #[serde(default)]
        splits: Vec<Split>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Split {
        supplier: IdIn<SupplierId>,
        share: Share,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only that it is read counts here")]
    enum Share {
        Fixed(AmountIn),
        Remainder(bool),
    }

    #[test]
    fn every_fault_has_its_code_and_its_place() {
        let sup = "sup_01kaw000000000000000000000";
        let body =
            |rest: &str| format!(r#"{{"amount":{{"amount":"1.00","currency":"SGD"}},"splits":[{rest}]}}"#);
        let rows = [
            (
                r#"{"amount":{"amount":1.5,"currency":"SGD"}}"#.to_owned(),
                Code::AmountMustBeString,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":1,"currency":"SGD"}}"#.to_owned(),
                Code::AmountMustBeString,
                "amount.amount",
            ),
            (r#"{"amount":5}"#.to_owned(), Code::AmountMustBeString, "amount"),
            (
                r#"{"amount":{"amount":"1.005","currency":"SGD"}}"#.to_owned(),
                Code::TooPrecise,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1e3","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1,000","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"１２","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"-1.00","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1","currency":"sgd"}}"#.to_owned(),
                Code::UnknownCurrency,
                "amount.currency",
            ),
            (r#"{"amount":{"amount":"1"}}"#.to_owned(), Code::MissingField, "amount.currency"),
            (r#"{"amuont":"1"}"#.to_owned(), Code::UnknownField, "amuont"),
            (r#"{"amount":1,"amount":2}"#.to_owned(), Code::DuplicateField, "amount"),
            (r"{}".to_owned(), Code::MissingField, "amount"),
            (r#"{"amount""#.to_owned(), Code::InvalidJson, ""),
            (r"{} {}".to_owned(), Code::InvalidJson, ""),
            (
                body(&format!(r#"{{"supplier":"{sup}","share":{{"fixed":5}}}}"#)),
                Code::AmountMustBeString,
                "splits[0].share.fixed",
            ),
            (
                body(&format!(r#"{{"supplier":"{sup}","share":{{"fix":"5"}}}}"#)),
                Code::InvalidBody,
                "splits[0].share",
            ),
            (
                body(&format!(r#"{{"supplier":"{}"}}"#, sup.replace("sup", "pay"))),
                Code::WrongIdType,
                "splits[0].supplier",
            ),
            (body(r#"{"supplier":"sup_x"}"#), Code::MalformedId, "splits[0].supplier"),
            (body(r#"{"supplier":"sup\u0000"}"#), Code::InvalidBody, "splits[0].supplier"),
            (body(r#"{"supp\u0000":"x"}"#), Code::InvalidBody, "splits[0]"),
            (r#"{"amount":["1.00","SGD"]}"#.to_owned(), Code::InvalidBody, "amount"),
            (body(&format!(r#"["{sup}",{{"fixed":"5"}}]"#)), Code::InvalidBody, "splits[0]"),
            (r#"[{"amount":"1.00","currency":"SGD"},[]]"#.to_owned(), Code::InvalidBody, ""),
            ("null".to_owned(), Code::InvalidBody, ""),
        ];
        for (text, code, param) in rows {
            let problem = read::<Body>(text.as_bytes()).unwrap_err();
            let document = problem.document("", "", "");
            assert_eq!(problem.code(), code, "{text}: {problem}");
            assert_eq!(document["param"].as_str().unwrap_or(""), param, "{text}");
        }
    }

    #[test]
    fn the_nouns_own_types_get_the_same_codes() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nouns {
            #[expect(dead_code, reason = "only the reading is tested")]
            amount: crate::money::Money,
            #[expect(dead_code, reason = "only the reading is tested")]
            supplier: SupplierId,
        }
        let rows = [
            (r#"{"amount":{"amount":"1.005","currency":"SGD"}}"#, Code::TooPrecise, "amount.amount"),
            (r#"{"amount":{"amount":1,"currency":"SGD"}}"#, Code::AmountMustBeString, "amount.amount"),
            (r#"{"amount":{"amount":"-1","currency":"SGD"}}"#, Code::InvalidAmount, "amount.amount"),
            (r#"{"amount":{"amount":"1","currency":"XXX"}}"#, Code::UnknownCurrency, "amount.currency"),
            (r#"{"supplier":"pay_01kaw000000000000000000000"}"#, Code::WrongIdType, "supplier"),
            (r#"{"supplier":"sup_x"}"#, Code::MalformedId, "supplier"),
        ];
        for (text, code, param) in rows {
            let problem = read::<Nouns>(text.as_bytes()).unwrap_err();
            let document = problem.document("", "", "");
            assert_eq!((problem.code(), document["param"].as_str()), (code, Some(param)), "{text}");
        }
    }

    #[test]
    fn a_list_is_no_object_in_the_fast_reading_either() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Flat {
            items: Vec<Item>,
        }
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Item {
            sku: String,
        }
        let read = read_flat::<Flat>(br#" {"items":[{"sku":"a[b]"}]}"#).unwrap();
        assert_eq!(read.items[0].sku, "a[b]");
        for (text, param) in [(r#"{"items":[["a"]]}"#, Some("items[0]")), (r#"[[{"sku":"a"}]]"#, None)] {
            let problem = read_flat::<Flat>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.document("", "", "")["param"].as_str(), param, "{text}");
        }
    }

    #[test]
    fn a_whole_body_is_read() {
        let text = r#"{"amount":{"amount":"12.30","currency":"SGD"},"splits":[{"supplier":"sup_01kaw000000000000000000000","share":{"remainder":true}}]}"#;
        let body = read::<Body>(text.as_bytes()).unwrap();
        assert_eq!(body.amount.0.minor(), 1_230);
        assert!(matches!(body.splits[0].share, Share::Remainder(true)));
        assert_eq!(body.splits[0].supplier.0.to_string(), "sup_01kaw000000000000000000000");
    }
}
