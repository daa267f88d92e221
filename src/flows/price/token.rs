//! Promises that are not stored: signed tokens, for pages that are kept in caches.
//!
//! A token is a whole quote in a text: merchant, each unit with its amounts and its entry of the price book, how prices
//! end, pair, rates with their parts and their evidence, last moment.
//! Nothing is written when it is made; the payment that brings it inserts the quote, used, in the change that makes the
//! payment. By default a token pays once: its quote is inserted under the token's own id, which can only be done once.
//! A page that many shoppers see needs a *reusable* one: each payment then has a quote of its own that names the token,
//! until the token's last moment; replay of one payment is the idempotency key's matter. It is a page's and nobody's
//! promise yet, and so it ends early where the price book has another price for its articles than the page shows: a
//! price that was fixed by mistake is not sold for a day to everybody. What one shopper was promised stands.
//!
//! ```text
//! qtk_ ‖ base64url, without padding, of: version (1 byte) ‖ key id (4) ‖ claims (JSON) ‖ HMAC-SHA-256 over all before (32)
//! ```
//!
//! Nothing of it is read before the signature is verified, and a text has one spelling only: another version, idle bits
//! in the last letter, a changed byte anywhere are all `quote_token_invalid`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{PriceError, Pricing, QuoteAnswer, QuoteQuestion, able};
use crate::domain::fx::{Buffer, Country, Lock, PriceRounding, Provenance, Quote, Unit};
use crate::ids::{MerchantId, QuoteId};
use crate::money::{BasisPoints, Currency, Money, Rate};
use crate::store::quotes::StoredUnit;
use crate::vault::{SIGNATURE, SIGNING_KEY_ID};

/// How a token begins.
pub const TOKEN_PREFIX: &str = "qtk_";

const VERSION: u8 = 1;

/// Longer texts are no tokens of ours, and none is made: a thousand units without articles fit well.
const LONGEST: usize = 64 * 1024;

/// Why a token is not honoured. Whether it has expired or was used is decided with the payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Edited, forged, cut, or signed with a key that is gone: 400 `quote_token_invalid`.
    #[error("the token was altered, or was not issued here")]
    Invalid,
    /// Another merchant's: 403 `quote_of_other_merchant`.
    #[error("the token promises a price of another merchant")]
    OtherMerchant,
}

/// Why a token pays nothing now.
#[derive(Debug, thiserror::Error)]
pub enum TokenNotTaken {
    /// It is no token for this merchant.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// A page's token, and the price book has another price since: 409 `quote_price_changed`.
    #[error("the price book has other prices than this page's token promises")]
    PriceChanged {
        /// What it promised.
        promised: Box<Quote>,
    },
    /// The price book did not answer.
    #[error(transparent)]
    Price(#[from] PriceError),
}

/// What is signed. Rates are decimal texts, amounts minor units.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    id: QuoteId,
    merchant: MerchantId,
    units: Vec<StoredUnit>,
    /// Tokens from before it could be asked for are exact.
    #[serde(default)]
    rounding: PriceRounding,
    country: Option<Country>,
    from: Currency,
    to: Currency,
    to_amount: i64,
    #[serde(with = "rust_decimal::serde::str")]
    reference: Decimal,
    spread_bps: i32,
    buffer: Buffer,
    #[serde(rename = "final", with = "rust_decimal::serde::str")]
    final_rate: Decimal,
    market: Provenance,
    lock: Lock,
    indicative: bool,
    reusable: bool,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Claims {
    fn of(quote: &Quote, reusable: bool) -> Claims {
        Claims {
            id: quote.id,
            merchant: quote.merchant,
            units: quote.units.iter().map(StoredUnit::of).collect(),
            rounding: quote.rounding,
            country: quote.country,
            from: quote.from.currency(),
            to: quote.to.currency(),
            to_amount: quote.to.minor(),
            reference: quote.market.rate.value(),
            spread_bps: quote.spread.0,
            buffer: quote.buffer.clone(),
            final_rate: quote.final_rate.value(),
            market: Provenance::of(&quote.market),
            lock: quote.lock,
            indicative: quote.indicative,
            reusable,
            created_at: quote.created_at,
            expires_at: quote.expires_at,
        }
    }

    /// The quote, under `id`.
    fn quote(self, id: QuoteId) -> Option<Quote> {
        let units: Vec<Unit> = self.units.into_iter().map(|unit| unit.read(self.from, self.to)).collect();
        let rate = |value| Rate::try_new(self.from, self.to, value).ok();
        let quote = Quote {
            id,
            merchant: self.merchant,
            from: Money::sum(self.from, units.iter().map(|unit| unit.price)).ok()?,
            units,
            rounding: self.rounding,
            country: self.country,
            to: Money::from_minor(self.to_amount, self.to),
            market: self.market.market(rate(self.reference)?, self.created_at),
            spread: BasisPoints(self.spread_bps),
            buffer: self.buffer,
            final_rate: rate(self.final_rate)?,
            lock: self.lock,
            indicative: self.indicative,
            created_at: self.created_at,
            expires_at: self.expires_at,
            token: Some(self.id),
            used: None,
        };
        quote.adds_up().then_some(quote)
    }
}

impl Pricing {
    /// Promises a price by a token of this id and stores nothing.
    ///
    /// # Errors
    /// As [`Pricing::promise`].
    pub async fn promise_by_token(
        &self,
        id: QuoteId,
        question: &QuoteQuestion,
        reusable: bool,
    ) -> Result<QuoteAnswer, PriceError> {
        let now = self.clock.now();
        let question = &self.with_fixed(question, now).await?;
        let quote = self.draft(id, question, now)?;
        let mut answer = QuoteAnswer::of(&quote, able(&question.accounts, quote.to), now);
        answer.token = Some(self.token(&quote, reusable)?);
        answer.reusable = Some(reusable);
        Ok(answer)
    }

