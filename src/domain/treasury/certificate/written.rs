//! A certificate's text, written as it is computed: what is proven of a hundred thousand suppliers is never held beside it.

use serde::{Serialize, Serializer};

use crate::domain::treasury::plan::hexadecimal;

/// A list that is computed and written one by one.
pub struct Each<I>(pub I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// The body behind its digest, whose place is kept until the body is there.
pub fn written(body: &impl Serialize) -> Result<String, serde_json::Error> {
    const HEAD: &str = "{\"digest\":\"";
    let mut text = format!("{HEAD}{:64}\",\"body\":", "").into_bytes();
    let start = text.len();
    serde_json::to_writer(&mut text, body)?;
    let digest = hexadecimal(&text[start..]);
    text[HEAD.len()..HEAD.len() + digest.len()].copy_from_slice(digest.as_bytes());
    text.push(b'}');
    text.shrink_to_fit();
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}
