//! Holds, papers, reserves: each change of a supplier's terms is one user's and stands in the audit trail.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::payouts::{FeeBearer, Hold, HoldCode, Known, PayoutTerms, Reserve, SetOffConsent};
use crate::domain::withholding::SupplierClass;
use crate::ids::{MerchantId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money, Percent};
use crate::store::Change;

use super::edit::Edit;
use super::{PayOutError, PayingOut};

/// What is changed; what is left out stays, `null` empties what can be empty.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsInput {
    /// All holds from now on; an empty list lifts them.
    #[serde(default)]
    pub holds: Option<Vec<HoldInput>>,
    /// Whether its papers were looked at and found in order.
    #[serde(default)]
    pub known: Option<bool>,
    /// When the papers lapse.
    #[serde(default)]
    pub known_until: Option<DateTime<Utc>>,
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
    /// Less than this waits for a later plan, by currency.
    #[serde(default)]
    pub minimum: Option<Vec<Money>>,
    /// ISO 20022 purpose, or the rail's own code.
    #[schema(max_length = 35, value_type = Option<String>)]
    #[serde(default)]
    pub purpose: Edit<String>,
    /// What it is to its tax office, by its papers; rules of withholding tell by it whom they mean.
    #[schema(value_type = Option<SupplierClass>)]
    #[serde(default)]
    pub tax_class: Edit<SupplierClass>,
    /// Town of its address.
    #[schema(max_length = 35, value_type = Option<String>)]
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
        let long =
            |text: &Edit<String>, most: usize| text.set().is_some_and(|text| text.chars().count() > most);
        let notes = input.holds.iter().flatten().any(|hold| hold.note.chars().count() > 200);
        let many = |count: Option<usize>| count.is_some_and(|count| count > 50);
        let (holds, minimums) = (input.holds.as_ref().map(Vec::len), input.minimum.as_ref().map(Vec::len));
        if long(&input.purpose, 35) || long(&input.town, 35) || notes || many(holds) || many(minimums) {
            let why = "a purpose or town has at most 35 letters, a note 200, a list 50 rows".to_owned();
            return Err(PayOutError::Refused { param: "holds", why });
        }
        let coded = |purpose: &String| {
            !purpose.is_empty() && purpose.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !input.purpose.set().is_none_or(coded) {
            let why = "a purpose is the code of ISO 20022 or of the rail: letters and digits".to_owned();
            return Err(PayOutError::Refused { param: "purpose", why });
        }
        if input.known_until.is_some_and(|until| input.known != Some(true) || until <= now) {
            let why = "`known_until` is a moment to come, beside `known`: true".to_owned();
            return Err(PayOutError::Refused { param: "known_until", why });
        }
        if let Some(holds) = &input.holds {
            terms.holds = placed(&terms.holds, holds, user, now);
        }
        match input.known {
            Some(true) => terms.known = Some(Known { by: user, at: now, until: input.known_until }),
            Some(false) => terms.known = None,
            None => {}
        }
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
        terms.minimum = input.minimum.clone().unwrap_or(terms.minimum);
        terms.set_off = match &input.set_off {
            Edit::Kept => terms.set_off,
            Edit::Cleared => None,
            Edit::Set(SetOffInput { note }) => {
                Some(SetOffConsent { by: user, at: now, note: note.trim().to_owned() })
            }
        };
        terms.purpose = input.purpose.clone().over(terms.purpose);
        terms.tax_class = input.tax_class.over(terms.tax_class);
        terms.town = input.town.clone().over(terms.town);
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