    fn token(&self, quote: &Quote, reusable: bool) -> Result<String, PriceError> {
        let claims = serde_json::to_vec(&Claims::of(quote, reusable));
        let claims = claims.map_err(|error| PriceError::Token(error.to_string()))?;
        let id = self.signer.key_id().ok_or_else(|| PriceError::Token("no key to sign with".into()))?;
        let mut bytes = [&[VERSION][..], &id, &claims].concat();
        let (_, signature) =
            self.signer.sign(&bytes).map_err(|error| PriceError::Token(error.to_string()))?;
        bytes.extend(signature);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        match text.len() {
            letters if letters > LONGEST => {
                Err(PriceError::TokenTooLong { units: quote.units.len(), letters, most: LONGEST })
            }
            _ => Ok(format!("{TOKEN_PREFIX}{text}")),
        }
    }

    /// The quote a token promises to this merchant, held against the price book where the token is a page's.
    ///
    /// # Errors
    /// [`TokenNotTaken`].
    pub async fn accept_token(&self, merchant: MerchantId, text: &str) -> Result<Quote, TokenNotTaken> {
        let promised = self.read_token(merchant, text)?;
        let now = self.clock.now();
        // An expired one is refused as such, where the payment is made.
        if promised.token == Some(promised.id) || now > promised.expires_at {
            return Ok(promised);
        }
        let skus = promised.units.iter().filter_map(|unit| unit.sku.as_ref());
        let book = self.book_of(merchant, skus.map(|sku| sku.as_str())).await?;
        match promised.is_in(&book, now) {
            true => Ok(promised),
            false => Err(TokenNotTaken::PriceChanged { promised: Box::new(promised) }),
        }
    }

    /// The quote a token promises to this merchant, not stored yet: its own, or one under a new id where the token is
    /// reusable.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn read_token(&self, merchant: MerchantId, text: &str) -> Result<Quote, TokenRefused> {
        let claims = self.claims(text).ok_or(TokenRefused::Invalid)?;
        if claims.merchant != merchant {
            return Err(TokenRefused::OtherMerchant);
        }
        let id = if claims.reusable { self.ids.mint() } else { claims.id };
        claims.quote(id).ok_or(TokenRefused::Invalid)
    }

    fn claims(&self, text: &str) -> Option<Claims> {
        let letters = text.strip_prefix(TOKEN_PREFIX).filter(|letters| letters.len() <= LONGEST)?;
        let bytes = URL_SAFE_NO_PAD.decode(letters).ok()?;
        let (signed, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        let (id, claims) = match signed.split_first() {
            Some((&VERSION, rest)) => rest.split_at_checked(SIGNING_KEY_ID)?,
            _ => return None,
        };
        if !self.signer.verifies(id, signed, signature) {
            return None;
        }
        serde_json::from_slice(claims).ok()
    }
}
