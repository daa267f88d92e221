//! Holds, papers, reserves: each change of a supplier's terms is one user's and stands in the audit trail.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::payouts::{FeeBearer, Hold, HoldCode, Known, PayoutTerms, Reserve, SetOffConsent};
use crate::domain::withholding::SupplierClass;
use crate::ids::{MerchantId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money, Percent};
use crate::store::Change;

use super::edit::Edit;
use super::plan::bounded;
use super::{PayOutError, PayingOut};

/// What is changed; what is left out stays, `null` empties what can be empty.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsInput {
    /// All holds from now on; an empty list or `null` lifts them.
    #[schema(max_items = 50, value_type = Option<Vec<HoldInput>>)]
    #[serde(default)]
    pub holds: Edit<Vec<HoldInput>>,
    /// Whether its papers were looked at and found in order; `null`: they were not.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pub known: Edit<bool>,
    /// When the papers lapse, beside `known`; `null`: never.
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    pub known_until: Edit<DateTime<Utc>>,
    /// What is kept back of each release; zero percent ends it, what is kept stays until its day.
    #[schema(value_type = Option<Reserve>)]
    #[serde(default)]
    pub reserve: Edit<Reserve>,
    /// The most of a cycle's balance that goes to debts, in percent.
    #[schema(value_type = Option<Percent>)]
    #[serde(default)]
    pub debt_cap: Edit<Percent>,
    /// The supplier's word that its debts are set against balances in other currencies too; `null` takes it back.
    #[schema(value_type = Option<SetOffInput>)]
    #[serde(default)]
    pub set_off: Edit<SetOffInput>,
    /// Over this rail account only.
    #[schema(value_type = Option<RailAccountId>)]
    #[serde(default)]
    pub rail_account: Edit<RailAccountId>,
    /// Who bears the rail's fee.
    #[schema(value_type = Option<FeeBearer>)]
    #[serde(default)]
    pub fee_bearer: Edit<FeeBearer>,
    /// Less than this waits for a later plan, by currency; an empty list or `null`: nothing waits.
    #[schema(max_items = 50, value_type = Option<Vec<Money>>)]
    #[serde(default)]
    pub minimum: Edit<Vec<Money>>,
    /// The contract's payment term in days, from the day on which the oldest money still available to it in a currency became
    /// so; `null`: none. A plan may let it wait for what is released later, within this term only, and says where it is missed.
    #[schema(minimum = 1, maximum = 365, value_type = Option<u16>)]
    #[serde(default)]
    pub payment_term_days: Edit<u16>,
    /// ISO 20022 purpose, or the rail's own code.
    #[schema(min_length = 1, max_length = 35, value_type = Option<String>)]
    #[serde(default)]
    pub purpose: Edit<String>,
    /// What it is to its tax office, by its papers; rules of withholding tell by it whom they mean.
    #[schema(value_type = Option<SupplierClass>)]
    #[serde(default)]
    pub tax_class: Edit<SupplierClass>,
    /// Town of its address.
    #[schema(min_length = 1, max_length = 35, value_type = Option<String>)]
    #[serde(default)]
    pub town: Edit<String>,
}

/// A hold to be placed.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldInput {
    /// Why.
    pub code: HoldCode,
    /// Of one currency; without it of all.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// In words, for the office.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub note: String,
}

/// A supplier's word about setting its debts against balances in other currencies.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetOffInput {
    /// Where that stands: a contract's clause, a letter.
    #[schema(min_length = 1, max_length = 200)]
    pub note: String,
}

impl PayingOut {
    /// A supplier's terms.
    ///
    /// # Errors
    /// [`PayOutError::Unknown`].
    pub async fn terms(
        &self,
        merchant: MerchantId,
        supplier: SupplierId,
    ) -> Result<PayoutTerms, PayOutError> {
        self.known_supplier(merchant, supplier).await?;
        Ok(self.0.store.payout_terms(supplier).await?.map(|row| row.value).unwrap_or_default())
    }

