//! GrabPay, One-Time Charge v2.
//!
//! The shopper consents at Grab; that takes no money. `complete_payment` does, with a token bought for the one-time
//! code that came back with the shopper. Where the shopper's way back was lost, Grab's status gives the code again, so
//! a consent is never wasted. The fee is a matter of contract and stands in no answer.
//!
//! | room | what |
//! |---|---|
//! | `charge` | init, status, complete; an answer read as a report |
//! | `token` | one-time code → bearer token; the lost way back |
//! | `refunds` | refund and asking about one |
//! | `api` | the two ways of calling: signed with the partner's secret, or bearer with proof of possession |
//! | `webhooks`, `sign` | is a notice genuine |
//! | `bill` | the settlement report, by the columns the account names |
//! | `wire`, `amount`, `status`, `errors`, `secrets` | Grab's names, decimals, states, reasons; what we keep sealed |
//!
//! Sources: grab/grabpay-merchant-sdk @ 9c7f508 (hosts, signing, paths, enums; its vectors are tested in `sign`) and a
//! public digest of the developer pages (limits, states, webhook). Unverified, therefore read tolerantly: the refund
//! answers' members; whether a status names amount, currency and merchant (used where it does).
//!
//! Conformance cases left out: a stale token renewed (queries are signed, and a token is bought with the shopper's
//! consent only); precision refused (Grab's decimals are those of ISO 4217 in every currency it takes).

mod amount;
mod api;
mod bill;
mod charge;
mod errors;
mod refunds;
mod secrets;
mod sign;
pub mod status;
mod token;
mod webhooks;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use super::{
    About, AccountSettings, Bills, BuildError, Completed, Context, Descriptor, Gateway, GatewayError,
    GatewaySecrets, Notification, NotificationError, PaymentRequest, PaymentSession, RawNotification,
    Refunds, Reply, ReturnParameters, Trust, Unchargeable, precision,
};
use crate::domain::orders::PaymentReport;
use crate::ids::IdSource;
use crate::money::{Currency, Money};

/// What GrabPay is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "grabpay",
    title: "GrabPay",
    api: "One-Time Charge v2",
    live_base_url: "https://partner-api.grab.com",
    takes_payments: true,
    payout_rail: None,
    fee_known_at_capture: false,
    poll_pace_s: 120,
    session_life_s: 20 * 60,
    build,
};

/// From init to the shopper's consent.
const CONSENT_LIFE: TimeDelta = TimeDelta::minutes(20);

/// One merchant's GrabPay account, in one country.
#[derive(Debug)]
struct GrabPay {
    account: String,
    country: Country,
    client_id: String,
    merchant_id: String,
    taken: Vec<(Currency, u32)>,
    api: api::Api,
    door: webhooks::Door,
    ids: IdSource,
    /// How its settlement report is written.
    columns: bill::Columns,
    /// Where that is fetched, with `{day}` in it.
    report_url: Option<String>,
    bill_zone: chrono_tz::Tz,
}

/// The countries of the partner API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Country {
    Singapore,
    Malaysia,
    Philippines,
    Thailand,
    Indonesia,
    Vietnam,
}

impl Country {
    fn find(code: &str) -> Option<Country> {
        Some(match code {
            "SG" => Country::Singapore,
            "MY" => Country::Malaysia,
            "PH" => Country::Philippines,
            "TH" => Country::Thailand,
            "ID" => Country::Indonesia,
            "VN" => Country::Vietnam,
            _ => return None,
        })
    }

    fn code(self) -> &'static str {
        match self {
            Country::Singapore => "SG",
            Country::Malaysia => "MY",
            Country::Philippines => "PH",
            Country::Thailand => "TH",
            Country::Indonesia => "ID",
            Country::Vietnam => "VN",
        }
    }

    /// Vietnam is served by Moca under its own prefix.
    fn prefix(self) -> &'static str {
        if self == Country::Vietnam { "/mocapay/partner/v2" } else { "/grabpay/partner/v2" }
    }

    fn scope(self) -> &'static str {
        if self == Country::Vietnam { "payment.vn.one_time_charge" } else { "openid payment.one_time_charge" }
    }

    /// The zone of its settlement report's days.
    fn zone(self) -> chrono_tz::Tz {
        use chrono_tz::Tz;
        match self {
            Country::Singapore => Tz::Asia__Singapore,
            Country::Malaysia => Tz::Asia__Kuala_Lumpur,
            Country::Philippines => Tz::Asia__Manila,
            Country::Thailand => Tz::Asia__Bangkok,
            Country::Indonesia => Tz::Asia__Jakarta,
            Country::Vietnam => Tz::Asia__Ho_Chi_Minh,
        }
    }

    /// How long after the charge a refund is taken.
    fn refund_window(self) -> TimeDelta {
        TimeDelta::days(if self == Country::Thailand { 180 } else { 365 })
    }
}

