//! The content of a plan that was approved, put together from the plan as it is served: JSON without spaces, each object's
//! fields in the order below, those left out that are not served.

use serde_json::{Map, Value};

use crate::Refusal;

/// What a value is made of.
enum Shape {
    /// Written as it is.
    Plain,
    /// All of one shape.
    List(&'static Shape),
    /// Fields in their order.
    Fields(&'static [(&'static str, Shape)]),
}

use Shape::{Fields, List, Plain};

const MONEY: Shape = Fields(&[("amount", Plain), ("currency", Plain)]);

const CONTENT: &[(&str, Shape)] = &[
    ("as_of", Plain),
    ("lines", List(&LINE)),
    ("excluded", List(&EXCLUDED)),
    ("pots", List(&POT)),
    ("proof", PROOF),
    ("netting", List(&NETTED)),
];

const LINE: Shape = Fields(&[
    ("supplier", Plain),
    ("name", Plain),
    ("account", Plain),
    ("account_hint", Plain),
    ("rail_account", Plain),
    ("rail", Plain),
    ("route", Plain),
    ("trust", Plain),
    ("batch", Plain),
    ("gross", MONEY),
    ("withholding", MONEY),
    ("taxes", List(&WITHHELD)),
    ("debt", MONEY),
    ("set_off", List(&SET_OFF)),
    ("net", MONEY),
    ("amount", MONEY),
    ("borne", MONEY),
    ("fee", MONEY),
    ("lifting", MONEY),
    ("bearer", Plain),
    ("capped", Plain),
    ("purpose", Plain),
    ("town", Plain),
    ("expected", Plain),
    ("late", Plain),
    ("calendar_covers", Plain),
    ("next", NEXT),
]);

const NEXT: Shape =
    Fields(&[("rail_account", Plain), ("route", Plain), ("cost", MONEY), ("difference", MONEY)]);

const WITHHELD: Shape = Fields(&[
    ("authority", Plain),
    ("rule", Plain),
    ("version", Plain),
    ("percent", Plain),
    ("share_of_base", Plain),
    ("rounding", Plain),
    ("concerned", Plain),
    ("period", Plain),
    ("nth", Plain),
    ("sold", MONEY),
    ("refunded", MONEY),
    ("base", MONEY),
    ("due", MONEY),
    ("credit_before", MONEY),
    ("withheld", MONEY),
    ("credit", MONEY),
    ("sold_total", MONEY),
    ("refunded_total", MONEY),
    ("turnover_after", Plain),
    ("turnover_nth", Plain),
    ("explain", Plain),
]);

const SET_OFF: Shape = Fields(&[("covered", MONEY), ("taken", MONEY), ("rate", Plain)]);

const EXCLUDED: Shape =
    Fields(&[("supplier", Plain), ("available", MONEY), ("reason", Plain), ("detail", Plain)]);

const POT: Shape = Fields(&[
    ("account", Plain),
    ("rail_accounts", List(&Plain)),
    ("held", MONEY),
    ("by", Plain),
    ("top_ups", List(&TOPPED_UP)),
    ("batch_fees", List(&BATCH_FEE)),
]);

const TOPPED_UP: Shape =
    Fields(&[("from", Plain), ("amount", MONEY), ("sells", MONEY), ("cost", MONEY), ("by", Plain)]);

const BATCH_FEE: Shape = Fields(&[("batch", Plain), ("fee", MONEY)]);

const PROOF: Shape = Fields(&[
    ("certificate", Plain),
    ("plan", Plain),
    ("routes", Plain),
    ("holidays", Plain),
    ("home", Plain),
    // By currency, in the alphabet's order, as any object that is read.
    ("rates", Plain),
    ("cost", MONEY),
    ("bound", MONEY),
    ("gap", MONEY),
    ("naive", MONEY),
    ("saved", MONEY),
    ("of_draft", Plain),
]);

const NETTED: Shape = Fields(&[
    ("entity", Plain),
    ("currency", Plain),
    ("held", MONEY),
    ("owed", MONEY),
    ("netted", MONEY),
    ("to_buy", MONEY),
    ("surplus", MONEY),
    ("client_held", MONEY),
    ("nettable", Plain),
]);

/// The bytes whose SHA-256 is a plan's hash.
///
/// # Errors
/// [`Refusal`] for what is no plan, or has a field that this program does not know the place of.
pub fn canonical(plan: &str) -> Result<String, Refusal> {
    let unreadable = |why: String| Refusal::Unreadable(format!("the plan's content does not read: {why}"));
    let served: Map<String, Value> =
        serde_json::from_str(plan).map_err(|error| unreadable(error.to_string()))?;
    let mut content = Map::new();
    for (name, _) in CONTENT {
        let value = served.get(*name).ok_or_else(|| unreadable(format!("`{name}` is missing")))?;
        // Served always, in the content only where there is any.
        if *name != "netting" || value.as_array().is_none_or(|netted| !netted.is_empty()) {
            content.insert((*name).to_owned(), value.clone());
        }
    }
    let mut text = String::new();
    fields(&content, CONTENT, &mut text)?;
    Ok(text)
}

fn write(value: &Value, shape: &Shape, text: &mut String) -> Result<(), Refusal> {
    match (shape, value) {
        (List(shape), Value::Array(values)) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(value, shape, text)?;
            }
            text.push(']');
            Ok(())
        }
        (Fields(shapes), Value::Object(object)) => fields(object, shapes, text),
        (_, value) => {
            text.push_str(&value.to_string());
            Ok(())
        }
    }
}

fn fields(object: &Map<String, Value>, shapes: &[(&str, Shape)], text: &mut String) -> Result<(), Refusal> {
    if let Some(strange) = object.keys().find(|key| shapes.iter().all(|(name, _)| name != key)) {
        return Err(Refusal::Unreadable(format!(
            "the plan's content has `{strange}`, which this program does not know"
        )));
    }
    text.push('{');
    let known = shapes.iter().filter_map(|(name, shape)| Some((name, shape, object.get(*name)?)));
    for (place, (name, shape, value)) in known.enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&format!("\"{name}\":"));
        write(value, shape, text)?;
    }
    text.push('}');
    Ok(())
}
