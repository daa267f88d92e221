//! Addresses that stand for another, and addresses of no country: the special-purpose registries of IANA (RFC 6890 and
//! its successors). They are answered before the lookup, because free files are wrong about them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 out of `::ffff:0:0/96`, `64:ff9b::/96` (NAT64) and `2002::/16` (6to4).
pub fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => IpAddr::V6(v6),
    }
}

/// Whether an address belongs to a network of the open internet, whatever notation hides it: where our own calls may go
/// to at somebody else's word.
pub fn is_public(address: IpAddr) -> bool {
    !is_nowhere(plain(address))
}

/// Whether a [`plain`] address is of no country.
pub fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_nowhere_v4(v4),
        IpAddr::V6(v6) => is_nowhere_v6(v6),
    }
}

fn is_nowhere_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
}

/// Only 2000::/3 is given out to networks; in it, 2001::/23 belongs to protocols (Teredo, ORCHID, benchmarks), and
/// 2001:db8::/32 and 3fff::/20 to documents.
fn is_nowhere_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    first & 0xe000 != 0x2000
        || (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || (first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_no_country_from_their_first_to_their_last_address() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            // Unspecified, loopback, the old IPv4-compatible form, the translated form.
            ("::", "::ffff"),
            ("::8.8.8.8", "::255.255.255.255"),
            ("::ffff:0:8.8.8.8", "::ffff:0:ffff:ffff"),
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255"),
            ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
            ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002:7f00:1::", "2002:7f00:1:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            for address in [first, last] {
                assert!(is_nowhere(plain(address.parse().unwrap())), "{address}");
            }
        }
    }

    #[test]
    fn their_neighbours_are_looked_up() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2002:808:808::",
            "2003::",
            "3ffe:ffff::",
            "3fff:1000::",
        ] {
            assert!(!is_nowhere(plain(address.parse().unwrap())), "{address}");
        }
    }

    #[test]
    fn ipv4_inside_ipv6_is_looked_up_as_ipv4() {
        let inside: IpAddr = "165.21.83.88".parse().unwrap();
        for address in ["165.21.83.88", "::ffff:165.21.83.88", "64:ff9b::165.21.83.88", "2002:a515:5358::1"] {
            assert_eq!(plain(address.parse().unwrap()), inside, "{address}");
        }
    }
}