fn build(account: &AccountSettings, context: &Context) -> Result<Arc<dyn Gateway>, BuildError> {
    let country = Country::find(&account.text("country")?)
        .ok_or_else(|| account.wrong("country", "must be one of SG, MY, PH, TH, ID, VN"))?;
    let partner_id = account.text("partner_id")?;
    let base_url = account.base_url(&context.trust)?;
    let columns: Option<bill::Columns> = account.table("report")?;
    let columns = columns.unwrap_or_default();
    if !columns.delimiter.is_ascii() || matches!(columns.delimiter, '"' | '\n' | '\r') {
        return Err(account.wrong("report", "has a `delimiter` that is no plain character such as \"|\""));
    }
    // Our own far side serves its report; where Grab's lies is a matter of contract.
    let rehearsal = matches!(context.trust, Trust::StraitsSandbox { .. });
    let report_url = match account.optional("report_url")? {
        Some(address) if rehearsal || address.starts_with("https://") => Some(address),
        Some(_) => return Err(account.wrong("report_url", "must be https")),
        None => rehearsal.then(|| format!("{base_url}/reports/settlement/{{day}}")),
    };
    let partner_secrets = account.secret("partner_secret")?;
    let api = api::Api::new(
        context,
        base_url,
        (partner_id.clone(), partner_secrets.clone()),
        account.secret("client_secret")?,
    )
    .ok_or_else(|| account.wrong("partner_secret", "and `client_secret` must not be empty"))?;
    Ok(Arc::new(GrabPay {
        account: account.name.clone(),
        country,
        client_id: account.text("client_id")?,
        merchant_id: account.text("merchant_id")?,
        taken: precision::taken(amount::DECIMALS, account.currencies("currencies")?.as_deref()),
        api,
        door: webhooks::Door::new(partner_id, partner_secrets),
        ids: context.ids.clone(),
        columns,
        report_url,
        bill_zone: account.zone("bill_zone")?.unwrap_or_else(|| country.zone()),
    }))
}

#[async_trait]
impl Gateway for GrabPay {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn check_amount(&self, amount: Money) -> Result<(), Unchargeable> {
        precision::check(DESCRIPTOR.name, &self.taken, amount)
    }

    fn currencies(&self) -> Vec<Currency> {
        self.taken.iter().map(|(currency, _)| *currency).collect()
    }

    fn step(&self, currency: Currency) -> Option<i64> {
        precision::step(&self.taken, currency)
    }

    async fn create_payment(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        self.init(request).await
    }

    async fn session_again(&self, request: &PaymentRequest) -> Result<Option<PaymentSession>, GatewayError> {
        self.init_again(request).await
    }

    async fn query_payment(
        &self,
        request: &PaymentRequest,
        _secrets: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        self.look_up(request).await
    }

    fn accept_return(
        &self,
        _request: &PaymentRequest,
        secrets: &GatewaySecrets,
        parameters: &ReturnParameters,
    ) -> Result<Option<GatewaySecrets>, NotificationError> {
        let kept =
            secrets::Kept::open(secrets).map_err(|error| NotificationError::Malformed(error.to_string()))?;
        if !parameters.get("state").is_some_and(|state| sign::same(state, &kept.state)) {
            return Err(NotificationError::Forged("the returned state is not this payment's".into()));
        }
        match (parameters.get("code"), parameters.get("error")) {
            (Some(code), None) => Ok(Some(kept.with_code(code).seal())),
            (None, Some(error)) => {
                tracing::info!(error = %error.escape_debug(), "the shopper came back from GrabPay without consent");
                Ok(None)
            }
            _ => Err(NotificationError::Malformed("neither a code nor an error came back".into())),
        }
    }

    fn return_ref(&self, parameters: &ReturnParameters) -> Option<About> {
        let (reference, _) = parameters.get("state")?.split_once('.')?;
        wire::is_partner_ref(reference)
            .then(|| About::Payment { request_ref: Some(reference.to_owned()), gateway_ref: None })
    }

    async fn prepare_completion(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Option<GatewaySecrets>, GatewayError> {
        self.earn_token(request, secrets).await
    }

    async fn complete_payment(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<Completed, GatewayError> {
        let earned = self.earn_token(request, secrets).await?;
        let report = self.complete(request, earned.as_ref().unwrap_or(secrets)).await?;
        Ok(Completed { report, secrets: earned })
    }

    async fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        self.door.verify(raw)
    }

    fn reply(&self, accepted: bool) -> Reply {
        let status = if accepted { 200 } else { 401 };
        Reply { status, content_type: "application/json", body: "{}".into() }
    }

    fn refunds(&self) -> Option<&dyn Refunds> {
        Some(self)
    }

    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }
}
