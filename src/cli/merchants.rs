//! `merchant add`: how a live database gets its first merchant, and anybody's database another one.

use chrono_tz::Tz;
use clap::Args;
use secrecy::ExposeSecret;

use crate::app::{Sources, open_store, open_vault, prepare_folder};
use crate::domain::merchants::{Recognise, Role};
use crate::flows::onboard::{NewMerchant, Onboarding};
use crate::http::problem::Answer;
use crate::http::wire;
use crate::settings::Settings;

use super::output::once;
use super::{CliError, Outcome};

/// A merchant to be made.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// Its name
    #[arg(long)]
    name: String,
    /// The zone of its business days
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: Tz,
    /// Whether it sells for others or for itself: agent or principal
    #[arg(long, value_name = "ROLE", default_value = "agent", value_parser = word::<Role>)]
    role: Role,
    /// When commission counts as earned: capture or delivered
    #[arg(long, value_name = "WHEN", default_value = "capture", value_parser = word::<Recognise>)]
    recognise: Recognise,
    /// The country of its taxes, ISO 3166
    #[arg(long, value_name = "COUNTRY", default_value = "SG")]
    tax_jurisdiction: String,
    /// Its number with the tax office, for its statements
    #[arg(long, value_name = "NUMBER")]
    tax_number: Option<String>,
    /// Origin of its shop, to which shoppers may be sent back; may be repeated
    #[arg(long, value_name = "https://…")]
    return_origin: Vec<String>,
    /// The name of its first user, who gets the admin key
    #[arg(long, default_value = "admin")]
    user: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Makes the merchant; the key's text is printed here and is nowhere else.
///
/// # Errors
/// [`CliError`] in words; nothing was made.
pub async fn add(settings: Settings, given: AddArguments) -> Result<Outcome, CliError> {
    let json = given.json;
    let new = read(given).map_err(|problem| CliError::Words(problem.to_string()))?;
    let Sources { clock, ids } = Sources::system();
    prepare_folder(&settings.data_dir)?;
    let vault = open_vault(&settings, &ids)?;
    let store = open_store(&settings, &clock, &ids).await?;
    let founded = Onboarding { store: store.clone(), clock, ids, vault }.found(new).await;
    store.close().await;
    let founded = founded.map_err(|error| CliError::Words(error.to_string()))?;
    let (merchant, user, key) = (founded.merchant.id, founded.key.user, founded.text.expose_secret());
    let written = if json {
        once(serde_json::json!({"merchant": merchant, "user": user, "key": key}))
    } else {
        once(format_args!(
            "merchant   {merchant}\nuser       {user}\nadmin key  {key}\n\n\
             The key is shown this once. It makes every other key, with POST /v1/keys."
        ))
    };
    // Nobody saw the key: the merchant stands, and has none that works.
    written.map_err(|error| CliError::Words(format!("the key could not be shown: {error}")))?;
    Ok(Outcome::Done)
}

/// One of a type's own words; the error names them.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn read(given: AddArguments) -> Answer<NewMerchant> {
    let origins = given.return_origin.into_iter().map(|origin| wire::origin("--return-origin", origin));
    Ok(NewMerchant {
        name: wire::label("--name", given.name)?,
        role: given.role,
        recognise: given.recognise,
        zone: given.zone,
        tax_jurisdiction: wire::country("--tax-jurisdiction", given.tax_jurisdiction)?,
        tax_number: given.tax_number.map(|number| wire::tax_number("--tax-number", number)).transpose()?,
        return_origins: origins.collect::<Answer<_>>()?,
        admin: wire::label("--user", given.user)?,
    })
}
