//! The hash chain: every batch of transactions is a block, and every block's hash covers the one before it.
//!
//! A block's canonical bytes, version 1, in this order; integers are big-endian, a text is its length (32 bits) and its
//! UTF-8 bytes, an absent text has the length 0xffff_ffff:
//!
//! | part | fields |
//! |---|---|
//! | block | the text `straits.ledger.block`, version (8 bits), seq (64), hash of the block before (32 bytes), recorded_at (64) |
//! | each transaction, by number | `T`, number (64), id, merchant, event, source, subject, effective_at (64) |
//! | its entries, by position | `E`, position (64), account id (64), code (64), owner, currency, layer (64), seq (64), amount (64), balance after (64) |
//! | end | `.`, number of transactions (64) |
//!
//! Times are microseconds, amounts signed minor units, debits positive. The account's own words are in each entry, so
//! that renaming an account breaks the chain as surely as changing an amount.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};

const VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;

/// SHA-256 of a block.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockHash([u8; 32]);

impl BlockHash {
    /// What the first block stands on.
    pub const GENESIS: BlockHash = BlockHash([0; 32]);

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From stored bytes, if there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<BlockHash> {
        bytes.try_into().ok().map(BlockHash)
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a block hash, or not a chain head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a block hash is 64 hexadecimal digits, a chain head a number, a colon and a block hash")]
pub struct BlockHashError;

impl FromStr for BlockHash {
    type Err = BlockHashError;
    fn from_str(text: &str) -> Result<BlockHash, BlockHashError> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BlockHashError);
        }
        let mut bytes = [0_u8; 32];
        for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| BlockHashError)?;
        }
        Ok(BlockHash(bytes))
    }
}

/// Where the chain stands: printed on statements and in the log, so that a cut tail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The last block; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: BlockHash,
}

/// `17:3f5a…`.
impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// Reads `17:3f5a…`.
impl FromStr for ChainHead {
    type Err = BlockHashError;
    fn from_str(text: &str) -> Result<ChainHead, BlockHashError> {
        let (seq, hash) = text.split_once(':').ok_or(BlockHashError)?;
        Ok(ChainHead { seq: seq.parse().map_err(|_| BlockHashError)?, hash: hash.parse()? })
    }
}

/// A transaction's own fields, as they are hashed.
#[derive(Debug, Clone, Copy)]
pub struct TransactionFields<'a> {
    /// Its place among all transactions, without gaps.
    pub number: i64,
    /// Its id.
    pub id: &'a str,
    /// Whose book.
    pub merchant: &'a str,
    /// What happened.
    pub event: &'a str,
    /// The fact.
    pub source: &'a str,
    /// What it is about.
    pub subject: Option<&'a str>,
    /// When it happened, microseconds.
    pub effective_at: i64,
}

/// An entry's fields, as they are hashed.
#[derive(Debug, Clone, Copy)]
pub struct EntryFields<'a> {
    /// Its place in the transaction, from 0.
    pub position: i64,
    /// The account's id.
    pub account_id: i64,
    /// The account's code.
    pub code: i64,
    /// The account's owner.
    pub owner: &'a str,
    /// The account's currency.
    pub currency: &'a str,
    /// The account's layer.
    pub layer: i64,
    /// Its place in the account, from 1.
    pub seq: i64,
    /// Debit minus credit.
    pub amount: i64,
    /// The account's balance once it stands.
    pub balance_after: i64,
}

/// Hashes one block; it holds none of it.
#[derive(Clone)]
pub struct BlockHasher {
    digest: Context,
    transactions: i64,
}

impl fmt::Debug for BlockHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockHasher").field("transactions", &self.transactions).finish_non_exhaustive()
    }
}

impl BlockHasher {
    /// Begins block `seq`, recorded at `recorded_at` microseconds.
    pub fn new(seq: i64, previous: BlockHash, recorded_at: i64) -> BlockHasher {
        let mut hasher = BlockHasher { digest: Context::new(&SHA256), transactions: 0 };
        hasher.text("straits.ledger.block");
        hasher.digest.update(&[VERSION]);
        hasher.number(seq);
        hasher.digest.update(previous.as_bytes());
        hasher.number(recorded_at);
        hasher
    }

    /// Adds a transaction; its entries follow.
    pub fn transaction(&mut self, fields: &TransactionFields<'_>) {
        self.transactions += 1;
        self.digest.update(b"T");
        self.number(fields.number);
        for text in [fields.id, fields.merchant, fields.event, fields.source] {
            self.text(text);
        }
        match fields.subject {
            Some(subject) => self.text(subject),
            None => self.digest.update(&ABSENT.to_be_bytes()),
        }
        self.number(fields.effective_at);
    }

