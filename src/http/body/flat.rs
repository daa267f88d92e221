//! Flat bodies, read where they stand: objects with fixed fields, texts, lists of them, `null`.
//!
//! A shop window sends hundreds of short texts between a few marks; a reader of everything JSON can hold spends more on
//! them than pricing does. This one knows those four things and no others. What it does not understand it gives up
//! without a word: the tree then reads what is right but rare, and says of what is wrong where and why.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::tree::forward_scalars;

/// Reads a whole body, or gives up.
pub(super) fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let mut flat = Flat { body: std::str::from_utf8(bytes).ok()?, at: 0 };
    let read = T::deserialize(&mut flat).ok()?;
    flat.mark().is_none().then_some(read)
}

/// Bytes of a short part of a list.
const SHORT_PART: usize = 48;

/// A body and how far it is read.
struct Flat<'b> {
    body: &'b str,
    at: usize,
}

/// The tree's matter.
#[derive(Debug)]
struct Unread;

impl<'b> Flat<'b> {
    /// The next byte that is no blank, which stays; `None` at the end.
    #[inline]
    fn mark(&mut self) -> Option<u8> {
        match self.body.as_bytes().get(self.at) {
            Some(mark) if *mark > b' ' => Some(*mark),
            _ => self.mark_behind_blanks(),
        }
    }

    #[cold]
    fn mark_behind_blanks(&mut self) -> Option<u8> {
        let left = &self.body.as_bytes()[self.at..];
        let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += left.iter().position(|byte| !blank(byte)).unwrap_or(left.len());
        self.body.as_bytes().get(self.at).copied()
    }

    /// Takes this mark.
    fn take(&mut self, wanted: u8) -> Result<(), Unread> {
        match self.mark() {
            Some(mark) if mark == wanted => self.at += 1,
            _ => return Err(Unread),
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'b, str>, Unread> {
        self.take(b'"')?;
        let left = &self.body.as_bytes()[self.at..];
        let length = plain(left);
        match *left.get(length).ok_or(Unread)? {
            b'"' => {
                let text = self.body.get(self.at..self.at + length).ok_or(Unread)?;
                self.at += length + 1;
                Ok(Cow::Borrowed(text))
            }
            b'\\' => self.escaped().map(Cow::Owned),
            _ => Err(Unread),
        }
    }

    /// A text in which something is escaped; its opening quote is taken.
    fn escaped(&mut self) -> Result<String, Unread> {
        let begin = self.at - 1;
        let left = self.body.get(begin..).ok_or(Unread)?;
        let mut texts = serde_json::Deserializer::from_str(left).into_iter::<String>();
        let text = texts.next().and_then(Result::ok).filter(|text| !text.contains('\0'));
        self.at = begin + texts.byte_offset();
        text.ok_or(Unread)
    }
}

/// How many bytes there are before the first quote, backslash or control character: all, where there is none. Eight are
/// looked at together.
pub(in crate::http) fn plain(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest byte that is below `limit` is marked by its highest bit; above it there may be marks that mean nothing.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let mut at = 0;
    while let Some(bytes) = text.get(at..).and_then(|left| left.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*bytes);
        let is = |mark: u8| below(word ^ (ONES * u64::from(mark)), 1);
        let found = below(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let left = text.get(at..).unwrap_or_default();
    at + left.iter().position(ends).unwrap_or(left.len())
}

/// Whether a text begins with a name. Names are short: first and last letters of it, which may overlap, are all of it, and
/// cost less than a comparison of any length.
#[inline]
fn begins(text: &[u8], name: &[u8]) -> bool {
    #[inline]
    fn both<const N: usize>(text: &[u8], name: &[u8]) -> bool {
        text.first_chunk::<N>() == name.first_chunk::<N>() && text.last_chunk::<N>() == name.last_chunk::<N>()
    }
    let Some(text) = text.get(..name.len()) else { return false };
    match name.len() {
        2..=3 => both::<2>(text, name),
        4..=7 => both::<4>(text, name),
        8..=16 => both::<8>(text, name),
        _ => text == name,
    }
}

impl<'b> Deserializer<'b> for &mut Flat<'b> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'b>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    fn deserialize_str<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.mark() == Some(b'n') && self.body.as_bytes()[self.at..].starts_with(b"null") {
            self.at += "null".len();
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.take(b'[')?;
        visitor.visit_seq(Parts { flat: self, end: b']', first: true, names: &[], next: 0 })
    }

    fn deserialize_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.take(b'{')?;
        visitor.visit_map(Parts { flat: self, end: b'}', first: true, names, next: 0 })
    }

    fn deserialize_newtype_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'b>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_enum(CowStrDeserializer::new(self.text()?))
    }

    forward_scalars! { <V: Visitor<'b>> }
}

/// What stands in an object or a list, part by part.
struct Parts<'f, 'b> {
    flat: &'f mut Flat<'b>,
    end: u8,
    first: bool,
    /// The object's fields in the order in which they are documented: most callers write them in it.
    names: &'static [&'static str],
    /// Which of them is expected.
    next: usize,
}

