//! The client's address, as far as it can be known.
//!
//! A forwarded header is a list that every hop appends to: its left end is whatever the client wrote. So the list is
//! read from the right, only when the peer itself is a trusted proxy, skipping trusted hops; the first other address is
//! the client. An entry that is no address ends the walk: what stands left of it was not written by a proxy we know,
//! and the last address that was known is the answer. One configured header is read, never two.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::domain::fx::Country;

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// The text names no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no block of addresses; write 10.0.0.0/8, 2001:db8::/32 or one address")]
pub struct NetworkError(pub String);

impl Network {
    /// Whether the address lies in it. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is its IPv4 self.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                self.same_prefix(u128::from(first.to_bits()) << 96, u128::from(address.to_bits()) << 96)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => self.same_prefix(first.to_bits(), address.to_bits()),
            _ => false,
        }
    }

    fn same_prefix(self, first: u128, address: u128) -> bool {
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        (first ^ address) & mask == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let refuse = || NetworkError(text.chars().take(60).collect());
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let first: IpAddr = address.parse().map_err(|_| refuse())?;
        let longest = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|&prefix: &u8| prefix <= longest).ok_or_else(refuse)?
            }
            Some(_) => return Err(refuse()),
        };
        Ok(Network { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The proxies in front of us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These blocks.
    pub fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies(networks)
    }

    /// `127.0.0.0/8` and `::1`: sandbox mode, so that a forwarded header can be tried with curl.
    pub fn loopback() -> TrustedProxies {
        let v4 = Network { first: IpAddr::from([127, 0, 0, 0]), prefix: 8 };
        TrustedProxies(vec![v4, Network { first: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }])
    }

    /// Whether this hop is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// The client's address: the peer, or, when the peer is trusted, the right-most hop of the forwarded header that is
/// not. `lines` are the values of every line of the one configured header (`X-Forwarded-For`), in order.
pub fn client_address(peer: IpAddr, lines: &[&str], trusted: &TrustedProxies) -> IpAddr {
    let mut known = peer.to_canonical();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while trusted.trusts(known) {
        match hops.next().and_then(hop_address) {
            Some(address) => known = address,
            None => break,
        }
    }
    known
}

/// `203.0.113.7`, `203.0.113.7:4711`, `[2001:db8::1]:4711`, `"[2001:db8::1]"`; nothing else.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches([' ', '\t']);
    let hop = hop.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(hop);
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

/// The country an edge network names in its header (`CF-IPCountry`, `X-Vercel-IP-Country`, …). Believed from a trusted
/// peer only; `XX`, `T1`, `EU` and other codes of no place are unknown.
pub fn edge_country(peer: IpAddr, value: Option<&str>, trusted: &TrustedProxies) -> Option<Country> {
    value.filter(|_| trusted.trusts(peer.to_canonical())).and_then(|code| Country::find(code.trim()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    #[test]
    fn blocks_hold_their_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "a00::1", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "8.8.8.8", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.6/31", "192.0.2.7", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("::1", "::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(ip(address)), inside, "{network} {address}");
        }
        for text in
            ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "::/129", "localhost", "1.2.3.4/8/8"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_client_cannot_choose_its_address() {
        let trusted = proxies(&["10.0.0.0/8", "2001:db8:ffff::/48"]);
        for (peer, lines, expected) in [
            // Nobody in front of us: the header is the client's own fancy.
            ("198.51.100.1", &["8.8.8.8"][..], "198.51.100.1"),
            // One proxy: it appended what it saw; what stands left of it is spoofed.
            ("10.0.0.1", &["8.8.8.8, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            // Two proxies, and both lines of a header that came in two.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            // A spoofed trusted address on the left is never reached.
            ("10.0.0.1", &["10.9.9.9, 203.0.113.7"], "203.0.113.7"),
            // Junk ends the walk at what was known.
            ("10.0.0.1", &["203.0.113.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.7, "], "10.0.0.1"),
            ("10.0.0.1", &["_hidden"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7;evil"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            // All hops trusted: the left-most of them.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // Ports, brackets, quotes, mapped addresses.
            ("10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["\"[2001:db8::7]\""], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("2001:db8:ffff::1", &["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"),
        ] {
            assert_eq!(client_address(ip(peer), lines, &trusted), ip(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn live_mode_trusts_nobody_and_sandbox_mode_loopback() {
        let line = ["203.0.113.7"];
        assert_eq!(client_address(ip("127.0.0.1"), &line, &TrustedProxies::default()), ip("127.0.0.1"));
        for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(client_address(ip(peer), &line, &TrustedProxies::loopback()), ip("203.0.113.7"));
        }
    }

    #[test]
    fn an_edge_is_believed_only_behind_a_trusted_peer() {
        let trusted = proxies(&["10.0.0.0/8"]);
        let country = |peer: &str, value| edge_country(ip(peer), value, &trusted).map(Country::code);
        assert_eq!(country("10.0.0.1", Some("TH")), Some("TH"));
        assert_eq!(country("198.51.100.1", Some("TH")), None);
        for nowhere in [Some("XX"), Some("T1"), Some("EU"), Some("th"), Some("THA"), Some(""), None] {
            assert_eq!(country("10.0.0.1", nowhere), None, "{nowhere:?}");
        }
    }
}
