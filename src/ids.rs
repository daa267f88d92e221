//! Prefixed, sortable, typed ids: `pay_01kaw…`.
//!
//! An id is a UUIDv7 written in 26 characters of lower-case Crockford base32 after its prefix: it sorts by time, fits
//! GrabPay's 32 characters, and the prefix lets a person see, and the parser say, what it is. Within one process ids
//! are strictly increasing. Randomness and time come in through [`IdSource`], so that a seeded run repeats.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::clock::Clock;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_BITS: u32 = 74;

/// What is wrong with a text that should be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The id is well formed but of another kind.
    #[error("expected an id that begins with `{expected}_`, got one that begins with `{found}_`")]
    WrongType {
        /// The prefix that belongs here.
        expected: &'static str,
        /// The prefix that was given.
        found: String,
    },
    /// Not an id at all.
    #[error("expected `{expected}_` followed by 26 characters of 0-9 and a-z without i, l, o, u")]
    Malformed {
        /// The prefix that belongs here.
        expected: &'static str,
    },
}

/// A typed id: a prefix and 128 bits.
pub trait Id: Copy + fmt::Display {
    /// The visible prefix, without the underscore.
    const PREFIX: &'static str;
    /// Wraps the bits.
    fn from_bits(bits: u128) -> Self;
}

/// Makes ids: monotonic within the process, seeded in tests.
#[derive(Clone, Debug)]
pub struct IdSource {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    rng: StdRng,
    last_ms: u64,
    last_random: u128,
}

impl IdSource {
    /// Randomness from the operating system.
    pub fn random(clock: Clock) -> IdSource {
        IdSource::with_rng(clock, StdRng::from_os_rng())
    }

    /// The same seed and clock give the same ids.
    pub fn seeded(clock: Clock, seed: u64) -> IdSource {
        IdSource::with_rng(clock, StdRng::seed_from_u64(seed))
    }

    fn with_rng(clock: Clock, rng: StdRng) -> IdSource {
        IdSource { clock, state: Arc::new(Mutex::new(State { rng, last_ms: 0, last_random: 0 })) }
    }

    /// A new id, greater than every id this source made before.
    pub fn mint<T: Id>(&self) -> T {
        let now_ms = u64::try_from(self.clock.wall().timestamp_millis()).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mask = (1_u128 << RANDOM_BITS) - 1;
        if now_ms > state.last_ms {
            state.last_ms = now_ms;
            // The top bit is left free so that counting up within a millisecond cannot overflow.
            state.last_random = state.rng.random::<u128>() & (mask >> 1);
        } else {
            state.last_random = (state.last_random + 1 + u128::from(state.rng.random::<u16>())) & mask;
        }
        T::from_bits(assemble(state.last_ms, state.last_random))
    }

    /// `N` random bytes: nonces, verifiers, keys.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rng.fill(&mut bytes[..]);
        bytes
    }
}

/// UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, version, 12 bits, variant, 62 bits.
fn assemble(ms: u64, random: u128) -> u128 {
    let high = random >> 62;
    let low = random & ((1_u128 << 62) - 1);
    (u128::from(ms) << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low
}

fn encode(bits: u128) -> [u8; 26] {
    let mut text = [0_u8; 26];
    // Twelve letters are 60 bits: numbers of one register are taken apart faster than one of two.
    for (letters, part) in text.rchunks_mut(12).zip([bits, bits >> 60, bits >> 120]) {
        let mut left = part as u64;
        for letter in letters.iter_mut().rev() {
            *letter = ALPHABET[(left & 31) as usize];
            left >>= 5;
        }
    }
    text
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    text.bytes().enumerate().try_fold(0_u128, |bits, (place, byte)| {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)? as u128;
        // 26 characters hold 130 bits: the first may use only three of its five.
        (place != 0 || digit < 8).then_some((bits << 5) | digit)
    })
}

/// `prefix_` and the 26 characters, in ASCII.
fn write_off<const LENGTH: usize>(prefix: &str, bits: u128) -> [u8; LENGTH] {
    let mut text = [b'_'; LENGTH];
    let (front, back) = text.split_at_mut(prefix.len());
    front.copy_from_slice(prefix.as_bytes());
    back[1..].copy_from_slice(&encode(bits));
    text
}

