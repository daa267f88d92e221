//! Who stands in front of us: blocks of addresses, and the headers in which a proxy names the client.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

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
    /// `127.0.0.0/8` and `::1`.
    pub fn loopback() -> [Network; 2] {
        let v4 = Network { first: IpAddr::from([127, 0, 0, 0]), prefix: 8 };
        [v4, Network { first: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }]
    }

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

    /// Whether it is a block of IPv4.
    pub fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// How many leading bits its addresses have in common.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its first and its last address as [`Network::bits`].
    pub fn range(self) -> (u128, u128) {
        let longest = if self.is_ipv4() { 32 } else { 128 };
        let free = u32::from(longest - self.prefix);
        let hosts = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        let bits = Network::bits(self.first);
        (bits & !hosts, bits | hosts)
    }

    /// An address as a number; IPv4 as its IPv6 self, `::ffff:0:0/96`.
    pub fn bits(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
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

/// The header in which the proxies in front of us name the client. One is read, never two: a proxy sets the one it knows
/// and passes the others on as the client wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHeader {
    /// In lower case.
    pub name: &'static str,
    /// How its value is read.
    pub form: HeaderForm,
}

/// How a header names the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// A list that every hop appends an address to.
    List,
    /// RFC 7239: a list of `for=…;proto=…`.
    Forwarded,
    /// One address, set by the edge.
    Single,
}

impl ClientHeader {
    /// The headers that are known. Which form a header has decides what a client can write into it, so a name of no
    /// known form is refused.
    pub const ALL: &'static [ClientHeader] = &[
        ClientHeader { name: "x-forwarded-for", form: HeaderForm::List },
        ClientHeader { name: "forwarded", form: HeaderForm::Forwarded },
        ClientHeader { name: "x-real-ip", form: HeaderForm::Single },
        ClientHeader { name: "cf-connecting-ip", form: HeaderForm::Single },
        ClientHeader { name: "true-client-ip", form: HeaderForm::Single },
        ClientHeader { name: "fastly-client-ip", form: HeaderForm::Single },
        ClientHeader { name: "fly-client-ip", form: HeaderForm::Single },
        ClientHeader { name: "x-client-ip", form: HeaderForm::Single },
        ClientHeader { name: "x-envoy-external-address", form: HeaderForm::Single },
        ClientHeader { name: "cloudfront-viewer-address", form: HeaderForm::Single },
    ];
}

/// A header's name as HTTP/2 writes it: small letters, digits and `-`.
pub fn is_header_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
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
}
