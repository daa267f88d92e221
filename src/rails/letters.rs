//! The letters that banks carry: those of SWIFT's character set X, which SEPA and CGI-MP take too.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// The text in letters that banks carry: accents are left out, blanks joined, whether an accent is part of its letter or
/// follows it (é as one character or as two, as some systems write names). `None` where a letter has no such form, as
/// of Chinese or Thai names: a payee's name that is not the account's is refused by its bank.
pub fn latin(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    for letter in text.nfc() {
        match letter {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | '/'
            | '-'
            | '?'
            | ':'
            | '('
            | ')'
            | '.'
            | ','
            | '\''
            | '+' => {
                plain.push(letter);
            }
            letter if letter.is_whitespace() => plain.push(' '),
            '&' => plain.push('+'),
            '_' => plain.push('-'),
            '’' | '‘' | '`' => plain.push('\''),
            '–' | '—' => plain.push('-'),
            ';' => plain.push(','),
            letter if DOTTED.contains(letter) => plain.push('.'),
            // An accent that makes no letter of its own with what it follows.
            '\u{300}'..='\u{36f}' if plain.ends_with(|before: char| before.is_ascii_alphabetic()) => {}
            letter => match bare(letter) {
                Some(written) => plain.push_str(written),
                None => plain.push(undressed(letter)?),
            },
        }
    }
    let words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    let joined = words.join(" ");
    // What begins with a slash, or has two in a row, means something else to banks.
    let mut joined = joined.trim_start_matches(['/', ' ']).to_owned();
    while joined.contains("//") {
        joined = joined.replace("//", "/");
    }
    // Punctuation alone is no name.
    joined.contains(|letter: char| letter.is_ascii_alphanumeric()).then_some(joined)
}

/// Punctuation that banks write as a full stop (EPC217-08).
const DOTTED: &str = "!\"#$%*<=>@[\\]^{|}~“”„«»‹›‚…·";

/// A Latin letter without its accents.
fn bare(letter: char) -> Option<&'static str> {
    let small = letter.to_lowercase().next().unwrap_or(letter);
    let found = BARE.iter().find(|(_, letters)| letters.contains(small))?;
    let upper = letter.is_uppercase();
    Some(if upper { found.0.1 } else { found.0.0 })
}

/// The letter that is left of one that its accents are only put on.
fn undressed(letter: char) -> Option<char> {
    let (mut base, mut only_marks) = (None, true);
    decompose_canonical(letter, |part| match base {
        None => base = Some(part),
        Some(_) => only_marks &= is_combining_mark(part),
    });
    base.filter(|base| only_marks && base.is_ascii_alphabetic())
}

/// Small and capital form, and what becomes of it: Western, Central European, Turkish and Vietnamese letters.
const BARE: [((&str, &str), &str); 24] = [
    (("a", "A"), "àáâãäåāăąảạấầẩẫậắằẳẵặ"),
    (("ae", "AE"), "æ"),
    (("c", "C"), "çćĉċč"),
    (("d", "D"), "ďđð"),
    (("e", "E"), "èéêëēĕėęěẻẽẹếềểễệ"),
    (("g", "G"), "ĝğġģ"),
    (("h", "H"), "ĥħ"),
    (("i", "I"), "ìíîïĩīĭįıỉị"),
    (("j", "J"), "ĵ"),
    (("k", "K"), "ķ"),
    (("l", "L"), "ĺļľŀł"),
    (("n", "N"), "ñńņňŉ"),
    (("o", "O"), "òóôõöøōŏőỏọốồổỗộớờởỡợơ"),
    (("oe", "OE"), "œ"),
    (("r", "R"), "ŕŗř"),
    (("s", "S"), "śŝşšș"),
    (("ss", "SS"), "ß"),
    (("t", "T"), "ţťŧț"),
    (("th", "TH"), "þ"),
    (("u", "U"), "ùúûüũūŭůűųủụứừửữựư"),
    (("w", "W"), "ŵ"),
    (("y", "Y"), "ýÿŷỳỷỹỵ"),
    (("z", "Z"), "źżž"),
    (("i", "I"), "i̇"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The same name, however its accents are written.
    #[test]
    fn a_name_in_parts_is_the_name() {
        for name in ["José Núñez", "Nguyễn Thị Ánh Đào", "Łódź Şirketi", "Lǐ Wěi", "Ǻse Ő"]
        {
            let (whole, parts): (String, String) = (name.nfc().collect(), name.nfd().collect());
            assert_ne!(whole, parts);
            assert_eq!((latin(&parts), latin(&whole).is_some()), (latin(&whole), true), "{name}");
        }
        let thai: String = "บริษัท จำกัด".nfd().collect();
        assert_eq!(latin(&thai), None);
    }

    #[test]
    fn accents_are_left_out_and_what_has_no_latin_form_is_none() {
        for (given, expected) in [
            ("Nguyễn Thị Ánh Đào", Some("Nguyen Thi Anh Dao")),
            ("Müller & Söhne  GmbH", Some("Muller + Sohne GmbH")),
            ("Łódź Şirketi", Some("Lodz Sirketi")),
            ("O’Neill_Trading", Some("O'Neill-Trading")),
            ("//A//B", Some("A/B")),
            ("A///B////C/", Some("A/B/C/")),
            ("/ //A", Some("A")),
            ("////", None),
            ("L\u{1d0} W\u{11b}i", Some("Li Wei")),
            ("x\u{30c}", Some("x")),
            ("\u{301}", None),
            ("上海贸易", None),
            ("บริษัท", None),
            ("Smile 🙂", None),
            ("   ", None),
            ("\"Good\" Goods; Best #1!", Some(".Good. Goods, Best .1.")),
            ("“Kim” 100% = A*B@C", Some(".Kim. 100. . A.B.C")),
            ("!!!", None),
        ] {
            assert_eq!(latin(given).as_deref(), expected, "{given}");
        }
    }
}
