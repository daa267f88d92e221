//! `config check` and `openapi`: what is in force, without starting anything.

use crate::http::document;
use crate::settings::{Layers, Mode, Settings};

use super::output::{say, unless_unread};
use super::{CliError, Outcome};

/// Prints every setting with its origin, then whether they make sense together.
///
/// # Errors
/// [`CliError::Settings`] with the key at fault.
pub fn check(layers: &Layers) -> Result<Outcome, CliError> {
    let mut rows = layers.rows();
    unless_unread(rows.try_for_each(|(key, value, origin)| say!("{key} = {value}  # {origin}")))?;
    Settings::from_layers(layers)?;
    Ok(Outcome::Done)
}

/// Prints the OpenAPI document.
///
/// # Errors
/// [`CliError::Words`].
pub fn openapi(settings: &Settings) -> Result<Outcome, CliError> {
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    let text = document(&url, settings.mode == Mode::Sandbox).to_pretty_json();
    let text = text.map_err(|error| CliError::Words(error.to_string()))?;
    say!("{text}")?;
    Ok(Outcome::Done)
}