    /// Changes a supplier's terms, with `extra`.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn set_terms(
        &self,
        merchant: MerchantId,
        user: UserId,
        supplier: SupplierId,
        input: &TermsInput,
        extra: Change,
    ) -> Result<PayoutTerms, PayOutError> {
        self.known_supplier(merchant, supplier).await?;
        let before = self.0.store.payout_terms(supplier).await?;
        let (now, version) = (self.0.clock.now(), before.as_ref().map(|row| row.version));
        let mut terms = before.map(|row| row.value).unwrap_or_default();
        let refused = |param, why: &str| PayOutError::Refused { param, why: why.to_owned() };
        if let Some(holds) = input.holds.set()
            && (holds.len() > 50 || holds.iter().any(|hold| hold.note.chars().count() > 200))
        {
            return Err(refused("holds", "at most 50 holds, each with a note of at most 200 letters"));
        }
        bounded(None, None, input.minimum.set().map_or(&[][..], Vec::as_slice))?;
        let town = |town: &String| (1..=35).contains(&town.trim().chars().count());
        if !input.town.set().is_none_or(town) {
            return Err(refused("town", "a town has 1 to 35 letters; `null` leaves it out"));
        }
        let coded = |purpose: &String| {
            (1..=35).contains(&purpose.len()) && purpose.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !input.purpose.set().is_none_or(coded) {
            let why =
                "a purpose is the code of ISO 20022 or of the rail: 1 to 35 letters and digits".to_owned();
            return Err(PayOutError::Refused { param: "purpose", why });
        }
        if input.known_until.set().is_some_and(|until| input.known != Edit::Set(true) || *until <= now) {
            let why = "`known_until` is a moment to come, beside `known`: true".to_owned();
            return Err(PayOutError::Refused { param: "known_until", why });
        }
        let lapsed = terms.known.as_ref().and_then(|known| known.until).is_some_and(|until| until <= now);
        if lapsed && (input.known, input.known_until) == (Edit::Kept, Edit::Cleared) {
            let why = "the papers have lapsed: whoever has seen others says `known`: true".to_owned();
            return Err(PayOutError::Refused { param: "known_until", why });
        }
        match &input.holds {
            Edit::Kept => {}
            Edit::Cleared => terms.holds = vec![],
            Edit::Set(holds) => terms.holds = placed(&terms.holds, holds, user, now),
        }
        let until = input.known_until.set().copied();
        terms.known = match (input.known, input.known_until) {
            (Edit::Set(true), _) => Some(Known { by: user, at: now, until }),
            (Edit::Set(false) | Edit::Cleared, _) => None,
            (Edit::Kept, Edit::Cleared) if terms.known.is_some() => {
                Some(Known { by: user, at: now, until: None })
            }
            (Edit::Kept, _) => terms.known,
        };
        if let Some(reserve) = input.reserve.set()
            && (reserve.days == 0 || reserve.days > 730 || reserve.percent.fraction() > 1.into())
        {
            let why = "a reserve is at most 100 percent, for 1 to 730 days".to_owned();
            return Err(PayOutError::Refused { param: "reserve", why });
        }
        if input.debt_cap.set().is_some_and(|cap| cap.fraction() > 1.into()) {
            let why = "a cap is at most 100 percent".to_owned();
            return Err(PayOutError::Refused { param: "debt_cap", why });
        }
        if input.payment_term_days.set().is_some_and(|days| !(1..=365).contains(days)) {
            return Err(refused(
                "payment_term_days",
                "a payment term is 1 to 365 days; `null` leaves it out",
            ));
        }
        if let Some(SetOffInput { note }) = input.set_off.set()
            && !(1..=200).contains(&note.trim().chars().count())
        {
            let why = "say in at most 200 letters where the supplier's consent stands".to_owned();
            return Err(PayOutError::Refused { param: "set_off.note", why });
        }
        if let Some(rail) = input.rail_account.set()
            && self.0.store.rail_account(merchant, *rail).await?.is_none()
        {
            return Err(PayOutError::Unknown("rail account"));
        }
        let reserve = input.reserve.over(terms.reserve);
        terms.reserve = reserve.filter(|reserve| !reserve.percent.fraction().is_zero());
        terms.debt_cap = input.debt_cap.over(terms.debt_cap);
        terms.rail = input.rail_account.over(terms.rail);
        terms.bearer = input.fee_bearer.over(terms.bearer);
        terms.minimum = input.minimum.clone().over(Some(terms.minimum)).unwrap_or_default();
        terms.set_off = match &input.set_off {
            Edit::Kept => terms.set_off,
            Edit::Cleared => None,
            Edit::Set(SetOffInput { note }) => {
                Some(SetOffConsent { by: user, at: now, note: note.trim().to_owned() })
            }
        };
        terms.payment_term_days = input.payment_term_days.over(terms.payment_term_days);
        terms.purpose = input.purpose.clone().over(terms.purpose);
        terms.tax_class = input.tax_class.over(terms.tax_class);
        terms.town = input.town.clone().over(terms.town).map(|town| town.trim().to_owned());
        let mut change = extra;
        change.set_payout_terms(merchant, supplier, &terms, version, now);
        self.0.store.commit(change).await?;
        Ok(terms)
    }

    async fn known_supplier(&self, merchant: MerchantId, id: SupplierId) -> Result<(), PayOutError> {
        let found = self.0.store.supplier(merchant, id).await?;
        found.map(|_| ()).ok_or(PayOutError::Unknown("supplier"))
    }
}

/// Holds as they are from now on: those that stay keep who placed them, and when.
fn placed(before: &[Hold], wanted: &[HoldInput], by: UserId, at: DateTime<Utc>) -> Vec<Hold> {
    let hold = |input: &HoldInput| {
        let same = |hold: &&Hold| hold.code == input.code && hold.currency == input.currency;
        let kept = before.iter().find(same).cloned();
        let (code, currency, note) = (input.code, input.currency, input.note.clone());
        kept.unwrap_or(Hold { code, currency, note, by, at })
    };
    wanted.iter().map(hold).collect()
}
