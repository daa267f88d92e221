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

/// The same in ASCII, whatever is beyond it as a reference (`&#28145;`), of at most so many characters. A reference counts as
/// it is written: there are readers that resolve none.
pub(super) fn ascii_leaf(buffer: &mut Vec<u8>, name: &str, text: &str, most: usize) {
    buffer.push(b'<');
    buffer.extend_from_slice(name.as_bytes());
    buffer.push(b'>');
    let mut left = most;
    for character in text.chars().map(possible) {
        let (written, length) = if character.is_ascii() {
            (escaped(character, &mut [0; 4]).to_owned(), 1)
        } else {
            let reference = format!("&#{};", u32::from(character));
            let length = reference.len();
            (reference, length)
        };
        let Some(rest) = left.checked_sub(length) else { break };
        buffer.extend_from_slice(written.as_bytes());
        left = rest;
    }
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

fn push_text(buffer: &mut Vec<u8>, text: &str) {
    for character in text.chars().map(possible) {
        buffer.extend_from_slice(escaped(character, &mut [0; 4]).as_bytes());
    }
}

/// A blank for what breaks a line; U+FFFD for characters that XML 1.0 cannot have at all.
fn possible(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    }
}

/// A character of a text.
fn escaped(character: char, utf8: &mut [u8; 4]) -> &str {
    match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        other => other.encode_utf8(utf8),
    }
}
