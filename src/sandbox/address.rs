//! An absolute address as a document of the file keeps it: text, checked when read.

use std::borrow::Cow;
use std::ops::Deref;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// A [`Url`] inside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(pub Url);

impl Deref for Address {
    type Target = Url;
    fn deref(&self) -> &Url {
        &self.0
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Url::parse(&text).map(Address).map_err(D::Error::custom)
    }
}
