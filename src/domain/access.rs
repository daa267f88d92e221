//! Who may do what: API keys, their scopes, the users behind them, and the audit trail's entry.
//!
//! Four eyes compare *users*, never keys: one person may hold several keys. Whoever made a key for another user has had its
//! text, so that user and maker of the key count as one where payouts are approved. Two keys that an administrator makes for
//! two others are two persons': who made them stands with each key and in the audit trail, and `key.created` is looked at
//! by somebody else.

mod key_text;
mod trail;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::ids::{Id, IdSource, KeyId, MerchantId, RequestId, SupplierId, UserId};

pub use key_text::{KeyHash, NotAKey, PresentedKey, hash, new_key_text};
pub use trail::{AuditEntry, AuditHead, AuditNote, TrailWalk};

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

    #[test]
    fn scopes_read_back() {
        let supplier = SupplierId::from_bits(7);
        for scope in [Scope::Storefront, Scope::Finance, Scope::Supplier(supplier), Scope::Admin] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("supplier:pay_1".parse::<Scope>().is_err());
    }
}
