//! The sections about where a request comes from: `[geo]`, and the proxies of `[server]`.

use std::path::PathBuf;
use std::time::Duration;

use super::network::is_header_name;
use super::{ClientHeader, Mode, Network, Reader, SettingsError};

/// Countries of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoSettings {
    /// The operator's own MaxMind file; `None`: the one compiled in.
    pub database: Option<PathBuf>,
    /// The operator's list of blocks whose addresses tell nothing about their users; `None`: none is used.
    pub vpn_ranges: Option<PathBuf>,
    /// How often these files are looked at for a change.
    pub look: Duration,
    /// The largest file that is read, bytes.
    pub bytes_max: u64,
    /// Countries that a file must know to be used.
    pub least_countries: usize,
    /// Whether a file built before the one in use may take its place.
    pub accept_older: bool,
    /// Whether the country of an anonymous or anycast address is believed.
    pub believe_anonymous: bool,
    /// The header in which an edge names the country, in lower case; `None`: none is read.
    pub country_header: Option<String>,
}

impl Reader<'_> {
    pub(super) fn geo(&self, mode: Mode) -> Result<GeoSettings, SettingsError> {
        let seconds = self.number("geo.look_seconds", 1, 86_400)?;
        let file = |key| Some(self.text(key)).filter(|text| !text.is_empty()).map(PathBuf::from);
        Ok(GeoSettings {
            database: file("geo.database"),
            vpn_ranges: file("geo.vpn_ranges"),
            look: Duration::from_secs(seconds),
            least_countries: self.number("geo.least_countries", 1, 250)?,
            bytes_max: self.number::<u64>("geo.max_mib", 1, 4_096)? << 20,
            accept_older: self.word("geo.older_file", &[("refuse", false), ("accept", true)])?,
            believe_anonymous: self.word("geo.anonymous", &[("unknown", false), ("believe", true)])?,
            country_header: self.country_header(mode)?,
        })
    }

    fn country_header(&self, mode: Mode) -> Result<Option<String>, SettingsError> {
        match self.text("geo.country_header").to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "sandbox" => Ok((mode == Mode::Sandbox).then(|| "cf-ipcountry".to_owned())),
            name if is_header_name(name) => Ok(Some(name.to_owned())),
            name => {
                let why = format!("= `{name}` is no header's name; write one such as \"cf-ipcountry\"");
                Err(self.bad("geo.country_header", why))
            }
        }
    }

    /// Loopback is trusted in sandbox mode, so that a forwarded header can be tried with curl.
    pub(super) fn trusted_proxies(&self, mode: Mode) -> Result<Vec<Network>, SettingsError> {
        let key = "server.trusted_proxies";
        let read = |text: String| text.parse().map_err(|error| self.bad(key, format!("holds {error}")));
        let mut networks: Vec<Network> = self.list(key).into_iter().map(read).collect::<Result<_, _>>()?;
        if mode == Mode::Sandbox {
            networks.extend(Network::loopback());
        }
        Ok(networks)
    }

    pub(super) fn client_header(&self) -> Result<ClientHeader, SettingsError> {
        let given = self.text("server.client_header").to_ascii_lowercase();
        let found = ClientHeader::ALL.iter().find(|header| header.name == given);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = ClientHeader::ALL.iter().map(|header| header.name).collect();
            self.bad("server.client_header", format!("= `{given}` is none of {}", known.join(", ")))
        })
    }
}
