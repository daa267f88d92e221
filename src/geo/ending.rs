//! Where the last section of a MaxMind-format file ends. A whole file ends there too: what follows is another file's, or a
//! download gone wrong.

/// Deeper than any metadata.
const DEPTH: u8 = 8;

/// Refuses bytes behind the metadata, which begin at `from`, right behind their marker.
///
/// # Errors
/// What is wrong.
pub fn check(bytes: &[u8], from: usize) -> Result<(), String> {
    let metadata = bytes.get(from..).unwrap_or_default();
    match value(metadata, DEPTH) {
        Some([]) => Ok(()),
        Some(more) => Err(format!("{} bytes follow its metadata, and a whole file ends there", more.len())),
        None => Err("its metadata are cut off".to_owned()),
    }
}

/// What follows the first value; `None` where it is not whole.
fn value(bytes: &[u8], depth: u8) -> Option<&[u8]> {
    let depth = depth.checked_sub(1)?;
    let (&control, mut rest) = bytes.split_first()?;
    let mut kind = control >> 5;
    if kind == 1 {
        // A pointer: one to four bytes more, by two bits.
        return rest.get(usize::from(control >> 3 & 3) + 1..);
    }
    if kind == 0 {
        let (&extended, behind) = rest.split_first()?;
        (kind, rest) = (extended.checked_add(7)?, behind);
    }
    let short = usize::from(control & 31);
    let (more, least) = match short {
        29 => (1, 29),
        30 => (2, 285),
        31 => (3, 65_821),
        _ => (0, short),
    };
    let (size, mut rest) = rest.split_at_checked(more)?;
    let size = size.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)) + least;
    let values = match kind {
        7 => size.checked_mul(2)?,
        11 => size,
        // A truth value is its own size.
        14 => return Some(rest),
        _ => return rest.get(size..),
    };
    for _ in 0..values {
        rest = value(rest, depth)?;
    }
    Some(rest)
}