impl Parts<'_, '_> {
    /// Whether another part follows; takes the comma before it, or the end.
    fn follow(&mut self) -> Result<bool, Unread> {
        let first = std::mem::take(&mut self.first);
        match self.flat.mark() {
            Some(mark) if mark == self.end => {
                self.flat.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            _ => self.flat.take(b',').map(|()| true),
        }
    }

    /// Takes the expected name, where it is the one that stands here, and says its place.
    #[inline]
    fn expected(&mut self) -> Option<u64> {
        let (place, name) = (self.next, self.names.get(self.next)?);
        let left = self.flat.body.as_bytes().get(self.flat.at..)?;
        let named = left.strip_prefix(b"\"")?;
        if named.get(name.len()) != Some(&b'"') || !begins(named, name.as_bytes()) {
            return None;
        }
        self.flat.at += name.len() + 2;
        self.next += 1;
        Some(place as u64)
    }
}

impl<'b> SeqAccess<'b> for Parts<'_, 'b> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'b>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        if self.follow()? { seed.deserialize(&mut *self.flat).map(Some) } else { Ok(None) }
    }

    /// About as many as the rest of the body has room for: a list seldom grows after that, and a lie costs what the body
    /// has cost already.
    fn size_hint(&self) -> Option<usize> {
        Some((self.flat.body.len() - self.flat.at) / SHORT_PART)
    }
}

impl<'b> MapAccess<'b> for Parts<'_, 'b> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'b>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        if !self.follow()? {
            return Ok(None);
        }
        if let Some(place) = self.expected() {
            return seed.deserialize(place.into_deserializer()).map(Some);
        }
        let name = self.flat.text()?;
        self.next =
            self.names.iter().position(|own| *own == name).map_or(self.names.len(), |place| place + 1);
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'b>>(&mut self, seed: V) -> Result<V::Value, Unread> {
        self.flat.take(b':')?;
        seed.deserialize(&mut *self.flat)
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no flat body")
    }
}

impl std::error::Error for Unread {}

impl serde::de::Error for Unread {
    fn custom<T: fmt::Display>(_: T) -> Unread {
        Unread
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{from_tree, tree};
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body<'a> {
        #[serde(borrow)]
        items: Vec<Item<'a>>,
        word: Option<Word>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item<'a> {
        name: Option<Cow<'a, str>>,
        amount: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Exact,
        Cash,
    }

    proptest! {
        #[test]
        fn a_text_begins_with_its_name(text in "[ab]{0,24}", name in "[ab]{0,18}", own in any::<bool>()) {
            let name = if own { text.get(..name.len()).unwrap_or(&name) } else { &name };
            prop_assert_eq!(begins(text.as_bytes(), name.as_bytes()), text.starts_with(name));
        }
    }

    #[test]
    fn plain_and_escaped_texts_are_read_without_the_tree() {
        let body = "\t{ \"items\" : [ {\"name\":\"杯子\",\"amount\":\"1\"} ,\n{\"name\":\"\\u676f\\\"\",\"amount\":\"\"},\
                    {\"name\":null,\"amount\":\"2\"}], \"word\":\"cash\" }\r\n";
        let read: Body<'_> = read(body.as_bytes()).unwrap();
        let names: Vec<_> = read.items.iter().map(|item| item.name.as_deref()).collect();
        assert_eq!((names, read.word), (vec![Some("杯子"), Some("杯\""), None], Some(Word::Cash)));
        assert_eq!(super::read::<Body<'_>>(b"{\"items\":[ ]}").unwrap().items, []);
    }

    proptest! {
        #[test]
        fn the_first_mark_ends_a_text(text in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\\'), Just(0x1f), Just(0x20), Just(0x21), Just(0x23), Just(0x80), any::<u8>()],
            0..40,
        )) {
            let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
            prop_assert_eq!(plain(&text), text.iter().position(ends).unwrap_or(text.len()));
        }
    }

    const BODY: &str = r#"{"items":[{"name":"a\u00e9\n","amount":"1.5"},{"amount":"2"}],"word":"exact"}"#;
    const PIECES: [&str; 18] = [
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "null",
        "1",
        "\u{1}",
        "\\u0000",
        "é",
        "\"name\":",
        "name",
        "\"word\":null",
        "\\ud800",
    ];

    proptest! {
        /// Nothing is read that the tree refuses, and nothing read otherwise.
        #[test]
        fn what_is_read_is_what_the_tree_reads(
            edits in proptest::collection::vec((0..BODY.len(), 0_usize..3, 0..PIECES.len()), 0..4),
        ) {
            let mut body = BODY.as_bytes().to_vec();
            for (at, cut, piece) in edits {
                let at = at.min(body.len());
                let end = (at + cut).min(body.len());
                body.splice(at..end, PIECES[piece].bytes());
            }
            if let Some(read) = read::<Body<'_>>(&body) {
                let tree = tree(&body).unwrap();
                prop_assert_eq!(read, from_tree(&tree).unwrap());
            }
        }
    }
}
