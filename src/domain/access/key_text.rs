//! A key reads `sk_test_<52 characters><7 characters>`: kind, environment, 32 random bytes in Crockford base32 and a
//! checksum (CRC-32), so that a mistyped key is told apart from a revoked one and secret scanners know it. Only the
//! SHA-256 of the whole text is kept.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::ids::IdSource;

use super::{Environment, KeyKind};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Which bytes are among them: every request's key is looked through.
const IS_LETTER: [bool; 256] = {
    let mut known = [false; 256];
    let mut place = 0;
    while place < ALPHABET.len() {
        known[ALPHABET[place] as usize] = true;
        place += 1;
    }
    known
};
const RANDOM_LETTERS: usize = 52;
const CHECK_LETTERS: usize = 7;

/// The SHA-256 of a key's text; compared in constant time.
#[derive(Clone, Copy, Debug, Eq)]
pub struct KeyHash(pub [u8; 32]);

impl PartialEq for KeyHash {
    fn eq(&self, other: &KeyHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for KeyHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// The text is no key: mistyped, cut or of another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: it is mistyped, cut, or not one of ours")]
pub struct NotAKey;

/// A key's text as it was presented, checked for form only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedKey {
    /// Browser or server.
    pub kind: KeyKind,
    /// Test or real money.
    pub environment: Environment,
    /// What to look for.
    pub hash: KeyHash,
}

impl PresentedKey {
    /// Reads prefix, length, letters and checksum.
    ///
    /// # Errors
    /// [`NotAKey`], which says no more than that.
    pub fn read(text: &str) -> Result<PresentedKey, NotAKey> {
        let mut parts = text.splitn(3, '_');
        let (kind, environment, body) = (parts.next(), parts.next(), parts.next());
        let kind: KeyKind = kind.unwrap_or_default().parse().map_err(|_| NotAKey)?;
        let environment: Environment = environment.unwrap_or_default().parse().map_err(|_| NotAKey)?;
        let (random, check) = body.and_then(|body| body.split_at_checked(RANDOM_LETTERS)).ok_or(NotAKey)?;
        let signed = &text[..text.len() - check.len()];
        let letters = random.bytes().all(|letter| IS_LETTER[usize::from(letter)]);
        if !letters || !check.chars().eq(checksum(signed)) {
            return Err(NotAKey);
        }
        Ok(PresentedKey { kind, environment, hash: hash(text) })
    }
}

/// Makes a key's text; the caller shows it once and keeps its hash.
pub fn new_key_text(kind: KeyKind, environment: Environment, ids: &IdSource) -> SecretString {
    let random: [u8; 32] = ids.random_bytes();
    let signed = format!("{}_{}_{}", kind.as_str(), environment.as_str(), base32(&random));
    let check: String = checksum(&signed).collect();
    SecretString::from(signed + &check)
}

/// SHA-256 of a key's text.
pub fn hash(text: &str) -> KeyHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    KeyHash(hash)
}

fn checksum(text: &str) -> impl Iterator<Item = char> {
    let bits = u64::from(crc32fast::hash(text.as_bytes())) << 3;
    (0..CHECK_LETTERS).map(move |place| letter((bits >> (30 - 5 * place)) & 31))
}

fn base32(bytes: &[u8; 32]) -> String {
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| u64::from(byte >> (7 - index % 8) & 1));
    (0..RANDOM_LETTERS)
        .map(|place| letter((0..5).fold(0, |digit, offset| (digit << 1) | bit(place * 5 + offset))))
        .collect()
}

fn letter(digit: u64) -> char {
    char::from(ALPHABET[(digit & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use secrecy::ExposeSecret;

    fn ids() -> IdSource {
        IdSource::seeded(Clock::fixed(from_micros(1)), 3)
    }

    #[test]
    fn a_key_reads_back_and_every_altered_letter_is_noticed() {
        let text = new_key_text(KeyKind::Secret, Environment::Test, &ids());
        let text = text.expose_secret();
        assert!(text.starts_with("sk_test_") && text.len() == 67, "{text}");
        let key = PresentedKey::read(text).unwrap();
        assert_eq!((key.kind, key.environment, key.hash), (KeyKind::Secret, Environment::Test, hash(text)));
        for place in 0..text.len() {
            let mut altered = text.as_bytes().to_vec();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            assert_eq!(PresentedKey::read(std::str::from_utf8(&altered).unwrap()), Err(NotAKey), "{place}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_panic() {
        for text in ["", "sk", "sk_test_", "sk_test_é", "Bearer", &"é".repeat(60), "sk_test_0000_0000"] {
            assert_eq!(PresentedKey::read(text), Err(NotAKey), "{text}");
        }
    }
}
