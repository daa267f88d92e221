//! When a certificate ends, for the alarm before it does. Whether it holds is `sign.rs`' matter; this only reads the one
//! field (RFC 5280, section 4.1), and answers nothing where it cannot.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a certificate in DER.
pub(super) fn not_after(der: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = next(fields)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = next(fields)?.2;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (tag, text, _) = next(next(validity)?.2)?;
    let text = std::str::from_utf8(text).ok()?;
    match tag {
        UTC_TIME => {
            let at = NaiveDateTime::parse_from_str(text, "%y%m%d%H%M%SZ").ok()?;
            // Two digits mean 1950 to 2049 here, whatever the calendar's library thinks.
            let year = at.year() % 100 + if at.year() % 100 < 50 { 2000 } else { 1900 };
            at.with_year(year).map(|at| at.and_utc())
        }
        GENERALIZED_TIME => NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%SZ").ok().map(|at| at.and_utc()),
        _ => None,
    }
}

fn element(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    next(bytes).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// Tag, content and what follows.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate's frame around a validity.
    fn framed(validity: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, 0x81, content.len() as u8], content].concat();
        let before = [&[VERSION, 3, 2, 1, 2][..], &[2, 1, 7], &[SEQUENCE, 0], &[SEQUENCE, 0]].concat();
        let fields = [&before[..], &wrap(SEQUENCE, validity), &[SEQUENCE, 0]].concat();
        wrap(SEQUENCE, &wrap(SEQUENCE, &fields))
    }

    #[test]
    fn both_ways_of_writing_the_end_are_read() {
        let start = [&[UTC_TIME, 13][..], b"240101000000Z"].concat();
        for (tag, end, shown) in [
            (UTC_TIME, "490101120000Z", "2049-01-01T12:00:00+00:00"),
            (UTC_TIME, "990101120000Z", "1999-01-01T12:00:00+00:00"),
            (GENERALIZED_TIME, "20500102030405Z", "2050-01-02T03:04:05+00:00"),
        ] {
            let end = [&[tag, end.len() as u8][..], end.as_bytes()].concat();
            let der = framed(&[&start[..], &end].concat());
            assert_eq!(not_after(&der).unwrap().to_rfc3339(), shown);
            for cut in 0..der.len() {
                assert_eq!(not_after(&der[..cut]), None, "cut at {cut}");
            }
        }
    }
}
