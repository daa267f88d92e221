//! Texts cut to what a gateway takes.

/// At most `limit` bytes, cut between characters, without blanks at the ends.
pub(super) fn shorten(text: &str, limit: usize) -> &str {
    let text = text.trim();
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn cuts_between_characters() {
        for (text, limit, expected) in [
            ("abc", 5, "abc"),
            ("abc", 2, "ab"),
            ("a b", 2, "a"),
            ("鱼丸面", 7, "鱼丸"),
            ("鱼", 2, ""),
            (" a ", 9, "a"),
        ] {
            assert_eq!(shorten(text, limit), expected);
        }
    }
}