/// Reads an id and says which kind was given where another belongs.
///
/// # Errors
/// [`IdError`] naming the expected prefix.
pub fn parse_id<T: Id>(text: &str) -> Result<T, IdError> {
    let malformed = IdError::Malformed { expected: T::PREFIX };
    let (prefix, rest) = text.split_once('_').ok_or_else(|| malformed.clone())?;
    let bits = decode(rest).ok_or(malformed)?;
    if prefix != T::PREFIX {
        return Err(IdError::WrongType { expected: T::PREFIX, found: prefix.chars().take(16).collect() });
    }
    Ok(T::from_bits(bits))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_bits(bits: u128) -> Self { Self(bits) }
        }
        impl $name {
            /// Its text, in ASCII.
            pub fn letters(self) -> [u8; $prefix.len() + 27] { write_off($prefix, self.0) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&self.letters()).unwrap_or_default())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse_id(text) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A merchant: the owner of everything else.
    MerchantId "mer",
    /// A person or program that acts for a merchant.
    UserId "usr",
    /// An API key.
    KeyId "key",
    /// A payment.
    PaymentId "pay",
    /// A refund.
    RefundId "ref",
    /// A settlement: how one captured payment was divided.
    SettlementId "set",
    /// A supplier.
    SupplierId "sup",
    /// A payout account of a supplier.
    SupplierAccountId "acc",
    /// A ledger transaction.
    TransactionId "txn",
    /// A locked price.
    QuoteId "quo",
    /// An entry of a merchant's price book.
    FixedPriceId "fix",
    /// A statement.
    StatementId "stm",
    /// Something that does not agree and waits for a decision.
    FindingId "fnd",
    /// A manual journal.
    JournalId "jnl",
    /// A period that is, or is to be, closed.
    PeriodId "per",
    /// A dispute about a payment.
    DisputeId "dsp",
    /// Something we say in a dispute.
    DisputeAnswerId "dan",
    /// A plan of payouts.
    PlanId "pln",
    /// One payout to one supplier.
    PayoutId "po",
    /// What is sent to a rail in one call.
    PayoutBatchId "pob",
    /// A payment of withheld tax to its authority.
    RemittanceId "rmt",
    /// When payouts are planned by themselves.
    PayoutScheduleId "sch",
    /// A market deal that the treasury made.
    FxDealId "fxd",
    /// A run of a bill against the books.
    ReconciliationId "rec",
    /// An event of the outbox.
    EventId "evt",
    /// A merchant's account at a gateway.
    GatewayAccountId "gwa",
    /// A merchant's account at a bank.
    BankAccountId "bac",
    /// A merchant's account at a payout rail.
    RailAccountId "rac",
    /// A gateway settlement: a batch that a gateway pays out.
    GatewaySettlementId "gst",
    /// Fees that a gateway charged apart from its payouts.
    FeeChargeId "fch",
    /// A bank statement that was read.
    BankStatementId "bst",
    /// One line of a bank's statements.
    BankLineId "bln",
    /// A notice received from a gateway.
    NoticeId "ntc",
    /// A call to a gateway, written down before it is made.
    IntentId "int",
    /// A background job.
    JobId "job",
    /// One run of the program, from start to stop: the owner of its leases.
    BootId "bot",
    /// What a gateway said about a payment, as the payment's timeline keeps it.
    ReportId "rep",
    /// A batch of the writer.
    BatchId "bat",
    /// An entry of the audit log.
    AuditId "aud",
    /// A repeated request's claim.
    ClaimId "clm",
    /// A rate snapshot kept as evidence.
    RateSetId "rts",
    /// One HTTP request, for its log lines and its answer.
    RequestId "req",
    /// Where a merchant wants to hear of events.
    WebhookEndpointId "whk",
    /// One event on its way to one endpoint.
    WebhookDeliveryId "whd",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn source() -> IdSource {
        IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 7)
    }

    #[test]
    fn ids_are_thirty_characters_increasing_and_read_back() {
        let source = source();
        let ids: Vec<PaymentId> = (0..2_000).map(|_| source.mint()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string()));
        for id in ids {
            let text = id.to_string();
            assert_eq!(text.len(), 30);
            assert_eq!(text.parse::<PaymentId>(), Ok(id));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(source().mint::<PaymentId>(), source().mint::<PaymentId>());
    }

    #[test]
    fn an_id_of_another_kind_names_both() {
        let supplier: SupplierId = source().mint();
        let error = supplier.to_string().parse::<PaymentId>().unwrap_err();
        assert_eq!(error, IdError::WrongType { expected: "pay", found: "sup".into() });
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in
            ["", "pay_", "pay", "pay_01", "pay_zzzzzzzzzzzzzzzzzzzzzzzzzz", "pay_0000000000000000000000000U"]
        {
            assert_eq!(text.parse::<PaymentId>(), Err(IdError::Malformed { expected: "pay" }), "{text}");
        }
    }

    #[test]
    fn the_bits_are_a_uuid_of_version_seven() {
        let bits = assemble(1, u128::MAX >> 54);
        assert_eq!((bits >> 76) & 0xf, 7);
        assert_eq!((bits >> 62) & 0b11, 0b10);
    }
}
