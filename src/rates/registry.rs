//! The configured sources, opened by their names from the catalogue of `fx-providers`.

use std::sync::Arc;
use std::time::Duration;

use fx_providers::catalog::{self, Setup};
use fx_providers::{Code, Key, RateSource};

use super::RatesError;
use crate::domain::fx::{FxSettings, SourceName};

/// The configured live sources, in their order, each once. Calls nobody.
///
/// # Errors
/// [`RatesError::Setup`]: a key or a file that is missing, a setting that a source does not take.
pub(super) fn sources(settings: &FxSettings) -> Result<Vec<Arc<dyn RateSource>>, RatesError> {
    let mut names: Vec<SourceName> = Vec::new();
    for name in settings.sources.iter().copied().filter(|name| *name != SourceName::Bundled) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| source(name, settings)).collect()
}

fn source(name: SourceName, settings: &FxSettings) -> Result<Arc<dyn RateSource>, RatesError> {
    let minutes = settings.pace_minutes.get(&name).copied().filter(|minutes| *minutes > 0);
    let setup = Setup {
        origin: settings.base_urls.get(&name).cloned(),
        key: settings.keys.get(&name).map(|key| Key::new(key.expose())),
        base: settings.bases.get(&name).and_then(|base| Code::parse(base.code()).ok()),
        every: minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes))),
        path: settings.rates_file.clone().filter(|_| name == SourceName::File),
        ..Setup::default()
    };
    catalog::open(name.as_str(), &setup)
        .map_err(|error| RatesError::Setup { name: name.as_str(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_the_catalogue_has_its_name_here_and_opens_with_what_it_needs() {
        let ours: Vec<&str> =
            SourceName::ALL.iter().map(|name| name.as_str()).filter(|name| *name != "bundled").collect();
        let theirs: Vec<&str> = catalog::ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(ours, theirs);
        for entry in catalog::ALL {
            let written = entry.name.replace('-', "_");
            let bare =
                FxSettings { sources: vec![SourceName::find(&written).unwrap()], ..FxSettings::default() };
            let needs = entry.takes.key || entry.takes.path;
            assert_eq!(sources(&bare).is_err(), needs, "{}", entry.name);
            let text = format!(
                "sources = \"{0},{0}\"\nrates_file = \"rates.csv\"\n[keys]\n{1}",
                entry.name,
                if entry.takes.key { format!("{written} = \"k-1\"") } else { String::new() }
            );
            let settings: FxSettings = toml::from_str(&text).unwrap();
            let opened = sources(&settings).unwrap();
            assert_eq!((opened.len(), opened[0].name()), (1, entry.name));
            assert!(!format!("{settings:?} {opened:?}").contains("k-1"), "{}", entry.name);
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        let settings: FxSettings = toml::from_str("sources = \"fixer\"").unwrap();
        let error = sources(&settings).unwrap_err().to_string();
        assert!(error.contains("fixer needs a key") && error.contains("fx.sources"), "{error}");
    }
}
