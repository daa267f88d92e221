//! A field of a patch that can also be emptied.

use serde::{Deserialize, Deserializer};

/// What a patch says of a field: nothing where it is left out, that it is empty from now on where it is `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Kept,
    /// It is empty from now on.
    Cleared,
    /// It is this from now on.
    Set(T),
}

impl<T> Edit<T> {
    /// The field as it is from now on.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Edit::Kept => before,
            Edit::Cleared => None,
            Edit::Set(value) => Some(value),
        }
    }

    /// What it is set to.
    pub fn set(&self) -> Option<&T> {
        match self {
            Edit::Set(value) => Some(value),
            Edit::Kept | Edit::Cleared => None,
        }
    }
}

/// Beside `#[serde(default)]`, which is what is left out.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Edit<T>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Edit::Cleared, Edit::Set))
    }
}

/// A field that cannot be emptied, beside `#[serde(default)]`: `null` is refused, so that nobody takes it for emptied.
///
/// # Errors
/// Where the field is `null`, or no value.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Patch {
        #[serde(default)]
        field: Edit<u8>,
        #[serde(default, deserialize_with = "given")]
        name: Option<String>,
    }

    #[test]
    fn what_is_left_out_is_not_what_is_null() {
        for (text, after) in [("{}", Some(1)), (r#"{"field":null}"#, None), (r#"{"field":2}"#, Some(2))] {
            let patch: Patch = serde_json::from_str(text).unwrap();
            assert_eq!(patch.field.over(Some(1)), after, "{text}");
        }
        assert!(serde_json::from_str::<Patch>(r#"{"field":"x"}"#).is_err());
        for (text, name) in
            [("{}", Some(None)), (r#"{"name":"a"}"#, Some(Some("a"))), (r#"{"name":null}"#, None)]
        {
            let patch = serde_json::from_str::<Patch>(text).ok().map(|patch| patch.name);
            assert_eq!(patch, name.map(|name| name.map(str::to_owned)), "{text}");
        }
    }
}
