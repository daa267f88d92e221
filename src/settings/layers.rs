//! Layers of configuration: the embedded file < `--config FILE` < environment < flags.
//!
//! The embedded file is also the schema: a key it does not have is an error that names the file or variable, the key
//! and the nearest key that exists; a value must be of the default's kind. Every value remembers where it came from.
//! Names of secrets end in one of [`SECRET_ENDINGS`] or stand in a section of secrets; only they may come from a file by
//! `…_FILE`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Keys with these endings are secrets: masked when printed, readable from a file.
pub const SECRET_ENDINGS: &[&str] = &["secret", "secret_key", "callback_token", "master_key", "database.url"];

/// Sections of nothing but secrets.
const SECRET_SECTIONS: &[&str] = &["fx.keys."];

/// Sections whose keys the operator makes up; their values are texts.
const OPEN: &[&str] = &["fx.currency_by_country."];

/// Shorter names for what is set most often.
const SHORT: &[(&str, &str)] = &[
    ("STRAITS_LISTEN", "server.listen"),
    ("STRAITS_DATA_DIR", "server.data_dir"),
    ("STRAITS_PUBLIC_URL", "server.public_url"),
    ("STRAITS_MASTER_KEY", "server.master_key"),
    ("DATABASE_URL", "database.url"),
];
/// Variables that begin like ours and belong to flags, to tests or to the log.
const NOT_SETTINGS: &[&str] = &[
    "STRAITS_CONFIG",
    "STRAITS_KEY",
    "STRAITS_LIVE",
    "STRAITS_REFERENCE_DIR",
    "STRAITS_TEST_POSTGRES",
    "STRAITS_URL",
    // A program that has no places to die refuses to be told to.
    #[cfg(feature = "crash-points")]
    crate::crash::VARIABLE,
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/straits.toml`, compiled in.
    Default,
    /// A file named by `--config`.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// What is wrong with the configuration: where, which key, why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read or is no TOML.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// Why, with line and column where there is one.
        why: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`{}", suggestion.as_ref().map_or(String::new(), |near| format!(", did you mean `{near}`?")))]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// The nearest key that exists.
        suggestion: Option<String>,
    },
    /// A value that cannot be.
    #[error("{origin}: `{key}` {why}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What is wrong and what belongs there.
        why: String,
    },
}

/// Every key in its dotted form with its value in force and its origin.
#[derive(Clone)]
pub struct Layers {
    values: BTreeMap<String, (Value, Origin)>,
}

/// As [`Layers::rows`] show it: secrets are masked.
impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.rows().map(|(key, value, _)| (key, value))).finish()
    }
}

impl Layers {
    /// The embedded file alone. A test proves that it reads; an empty schema would refuse every key.
    pub fn defaults() -> Layers {
        let table: Table = include_str!("../../config/straits.toml").parse().unwrap_or_default();
        let values =
            flatten(&table).into_iter().map(|(key, value)| (key, (value, Origin::Default))).collect();
        Layers { values }
    }

