//! What cannot be read in a body or a query: where, and by which code of the catalogue.

use std::fmt;

use serde::de::{self, Unexpected};
use serde_json::Value;

use super::problem::{Code, Problem};

/// Separates a code from its words in an error raised by a wire type, see [`coded`].
pub(in crate::http) const MARK: char = '\u{1f}';

/// An error for a wire type's `Deserialize` that carries its code to the answer; `field` names the part of the value
/// that is at fault, or is empty.
pub fn coded<E: de::Error>(code: Code, field: &str, detail: impl fmt::Display) -> E {
    E::custom(format_args!("{}{MARK}{field}{MARK}{detail}", code.as_str()))
}

/// A fault and the way to it, innermost step first.
#[derive(Debug)]
pub(in crate::http) struct Fault {
    code: Code,
    detail: String,
    path: Vec<Step>,
    numeric: bool,
}

#[derive(Debug)]
pub(in crate::http) enum Step {
    Field(String),
    Item(usize),
}

impl Fault {
    fn new(code: Code, detail: String) -> Fault {
        Fault { code, detail, path: vec![], numeric: false }
    }

    /// An id of a noun's own type: its words are [`crate::ids::IdError`]'s, which tell another kind from no id at all.
    pub(in crate::http) fn of_id(self, value: &Value) -> Fault {
        let kinds = ["expected an id that begins with", "expected `"];
        if self.code != Code::InvalidBody || !value.is_string() || !self.path.is_empty() {
            return self;
        }
        match kinds.map(|words| self.detail.starts_with(words)) {
            [true, _] => Fault { code: Code::WrongIdType, ..self },
            [_, true] => Fault { code: Code::MalformedId, ..self },
            _ => self,
        }
    }

    pub(in crate::http) fn below(mut self, step: Step) -> Fault {
        self.path.push(step);
        self
    }

    pub(in crate::http) fn into_problem(self) -> Problem {
        let mut param = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) if param.is_empty() => param.push_str(name),
                Step::Field(name) => {
                    param.push('.');
                    param.push_str(name);
                }
                Step::Item(index) => param.push_str(&format!("[{index}]")),
            }
        }
        let amount = matches!(self.path.first(), Some(Step::Field(name)) if is_amount(name));
        let problem = if self.numeric && amount {
            let detail = "an amount is a string such as \"12.34\", never a JSON number";
            Problem::new(Code::AmountMustBeString, detail)
        } else {
            Problem::new(self.code, self.detail)
        };
        if param.is_empty() { problem } else { problem.at(param) }
    }
}

/// Fields that carry decimals as strings.
fn is_amount(name: &str) -> bool {
    ["amount", "fixed", "percent", "minimum", "cap", "rate", "tax"].contains(&name)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(words: T) -> Fault {
        let text = words.to_string();
        let mut parts = text.splitn(3, MARK);
        match (parts.next().and_then(Code::find), parts.next(), parts.next()) {
            (Some(code), Some(""), Some(detail)) => Fault::new(code, detail.to_owned()),
            (Some(code), Some(field), Some(detail)) => {
                Fault::new(code, detail.to_owned()).below(Step::Field(field.to_owned()))
            }
            _ => Fault::new(Code::InvalidBody, text),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        let numeric = matches!(found, Unexpected::Float(_) | Unexpected::Signed(_) | Unexpected::Unsigned(_));
        Fault {
            numeric,
            ..Fault::new(Code::InvalidBody, format!("this is {found}, {expected} belongs here"))
        }
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Fault {
        Fault::new(Code::InvalidBody, format!("`{given}` is none of {}", known.join(", ")))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Fault {
        let detail = format!("`{field}` is not known here; known are {}", known.join(", "));
        Fault::new(Code::UnknownField, detail).below(Step::Field(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new(Code::MissingField, format!("`{field}` is missing")).below(Step::Field(field.to_owned()))
    }

    fn duplicate_field(field: &'static str) -> Fault {
        Fault::new(Code::DuplicateField, format!("`{field}` occurs twice"))
            .below(Step::Field(field.to_owned()))
    }
}
