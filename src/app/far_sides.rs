//! The far sides of a sandbox, and the seeded merchants made known to them.

use crate::clock::Clock;
use crate::ids::IdSource;
use crate::money::{BasisPoints, Currency, Money, Rate};
use crate::rates::shipped_into;
use crate::sandbox::{
    GrabPayPartner, PayPalApp, PayPalFee, PayPalPayoutFee, Sandbox, SandboxOptions, XenditBusiness,
};
use crate::settings::Settings;

use super::{AppError, Seeded};

/// Opens them in the data folder.
///
/// # Errors
/// [`AppError::Sandbox`].
pub(super) async fn open_sandbox(
    settings: &Settings,
    clock: &Clock,
    ids: &IdSource,
    public_url: &str,
) -> Result<Sandbox, AppError> {
    let public_url = url::Url::parse(public_url).map_err(|error| AppError::Broken(error.to_string()))?;
    let file = settings.data_dir.join("sandbox.db");
    let options = SandboxOptions { file, clock: clock.clone(), ids: ids.clone(), public_url };
    Ok(Sandbox::open(options).await?)
}

/// Makes the seeded merchants known at the far sides, and our addresses with them. The default merchant's PayPal account holds
/// what the settings say, and converts the rest at capture.
pub(super) async fn provision(
    settings: &Settings,
    sandbox: &Sandbox,
    seeded: &Seeded,
    public_url: &str,
) -> Result<(), AppError> {
    let held = held(settings);
    let address = |path: &str| {
        url::Url::parse(&format!("{public_url}{path}")).map_err(|error| AppError::Broken(error.to_string()))
    };
    for identity in [&seeded.default, &seeded.other] {
        let text = |gateway: &str, key: &str| {
            identity.gateways.get(gateway).and_then(|client| client.get(key)).cloned().unwrap_or_default()
        };
        let is_default = std::ptr::eq(identity, &seeded.default);
        let holds = if is_default { held.clone() } else { vec![] };
        let rates = match holds.first() {
            Some(first) => paypal_rates(*first)?,
            None => vec![],
        };
        let paypal = PayPalApp {
            client_id: text("paypal", "client_id"),
            client_secret: text("paypal", "client_secret").into(),
            webhook_id: text("paypal", "webhook_id"),
            webhook_url: Some(address("/v1/notifications/paypal")?),
            merchant_id: text("paypal", "merchant_id"),
            fee: PayPalFee::default(),
            payout_fee: PayPalPayoutFee::default(),
            holds,
            rates,
        };
        sandbox.provision_paypal(&paypal).await?;
        let currencies = ["SGD", "MYR", "PHP", "THB", "IDR"].iter().filter_map(|code| code.parse().ok());
        let grabpay = GrabPayPartner {
            partner_id: text("grabpay", "partner_id"),
            partner_secret: text("grabpay", "partner_secret").into(),
            client_id: text("grabpay", "client_id"),
            client_secret: text("grabpay", "client_secret").into(),
            merchant_id: text("grabpay", "merchant_id"),
            country: "SG".to_owned(),
            currencies: currencies.collect(),
            webhook_url: Some(address("/v1/notifications/grabpay")?),
            redirect_prefixes: vec![address("/v1/returns/grabpay")?],
            // The percentage that the bundled schedules accrue; the far side charges no tax on it.
            merchant_discount: crate::money::Percent::try_new(rust_decimal::Decimal::new(18, 1))
                .unwrap_or_default(),
        };
        sandbox.provision_grabpay(&grabpay).await?;
        // A folder from before there was Xendit has no account there.
        if identity.gateways.contains_key("xendit") {
            let xendit = XenditBusiness {
                business_id: text("xendit", "business_id"),
                secret_key: text("xendit", "secret_key").into(),
                callback_token: text("xendit", "callback_token").into(),
                webhook_url: Some(address("/v1/notifications/xendit")?),
                fees: xendit_fees(),
            };
            sandbox.provision_xendit(&xendit).await?;
        }
    }
    Ok(())
}

/// `gateways.paypal.holds`; what is no currency is refused where the account is opened.
fn held(settings: &Settings) -> Vec<Currency> {
    let holds = settings.gateways.get("paypal").and_then(|section| section.public.get("holds"));
    let codes = holds.and_then(serde_json::Value::as_array).into_iter().flatten();
    codes.filter_map(|code| code.as_str()?.parse().ok()).collect()
}

/// PayPal's own rates into the currency an account holds: the shipped mids, and its spread of 3.5 % inside.
fn paypal_rates(to: Currency) -> Result<Vec<Rate>, AppError> {
    let mids = shipped_into(to).map_err(|error| AppError::Broken(error.to_string()))?;
    let own = |mid: Rate| mid.with_markup(BasisPoints(-350));
    mids.into_iter().map(own).collect::<Result<_, _>>().map_err(|error| AppError::Broken(error.to_string()))
}

/// The prices of the bundled routes: what the far side takes is what a plan expects.
fn xendit_fees() -> Vec<Money> {
    let fees = [("IDR", 550_000), ("PHP", 1_000)].into_iter();
    fees.filter_map(|(code, minor)| Some(Money::from_minor(minor, code.parse().ok()?))).collect()
}
