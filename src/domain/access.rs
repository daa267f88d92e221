//! Who may do what: API keys, their scopes, the users behind them, and the audit trail's entry.
//!
//! A key reads `sk_test_<52 characters><7 characters>`: kind, environment, 32 random bytes in Crockford base32 and a
//! checksum (CRC-32), so that a mistyped key is told apart from a revoked one and secret scanners know it. Only the
//! SHA-256 of the whole text is kept. Four eyes compare *users*, never keys: one person may hold several keys. Whoever
//! made a key for another user has had its text, so that user and maker of the key count as one where payouts are approved.
//! Two keys that an administrator makes for two others are two persons': who made them stands with each key and in the
//! audit trail, and `key.created` is looked at by somebody else.

mod trail;

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::ids::{Id, IdSource, KeyId, MerchantId, RequestId, SupplierId, UserId};

pub use trail::{AuditEntry, AuditHead, AuditNote, TrailWalk};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_LETTERS: usize = 52;
const CHECK_LETTERS: usize = 7;

/// Browser key or server key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `pk_`: rates, prices, quotes; may be seen by everybody.
    Publishable,
    /// `sk_`: as its scopes say.
    Secret,
}

/// Test or real money; part of every key's text and of the database's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Sandbox mode.
    Test,
    /// Real money.
    Live,
}

/// What a secret key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Payments and refunds of the shop.
    Storefront,
    /// Suppliers, books, statements, payouts.
    Finance,
    /// What one supplier may see of itself.
    Supplier(SupplierId),
    /// Keys and the audit trail.
    Admin,
}

/// A text that is no word of these types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {known}")]
pub struct UnknownWord {
    /// What was given.
    pub given: String,
    /// What belongs there.
    pub known: &'static str,
}

/// Somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Whose.
    pub merchant: MerchantId,
    /// For people.
    pub name: String,
}

/// A key as stored: everything but its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose.
    pub merchant: MerchantId,
    /// Who acts when it is used.
    pub user: UserId,
    /// Who made it, and so has had its text.
    pub made_by: UserId,
    /// For people.
    pub name: String,
    /// Browser or server.
    pub kind: KeyKind,
    /// Test or real money.
    pub environment: Environment,
    /// What it may do; empty for a publishable key.
    pub scopes: Vec<Scope>,
    /// Origins that may use a publishable key from a browser.
    pub origins: Vec<String>,
    /// The last four characters, to tell keys apart.
    pub hint: String,
    /// SHA-256 of the text.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stopped being valid.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// The one supplier this key is confined to, if it is a supplier's key.
    pub fn supplier(&self) -> Option<SupplierId> {
        self.scopes.iter().find_map(|scope| match scope {
            Scope::Supplier(supplier) => Some(*supplier),
            _ => None,
        })
    }

    /// Whether every event of the merchant is its business, not a shop's only.
    pub fn hears_of_everything(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope, Scope::Finance | Scope::Admin))
    }

    /// Whose hand acts when it is used.
    pub fn hand(&self) -> Hand {
        Hand { user: self.user, key_made_by: self.made_by }
    }
}

/// A user at work, and whoever made the key in use: that person has had its text and may be the one who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// Who acts.
    pub user: UserId,
    /// Who made the key.
    pub key_made_by: UserId,
}

impl Hand {
    /// A user with a key of his own making.
    pub fn own(user: UserId) -> Hand {
        Hand { user, key_made_by: user }
    }

    /// Whether this is a second person beside `others`. `issuers`: who else made keys of theirs.
    ///
    /// # Errors
    /// [`NotSecond`].
    pub fn is_second(self, others: &[UserId], issuers: &[UserId]) -> Result<(), NotSecond> {
        let Hand { user, key_made_by } = self;
        if others.contains(&user) {
            return Err(NotSecond::FourEyes(user));
        }
        if others.contains(&key_made_by) {
            return Err(NotSecond::OneHand { maker: key_made_by, of: user });
        }
        match others.first() {
            Some(other) if issuers.contains(&user) => Err(NotSecond::OneHand { maker: user, of: *other }),
            _ => Ok(()),
        }
    }
}

/// Why somebody is no second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSecond {
    /// It is the same user.
    #[error("{0} proposed it; another user has to decide")]
    FourEyes(UserId),
    /// One of the two made the other's key.
    #[error("{maker} made a key of {of}: both words could be one person's; a third user has to decide")]
    OneHand {
        /// Who made the key.
        maker: UserId,
        /// For whom.
        of: UserId,
    },
}

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
        let letters = random.bytes().all(|letter| ALPHABET.contains(&letter));
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

impl KeyKind {
    /// The prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Publishable => "pk",
            KeyKind::Secret => "sk",
        }
    }
}

impl FromStr for KeyKind {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<KeyKind, UnknownWord> {
        match text {
            "pk" => Ok(KeyKind::Publishable),
            "sk" => Ok(KeyKind::Secret),
            other => Err(UnknownWord { given: other.to_owned(), known: "pk, sk" }),
        }
    }
}

impl Environment {
    /// As in keys and in the database's marker.
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Test => "test",
            Environment::Live => "live",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Environment, UnknownWord> {
        match text {
            "test" => Ok(Environment::Test),
            "live" => Ok(Environment::Live),
            other => Err(UnknownWord { given: other.to_owned(), known: "test, live" }),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Storefront => f.write_str("storefront"),
            Scope::Finance => f.write_str("finance"),
            Scope::Supplier(supplier) => write!(f, "supplier:{supplier}"),
            Scope::Admin => f.write_str("admin"),
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Scope, UnknownWord> {
        let supplier = text.strip_prefix("supplier:").and_then(|id| id.parse().ok());
        match (text, supplier) {
            ("storefront", _) => Ok(Scope::Storefront),
            ("finance", _) => Ok(Scope::Finance),
            ("admin", _) => Ok(Scope::Admin),
            (_, Some(supplier)) => Ok(Scope::Supplier(supplier)),
            (other, None) => Err(UnknownWord {
                given: other.chars().take(60).collect(),
                known: "storefront, finance, supplier:<id of a supplier>, admin",
            }),
        }
    }
}

/// Who asked, for the audit trail and for four eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Whose business.
    pub merchant: MerchantId,
    /// The person or program.
    pub user: UserId,
    /// The key it used.
    pub key: KeyId,
    /// The request it came with.
    pub request: RequestId,
}

impl Actor {
    /// The service itself, acting for a merchant: nobody's user, nobody's key.
    pub fn service(merchant: MerchantId, request: RequestId) -> Actor {
        Actor { merchant, user: UserId::from_bits(0), key: KeyId::from_bits(0), request }
    }

    /// What it does, for the trail.
    pub fn note(
        self,
        ids: &IdSource,
        at: DateTime<Utc>,
        action: &str,
        subject: impl ToString,
        detail: impl ToString,
    ) -> AuditNote {
        let (action, subject, detail) = (action.to_owned(), subject.to_string(), detail.to_string());
        AuditNote { id: ids.mint(), actor: self, at, action, subject, detail }
    }
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

    #[test]
    fn scopes_read_back() {
        let supplier: SupplierId = ids().mint();
        for scope in [Scope::Storefront, Scope::Finance, Scope::Supplier(supplier), Scope::Admin] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("supplier:pay_1".parse::<Scope>().is_err());
    }
}
