//! The client's address and country, as far as the proxies in front of us tell.
//!
//! A forwarded header is a list that every hop appends to: its left end is whatever the client wrote. So the list is
//! read from the right, only when the peer itself is a trusted proxy, skipping trusted hops; the first other address is
//! the client. An entry that is no address ends the walk: what stands left of it was not written by a proxy we know,
//! and the last address that was known is the answer. One configured header is read, never two.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::domain::fx::Country;
use crate::settings::{ClientHeader, HeaderForm, Network, Settings};

use super::forwarded;

/// Hops that are followed. Nobody has so many proxies; a header may have thousands of entries.
const HOPS_MAX: usize = 64;

/// The proxies in front of us, and the headers in which they speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxies {
    trusted: Vec<Network>,
    client: ClientHeader,
    country: Option<String>,
}

/// What an edge's country header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeCountry {
    /// A country.
    Country(Country),
    /// Somebody who hides where they are: Tor (`T1`), an anonymous proxy (`A1`). The address tells no more.
    Anonymous,
    /// Nothing, or a code of no place: `XX`, `ZZ`, `EU`, `AP`, `A2`.
    Unknown,
}

impl EdgeCountry {
    /// The country, if it is one.
    pub fn country(self) -> Option<Country> {
        match self {
            EdgeCountry::Country(country) => Some(country),
            EdgeCountry::Anonymous | EdgeCountry::Unknown => None,
        }
    }
}

impl Proxies {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Proxies {
        Proxies {
            trusted: settings.trusted_proxies.clone(),
            client: settings.client_header,
            country: settings.geo.country_header.clone(),
        }
    }

    /// The header that names the client, in lower case.
    pub fn client_header(&self) -> &'static str {
        self.client.name
    }

    /// The header that names the country, in lower case, when one is read.
    pub fn country_header(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// The headers that are read of this peer, in lower case: what an answer about the caller depends on.
    pub fn headers_read(&self, peer: IpAddr) -> Vec<&str> {
        match self.trusts(peer.to_canonical()) {
            true => std::iter::once(self.client.name).chain(self.country.as_deref()).collect(),
            false => Vec::new(),
        }
    }

    /// Whether this hop is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// The client's address: the peer, or, when the peer is trusted, what the header says. `lines` are the values of
    /// every line of [`Proxies::client_header`], in order. A line that is no text counts as an entry that is no
    /// address: left out, it would uncover what the client wrote before it.
    pub fn client(&self, peer: IpAddr, lines: &[&[u8]]) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
        let from_right = lines.iter().rev();
        match self.client.form {
            HeaderForm::List => {
                self.walk(peer, from_right.flat_map(|line| line.rsplit(',')).map(forwarded::hop_address))
            }
            HeaderForm::Forwarded => {
                self.walk(peer, from_right.flat_map(|line| forwarded::hops(line)).map(forwarded::address))
            }
            HeaderForm::Single => match lines.as_slice() {
                [line] => forwarded::hop_address(line).unwrap_or(peer),
                _ => peer,
            },
        }
    }

    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut known = peer;
        for hop in hops.take(HOPS_MAX) {
            let Some(address) = hop else { break };
            known = address;
            if !self.trusts(known) {
                break;
            }
        }
        known
    }

    /// The country an edge names in [`Proxies::country_header`]. Believed from a trusted peer only, and only when it is
    /// said once.
    pub fn edge_country(&self, peer: IpAddr, lines: &[&[u8]]) -> EdgeCountry {
        let [line] = lines else { return EdgeCountry::Unknown };
        if !self.trusts(peer.to_canonical()) {
            return EdgeCountry::Unknown;
        }
        match line.trim_ascii() {
            b"T1" | b"A1" => EdgeCountry::Anonymous,
            code => std::str::from_utf8(code)
                .ok()
                .and_then(|code| Country::find(code).ok())
                .map_or(EdgeCountry::Unknown, EdgeCountry::Country),
        }
    }
}

#[cfg(test)]
mod tests;
