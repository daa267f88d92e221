//! The sources of `fx-providers` by their names in the settings: one line each.

use std::sync::Arc;

use fx_providers::RateSource;
use fx_providers::ecb::{self, Ecb};
use fx_providers::http::Patience;

use super::RatesError;
use crate::domain::fx::{FxSettings, SourceName};

/// The configured live sources, in their order, each once.
///
/// # Errors
/// [`RatesError::NoKey`].
pub(super) fn sources(settings: &FxSettings) -> Result<Vec<Arc<dyn RateSource>>, RatesError> {
    let mut names: Vec<SourceName> = Vec::new();
    for name in settings.sources.iter().copied() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().filter_map(|name| source(name, settings).transpose()).collect()
}

fn source(name: SourceName, settings: &FxSettings) -> Result<Option<Arc<dyn RateSource>>, RatesError> {
    let mirror = settings.base_urls.get(&name).map(String::as_str);
    let at = |own: &'static str| mirror.unwrap_or(own);
    Ok(Some(match name {
        SourceName::Bundled => return Ok(None),
        SourceName::Ecb => Arc::new(Ecb::at(at(ecb::ORIGIN), Patience::default())),
    }))
}
