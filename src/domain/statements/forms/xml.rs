//! Elements and texts, as XML 1.0 has them.

/// Opens an element; `head` is its name, with its attributes.
pub(super) fn open(buffer: &mut Vec<u8>, head: &str) {
    buffer.push(b'<');
    buffer.extend_from_slice(head.as_bytes());
    buffer.extend_from_slice(b">\n");
}

/// Closes an element.
pub(super) fn close(buffer: &mut Vec<u8>, name: &str) {
    buffer.extend_from_slice(b"</");
    buffer.extend_from_slice(name.as_bytes());
    buffer.extend_from_slice(b">\n");
}

/// An element with a text; `head` is its name, with its attributes.
pub(super) fn leaf(buffer: &mut Vec<u8>, head: &str, text: &str) {
    let name = head.split(' ').next().unwrap_or(head);
    buffer.push(b'<');
    buffer.extend_from_slice(head.as_bytes());
    buffer.push(b'>');
    push_text(buffer, text);
    close(buffer, name);
}

/// Elements within one another around a text: `["Id", "Othr", "Id"]`.
pub(super) fn nested(buffer: &mut Vec<u8>, names: &[&str], text: &str) {
    let Some((innermost, around)) = names.split_last() else { return };
    for name in around {
        open(buffer, name);
    }
    leaf(buffer, innermost, text);
    for name in around.iter().rev() {
        close(buffer, name);
    }
}

/// At most so many characters of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Characters that XML 1.0 cannot have at all become U+FFFD.
fn push_text(buffer: &mut Vec<u8>, text: &str) {
    let mut utf8 = [0; 4];
    for character in text.chars() {
        let written = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\t' | '\n' | '\r' => " ",
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            other => other.encode_utf8(&mut utf8),
        };
        buffer.extend_from_slice(written.as_bytes());
    }
}