    /// Adds an entry of the transaction before.
    pub fn entry(&mut self, fields: &EntryFields<'_>) {
        self.digest.update(b"E");
        for number in [fields.position, fields.account_id, fields.code] {
            self.number(number);
        }
        self.text(fields.owner);
        self.text(fields.currency);
        for number in [fields.layer, fields.seq, fields.amount, fields.balance_after] {
            self.number(number);
        }
    }

    /// The hash.
    pub fn finish(mut self) -> BlockHash {
        self.digest.update(b".");
        self.number(self.transactions);
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(self.digest.finish().as_ref());
        BlockHash(bytes)
    }

    fn number(&mut self, number: i64) {
        self.digest.update(&number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        // A text of 4 GiB is not possible: no column, body or file the ledger reads from is that large.
        let length = u32::try_from(text.len()).unwrap_or(ABSENT - 1);
        self.digest.update(&length.to_be_bytes());
        self.digest.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: TransactionFields<'static> = TransactionFields {
        number: 41,
        id: "txn_01kawd3z5c00g40r40m30e209",
        merchant: "mer_a",
        event: "split",
        source: "capture 9",
        subject: Some("pay_é"),
        effective_at: 1_794_900_000_000_000,
    };
    const ENTRIES: [EntryFields<'static>; 2] = [
        EntryFields {
            position: 0,
            account_id: 1,
            code: 1110,
            owner: "paypal",
            currency: "SGD",
            layer: 1,
            seq: 3,
            amount: 10_000,
            balance_after: 30_000,
        },
        EntryFields {
            position: 1,
            account_id: 2,
            code: 2100,
            owner: "sup_b",
            currency: "SGD",
            layer: 1,
            seq: 1,
            amount: -10_000,
            balance_after: -10_000,
        },
    ];

    fn hash(transaction: TransactionFields<'_>, entries: [EntryFields<'_>; 2]) -> BlockHash {
        let mut previous = [0_u8; 32];
        previous.iter_mut().zip(0..).for_each(|(byte, place)| *byte = place);
        let mut hasher = BlockHasher::new(7, BlockHash(previous), 1_795_000_000_000_000);
        hasher.transaction(&transaction);
        entries.iter().for_each(|entry| hasher.entry(entry));
        hasher.transaction(&TransactionFields {
            number: 42,
            id: "x",
            merchant: "",
            event: "opening",
            source: "s",
            subject: None,
            effective_at: -1,
        });
        hasher.finish()
    }

    /// Computed from the description above by another program, in another language.
    #[test]
    fn a_block_hashes_to_the_published_vector() {
        let expected = "21e821d5369219b993af2dfef2e15cc5b0361063b9e1b0a418ba0e072f65f369";
        assert_eq!(hash(TRANSACTION, ENTRIES).to_string(), expected);
        assert_eq!(expected.parse(), Ok(hash(TRANSACTION, ENTRIES)));
    }

    #[test]
    fn every_field_counts_and_no_field_runs_into_the_next() {
        let good = hash(TRANSACTION, ENTRIES);
        let transactions = [
            TransactionFields { number: 40, ..TRANSACTION },
            TransactionFields { merchant: "mer_asplit", event: "", ..TRANSACTION },
            TransactionFields { subject: None, ..TRANSACTION },
            TransactionFields { subject: Some(""), ..TRANSACTION },
            TransactionFields { effective_at: 0, ..TRANSACTION },
        ];
        for transaction in transactions {
            assert_ne!(hash(transaction, ENTRIES), good, "{transaction:?}");
        }
        let [first, second] = ENTRIES;
        let entries = [
            EntryFields { position: 1, ..first },
            EntryFields { account_id: 9, ..first },
            EntryFields { code: 1100, ..first },
            EntryFields { owner: "paypalSGD", currency: "", ..first },
            EntryFields { layer: 0, ..first },
            EntryFields { seq: 4, ..first },
            EntryFields { amount: 10_001, ..first },
            EntryFields { balance_after: 30_001, ..first },
        ];
        for entry in entries {
            assert_ne!(hash(TRANSACTION, [entry, second]), good, "{entry:?}");
        }
        assert_ne!(hash(TRANSACTION, [second, first]), good, "the order of entries");
    }

    #[test]
    fn a_head_reads_back_and_nothing_else_reads() {
        let head = ChainHead { seq: 17, hash: hash(TRANSACTION, ENTRIES) };
        assert_eq!(head.to_string().parse(), Ok(head));
        let short = "17:21e8".to_owned();
        let long = format!("{head}0");
        let signs = format!("17:{}", "+1".repeat(32));
        for text in ["", "17", "x:", &short, &long, &signs, &format!("17:{}", "é".repeat(32))] {
            assert_eq!(text.parse::<ChainHead>(), Err(BlockHashError), "{text}");
        }
    }
}