    /// Lays a file over what is there; `named_by` is the flag or variable that named it.
    ///
    /// # Errors
    /// [`SettingsError`] naming file, key and why.
    pub fn file(mut self, path: &Path, named_by: &str) -> Result<Layers, SettingsError> {
        let failed = |why: String| SettingsError::File { file: path.display().to_string(), why };
        let unread = |error| failed(format!("{error}; {named_by} named this file of settings"));
        let text = std::fs::read_to_string(path).map_err(unread)?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| failed(error.to_string()))?;
        for (key, value) in flatten(&table) {
            self.set(&key, value, Origin::File(path.to_owned()))?;
        }
        Ok(self)
    }

    /// Lays the environment over what is there.
    ///
    /// # Errors
    /// [`SettingsError`] naming variable, key and why.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Layers, SettingsError> {
        let mut variables: Vec<_> = variables.into_iter().filter(|(name, _)| is_ours(name)).collect();
        variables.sort();
        for (name, text) in variables {
            let (key, by_file) = self.key_of(&name);
            let origin = Origin::Environment(name);
            let text = if by_file { read_secret(&key, &text, &origin)? } else { text };
            let value = self.typed(&key, &text, &origin)?;
            self.set(&key, value, origin)?;
        }
        Ok(self)
    }

    /// Lays one flag over what is there.
    ///
    /// # Errors
    /// [`SettingsError`] where the value is not of the key's kind.
    pub fn flag(mut self, flag: &'static str, key: &str, text: &str) -> Result<Layers, SettingsError> {
        let value = self.typed(key, text, &Origin::Flag(flag))?;
        self.set(key, value, Origin::Flag(flag))?;
        Ok(self)
    }

    /// The value in force.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|(value, _)| value)
    }

    /// Where the value in force came from.
    pub fn origin(&self, key: &str) -> Origin {
        self.values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// Every key with its value (secrets masked) and origin, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, String, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), shown(key, value), origin))
    }

    /// The keys below `section.`, without it.
    pub fn below<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.values
            .iter()
            .filter_map(move |(key, (value, _))| Some((key.strip_prefix(section)?.strip_prefix('.')?, value)))
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), SettingsError> {
        if is_open(key) && value.is_str() {
            self.values.insert(key.to_owned(), (value, origin));
            return Ok(());
        }
        let Some(slot) = self.values.get_mut(key) else { return Err(self.unknown(key, origin)) };
        if !slot.0.same_type(&value) {
            let why = format!("is {}, {} belongs here", kind(&value), kind(&slot.0));
            return Err(SettingsError::BadValue { origin, key: key.to_owned(), why });
        }
        *slot = (value, origin);
        Ok(())
    }

    /// Reads a text as the kind of the key's default; lists are separated by commas.
    fn typed(&self, key: &str, text: &str, origin: &Origin) -> Result<Value, SettingsError> {
        let bad = |why: &str| SettingsError::BadValue {
            origin: origin.clone(),
            key: key.to_owned(),
            why: why.to_owned(),
        };
        match self.value(key) {
            None if is_open(key) => Ok(Value::String(text.to_owned())),
            None => Err(self.unknown(key, origin.clone())),
            Some(Value::Integer(_)) => {
                text.parse().map(Value::Integer).map_err(|_| bad("is not a whole number"))
            }
            Some(Value::Boolean(_)) => {
                text.parse().map(Value::Boolean).map_err(|_| bad("is neither true nor false"))
            }
            Some(Value::Array(_)) => Ok(Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| Value::String(part.to_owned()))
                    .collect(),
            )),
            Some(_) => Ok(Value::String(text.to_owned())),
        }
    }

    fn unknown(&self, key: &str, origin: Origin) -> SettingsError {
        let nearest = self.values.keys().map(|known| (distance(known, key), known)).min();
        let suggestion = nearest
            .filter(|(distance, known)| *distance <= (known.len() / 3).max(2))
            .map(|(_, known)| known.clone());
        SettingsError::UnknownKey { origin, key: key.to_owned(), suggestion }
    }

    /// The key a variable stands for, and whether its value is the name of a file.
    fn key_of(&self, name: &str) -> (String, bool) {
        let dotted = |name: &str| {
            let short = SHORT.iter().find(|(short, _)| *short == name).map(|(_, key)| (*key).to_owned());
            short.unwrap_or_else(|| {
                let words = name.trim_start_matches("STRAITS_").trim_start_matches('_').to_lowercase();
                // Countries are written in capitals, and a variable's name has no case.
                let dotted = words.replace("__", ".");
                match dotted.strip_prefix(OPEN[0]) {
                    Some(country) => format!("{}{}", OPEN[0], country.to_uppercase()),
                    None => dotted,
                }
            })
        };
        match name.strip_suffix("_FILE") {
            Some(stem) if is_secret(&dotted(stem)) => (dotted(stem), true),
            _ => (dotted(name), false),
        }
    }
}

fn is_open(key: &str) -> bool {
    OPEN.iter().any(|section| key.starts_with(section))
}

fn is_ours(name: &str) -> bool {
    name == "DATABASE_URL" || (name.starts_with("STRAITS_") && !NOT_SETTINGS.contains(&name))
}

/// Whether a key's value is never shown.
pub fn is_secret(key: &str) -> bool {
    SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending))
        || SECRET_SECTIONS.iter().any(|section| key.starts_with(section))
}

fn read_secret(key: &str, path: &str, origin: &Origin) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map(|text| text.trim_end().to_owned()).map_err(|error| {
        SettingsError::BadValue {
            origin: origin.clone(),
            key: key.to_owned(),
            why: format!("names the file {path}, which cannot be read: {error}"),
        }
    })
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) if is_secret(key) && !text.is_empty() => "\"***\"".to_owned(),
        other => other.to_string(),
    }
}

fn flatten(table: &Table) -> Vec<(String, Value)> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Table(inner) => {
                flatten(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)).collect()
            }
            other => vec![(name.clone(), other.clone())],
        })
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
        Value::Float(_) => "a number with decimals",
        Value::Datetime(_) => "a date",
    }
}

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.chars().enumerate() {
            let substitution = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
