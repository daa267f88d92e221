//! Account numbers of banks: what can be seen to be none before anybody sends money there.

use std::fmt;

/// Why a text is no account number; the number itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not of the form of ISO 13616.
    #[error(
        "an IBAN is a country's two letters, two check digits and up to 30 letters and digits, 15 to 34 in all"
    )]
    IbanForm,
    /// The check digits are not those of the number.
    #[error("the IBAN's check digits do not fit (ISO 7064, mod 97): a character is wrong or left out")]
    IbanDigits,
    /// Not of the form of ISO 9362.
    #[error(
        "a BIC is four letters or digits, a country's two letters, two letters or digits, and perhaps three more"
    )]
    Bic,
}

/// An IBAN without blanks, in capitals, whose check digits fit.
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(String);

impl Iban {
    /// Reads one as people write it: blanks and small letters are forgiven.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn read(text: &str) -> Result<Iban, NumberError> {
        let plain = compact(text);
        let bytes = plain.as_bytes();
        let fits = (15..=34).contains(&bytes.len())
            && bytes.iter().all(u8::is_ascii_alphanumeric)
            && bytes[..2].iter().all(u8::is_ascii_uppercase)
            && bytes[2..4].iter().all(u8::is_ascii_digit);
        if !fits {
            return Err(NumberError::IbanForm);
        }
        let turned = bytes[4..].iter().chain(&bytes[..4]);
        let rest = turned.fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            letter => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
        });
        if rest == 1 { Ok(Iban(plain)) } else { Err(NumberError::IbanDigits) }
    }

    /// The country it begins with.
    pub fn country(&self) -> &str {
        &self.0[..2]
    }

    /// The text, compact.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({}…)", self.country())
    }
}

/// Reads a BIC: 8 or 11 characters, in capitals.
///
/// # Errors
/// [`NumberError::Bic`].
pub fn bic(text: &str) -> Result<String, NumberError> {
    let plain = compact(text);
    let bytes = plain.as_bytes();
    let fits = matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[4..6].iter().all(u8::is_ascii_uppercase);
    if fits { Ok(plain) } else { Err(NumberError::Bic) }
}

/// A number as it is compared: without blanks, hyphens and slashes, in capitals. Banks print one number in many ways.
pub fn compact(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '/' | '.'))
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_of_the_registry_are_read_as_people_write_them() {
        for text in [
            "GB33BUKB20201555555555",
            "de89 3704 0044 0532 0130 00",
            "MT84MALT011000012345MTLCAST001S",
            "NO93 8601 1117 947",
            "SA03 8000 0000 6080 1016 7519",
        ] {
            let iban = Iban::read(text).unwrap();
            assert!(iban.as_str().starts_with(iban.country()), "{text}");
            assert!(!format!("{iban:?}").contains(&iban.as_str()[4..]), "a number is not for logs");
        }
    }

    #[test]
    fn every_changed_digit_and_every_swap_of_neighbours_shows() {
        let good = "DE89370400440532013000";
        for place in 4..good.len() {
            let mut bytes = good.as_bytes().to_vec();
            bytes[place] = b'0' + (bytes[place] - b'0' + 1) % 10;
            assert_eq!(Iban::read(&String::from_utf8(bytes).unwrap()), Err(NumberError::IbanDigits));
            let mut bytes = good.as_bytes().to_vec();
            bytes.swap(place, place - 1);
            let swapped = String::from_utf8(bytes).unwrap();
            assert!(swapped == good || Iban::read(&swapped).is_err(), "{swapped}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "DE", "8937", "DE8937040044053201300Ä", "D189370400440532013000", &"1".repeat(200)]
        {
            assert_eq!(Iban::read(text), Err(NumberError::IbanForm), "{text}");
        }
        assert_eq!(bic("dbsssgsg"), Ok("DBSSSGSG".to_owned()));
        assert_eq!(bic("DEUTDEFF500"), Ok("DEUTDEFF500".to_owned()));
        for text in ["", "DBSSSGS", "DBSS12SG", "DBSSSGSGXX", "DBSSSGS€"] {
            assert_eq!(bic(text), Err(NumberError::Bic), "{text}");
        }
    }
}
