//! Blocks of addresses that tell nothing about their users: the operator's list of VPN exits.
//!
//! Free country files know no VPNs; lists of their blocks are published apart, one CIDR block a line. An address in the
//! list is treated as one that the country file itself calls anonymous. A list is taken whole or not at all: one line
//! that is no block may be the end of a file cut short, and a block wider than any provider's would hide the world.

use std::net::IpAddr;

use super::special::plain;
use crate::settings::Network;

/// No provider has a wider block; `0.0.0.0/0` is a mistake.
const WIDEST: (u8, u8) = (8, 19);

/// IPv4 inside IPv6: `::ffff:0:0/96`.
const MAPPED: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);

/// The blocks, joined where they meet, in order; IPv4 as its IPv6 self.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden(Vec<(u128, u128)>);

impl Hidden {
    /// Reads a list: blocks or single addresses, one a line; `#` begins a comment.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn read(bytes: &[u8]) -> Result<Hidden, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut blocks = Vec::new();
        for (line, text) in text.lines().enumerate() {
            let text = text.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let network: Network = text.parse().map_err(|error| format!("line {}: {error}", line + 1))?;
            let widest = if network.is_ipv4() { WIDEST.0 } else { WIDEST.1 };
            if network.prefix() < widest {
                return Err(format!("line {}: {network} is wider than /{widest}", line + 1));
            }
            let (first, last) = network.range();
            if !network.is_ipv4() && first <= MAPPED.1 && MAPPED.0 <= last {
                return Err(format!("line {}: {network} is written as IPv6; write IPv4 as such", line + 1));
            }
            blocks.push((first, last));
        }
        if blocks.is_empty() {
            return Err("it names no block; set geo.vpn_ranges = \"\" to use none".to_owned());
        }
        blocks.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(blocks.len());
        for (first, last) in blocks {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Ok(Hidden(joined))
    }

    /// Whether an address, whatever notation hides it, lies in one of the blocks.
    pub fn contains(&self, address: IpAddr) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let bits = Network::bits(plain(address));
        let place = self.0.partition_point(|(first, _)| *first <= bits);
        place.checked_sub(1).and_then(|place| self.0.get(place)).is_some_and(|(_, last)| bits <= *last)
    }

    /// How many blocks, as joined.
    pub fn blocks(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(list: &Hidden, address: &str) -> bool {
        list.contains(address.parse().unwrap())
    }

    #[test]
    fn blocks_hold_from_their_first_to_their_last_address() {
        let list =
            "\u{feff}# exits\r\n5.1.0.0/16\n 5.1.7.0/24 # inside\n5.2.0.0/16\n9.9.9.9\n\n2a0d:5600::/32\n";
        let list = Hidden::read(list.as_bytes()).unwrap();
        assert_eq!(list.blocks(), 3, "those that meet or overlap are one");
        for (address, inside) in [
            ("5.0.255.255", false),
            ("5.1.0.0", true),
            ("5.1.255.255", true),
            ("5.2.255.255", true),
            ("5.3.0.0", false),
            ("9.9.9.8", false),
            ("9.9.9.9", true),
            ("9.9.9.10", false),
            ("::ffff:5.1.2.3", true),
            ("64:ff9b::5.1.2.3", true),
            ("2002:501:203::1", true),
            ("2a0d:5600::", true),
            ("2a0d:5600:ffff:ffff:ffff:ffff:ffff:ffff", true),
            ("2a0d:5601::", false),
            ("::", false),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ] {
            assert_eq!(hides(&list, address), inside, "{address}");
        }
        assert!(!hides(&Hidden::default(), "5.1.2.3"));
    }

    #[test]
    fn a_host_inside_a_block_means_the_block() {
        let list = Hidden::read(b"5.1.2.3/16").unwrap();
        assert!(hides(&list, "5.1.0.0") && hides(&list, "5.1.255.255") && !hides(&list, "5.2.0.0"));
    }

    #[test]
    fn a_list_is_taken_whole_or_not_at_all() {
        for (bytes, why) in [
            (&b""[..], "no block"),
            (b"# nothing\n\n", "no block"),
            (b"5.1.0.0/16\n203.0.11", "line 2"),
            (b"5.1.0.0/33", "line 1"),
            (b"5.1.0.0/1", "line 1: 5.1.0.0/1 is wider than /8"),
            (b"0.0.0.0/0", "wider"),
            (b"::/0", "wider than /19"),
            (b"::ffff:0:0/96\n", "line 1"),
            (b"5.1.0.0-5.1.255.255", "line 1"),
            (b"<html>404</html>", "line 1"),
            (b"5.1.0.0/16\n\xff\xfe", "UTF-8"),
            (b"5.1.0.0/16\n\0\0\0\0", "line 2"),
            (b"{\"prefixes\": []}", "line 1"),
        ] {
            let refused = Hidden::read(bytes).unwrap_err();
            assert!(refused.contains(why), "{}: {refused}", String::from_utf8_lossy(bytes));
        }
    }
}
