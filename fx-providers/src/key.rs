//! A key that opens a source: it goes into the request and nowhere else.

use std::fmt;
use std::sync::Arc;

/// A source's key. Not shown by `Debug`, cut out of every error's words.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<str>);

impl Key {
    /// From text, spaces around it dropped.
    pub fn new(text: &str) -> Key {
        Key(text.trim().into())
    }

    /// For the request.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes itself out of what a stranger wrote.
    pub(crate) fn redact(&self, words: &str) -> String {
        match self.0.is_empty() {
            true => words.to_owned(),
            false => words.replace(&*self.0, "…"),
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key::new(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
