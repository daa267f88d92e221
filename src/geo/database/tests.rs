use chrono::{DateTime, Utc};

use super::writer::{Value, Writer, flat, nested, text};
use super::*;

/// Resolvers and access lines of internet providers, and the country each is in, as known from the providers
/// themselves; checked against the file, not taken from it.
const KNOWN_OF: &[(&str, &[&str])] = &[
    (
        "SG",
        &["165.21.83.88", "165.21.100.88", "202.156.1.58", "218.186.2.16", "203.116.1.78", "2406:3003::1"],
    ),
    ("MY", &["202.188.0.133", "202.188.1.5", "1.9.1.9", "2001:d08::1"]),
    ("TH", &["203.144.207.29", "61.19.42.5", "110.164.252.222", "2001:fb0::1"]),
    ("VN", &["203.162.4.191", "203.113.131.1", "210.245.24.20", "2001:ee0::1", "2405:4800::1"]),
    ("ID", &["202.134.0.155", "203.130.196.5", "114.120.1.1", "2404:8000::1"]),
    ("PH", &["124.6.181.12", "58.69.254.100", "112.198.115.1", "2001:4450::1"]),
    ("TW", &["168.95.1.1", "168.95.192.1", "139.175.55.244", "2001:b000:168::1"]),
    (
        "CN",
        &[
            "114.114.114.114",
            "202.96.209.133",
            "219.141.136.10",
            "223.5.5.5",
            "2400:da00::6666",
            "240e::1",
            "2408:8000::1",
            "2409:8000::1",
        ],
    ),
    ("HK", &["203.80.96.10", "205.252.144.228", "202.45.84.58"]),
    ("JP", &["202.12.27.33", "210.130.0.1", "203.112.2.4", "2001:240::3"]),
    ("KR", &["168.126.63.1", "164.124.101.2", "210.220.163.82", "2001:2d8::1", "2001:e60::1"]),
    ("IN", &["203.94.227.70", "218.248.255.139", "59.144.127.16", "2405:200::1"]),
    ("FR", &["80.10.246.2", "212.27.40.240", "2a01:cb00::1"]),
    ("DE", &["194.25.0.60", "217.237.150.51", "2003::1"]),
    ("IT", &["151.99.125.1"]),
    ("GB", &["194.72.9.34", "212.159.6.9"]),
    ("ES", &["80.58.61.250"]),
    ("NL", &["194.109.6.66"]),
    ("CH", &["195.186.1.110"]),
    ("SE", &["195.67.27.18"]),
    ("US", &["8.8.8.8", "4.2.2.2", "68.94.156.1", "2001:4860:4860::8888"]),
    ("CA", &["64.71.255.198"]),
    ("AU", &["139.130.4.4", "61.8.0.113", "1.1.1.1"]),
    ("NZ", &["202.27.158.40"]),
    ("BR", &["200.221.11.100"]),
    ("ZA", &["196.25.1.1"]),
    ("MO", &["202.175.3.3"]),
    ("MM", &["203.81.64.18"]),
    ("PK", &["203.99.163.240"]),
    ("LK", &["203.115.0.46"]),
    ("AE", &["213.42.20.20"]),
    ("TR", &["195.175.39.39"]),
    ("RU", &["77.88.8.8"]),
    ("PL", &["194.204.159.1"]),
    ("BN", &["202.160.8.2"]),
    ("KH", &["203.189.136.148"]),
    ("LA", &["202.137.128.3"]),
    ("MX", &["200.33.146.249"]),
];

fn wall() -> DateTime<Utc> {
    "2026-11-28T00:00:00Z".parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn code(database: &Database, address: &str) -> Option<&'static str> {
    match database.place(ip(address)) {
        Place::Country(country) => Some(country.code()),
        _ => None,
    }
}

/// As shipped.
pub(super) const LEAST: usize = 150;

#[test]
fn known_addresses_are_in_their_countries() {
    let geo = Database::embedded().unwrap();
    let (mut v4, mut v6) = (0, 0);
    for (country, addresses) in KNOWN_OF {
        for address in *addresses {
            assert_eq!(code(&geo, address), Some(*country), "{address}");
            if ip(address).is_ipv4() {
                v4 += 1;
                let mapped = format!("::ffff:{address}");
                assert_eq!(code(&geo, &mapped), Some(*country), "{mapped}");
            } else {
                v6 += 1;
            }
        }
    }
    assert!(
        v4 >= 60 && v6 >= 15 && KNOWN_OF.len() >= 30,
        "{v4} + {v6} addresses of {} countries",
        KNOWN_OF.len()
    );
}

#[test]
fn the_compiled_in_file_passes_its_own_examination() {
    let (database, found) = Database::examine(EMBEDDED.to_vec(), wall(), LEAST).unwrap();
    assert!(found.countries >= 235, "{found:?}");
    assert_eq!(found.nowhere_named, 0);
    assert_eq!(database.built_at(), Database::embedded().unwrap().built_at());
    assert!(database.built_at().unwrap() > "2026-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn ipv4_inside_ipv6_and_addresses_of_no_place() {
    let geo = Database::embedded().unwrap();
    for address in ["::ffff:165.21.83.88", "64:ff9b::165.21.83.88", "2002:a515:5358::1"] {
        assert_eq!(code(&geo, address), Some("SG"), "{address}");
    }
    for address in
        ["192.168.1.1", "203.0.113.5", "::ffff:10.0.0.1", "2001:db8::1", "2001:0:4136:e378::1", "::8.8.8.8"]
    {
        assert_eq!(geo.place(ip(address)), Place::Private, "{address}");
    }
}

#[test]
fn every_layout_and_width_in_use_is_read() {
    let ipinfo = |code: &'static str| {
        Value::Map(vec![("asn", text("AS1")), ("country", text("A name")), ("country_code", text(code))])
    };
    let registered = |code: &'static str| {
        Value::Map(vec![("registered_country", Value::Map(vec![("iso_code", text(code))]))])
    };
    for record_bits in [24, 28, 32] {
        for ip_version in [4, 6] {
            for writer in [Writer::of(flat), Writer::of(nested), Writer::of(ipinfo), Writer::of(registered)] {
                let writer = Writer { record_bits, ip_version, ..writer };
                let (database, found) = Database::examine(writer.bytes(), wall(), LEAST).unwrap();
                assert_eq!((found.countries, found.nowhere_named), (Country::all().count(), 0));
                assert_eq!(code(&database, "165.21.83.88"), Some("SG"));
                assert_eq!(database.place(ip("9.9.9.9")), Place::Unknown);
                // A file for IPv4 only knows nothing of IPv6, and says so without an error.
                assert_eq!(database.place(ip("2406:3003::1")), Place::Unknown);
                assert_eq!(code(&database, "64:ff9b::165.21.83.88"), Some("SG"));
            }
        }
    }
}

#[test]
fn what_a_file_says_of_private_addresses_is_counted_and_not_believed() {
    let writer =
        Writer::of(flat).with([192, 168, 1, 0], 24, flat("AU")).with([203, 0, 113, 0], 24, flat("AU"));
    let (database, found) = Database::examine(writer.bytes(), wall(), LEAST).unwrap();
    assert_eq!(found.nowhere_named, 2);
    assert_eq!(database.place(ip("192.168.1.1")), Place::Private);
}

#[test]
fn an_address_that_hides_its_user_is_told_apart() {
    let with = |flag: &'static str| {
        let mut record = vec![("country", Value::Map(vec![("iso_code", text("CH"))]))];
        record.push(("traits", Value::Map(vec![(flag, Value::Flag(true))])));
        Value::Map(record)
    };
    let writer = Writer::of(nested)
        .with([5, 1, 1, 0], 24, with("is_anonymous_proxy"))
        .with([5, 1, 2, 0], 24, with("is_anycast"))
        .with([5, 1, 3, 0], 24, with("is_anonymous_vpn"))
        .with([5, 1, 4, 0], 24, with("is_satellite_provider"))
        .with([5, 1, 5, 0], 24, flat("A1"))
        .with([5, 1, 6, 0], 24, flat("EU"))
        .with([5, 1, 7, 0], 24, flat("th"));
    let (database, _) = Database::examine(writer.bytes(), wall(), LEAST).unwrap();
    let switzerland = Country::find("CH").ok();
    for (address, place) in [
        ("5.1.1.1", Place::Anonymous(switzerland)),
        ("5.1.2.1", Place::Anonymous(switzerland)),
        ("5.1.3.1", Place::Anonymous(switzerland)),
        ("5.1.4.1", Place::Country(switzerland.unwrap())),
        ("5.1.5.1", Place::Anonymous(None)),
        ("5.1.6.1", Place::Unknown),
        ("5.1.7.1", Place::Country(Country::find("TH").unwrap())),
    ] {
        assert_eq!(database.place(ip(address)), place, "{address}");
    }
}

#[test]
fn a_file_for_a_few_markets_is_used_where_that_is_wanted() {
    let world = Writer::of(flat);
    let few = Writer { networks: world.networks[..5].to_vec(), ..world };
    assert!(Database::examine(few.bytes(), wall(), LEAST).unwrap_err().contains("geo.least_countries"));
    let (database, found) = Database::examine(few.bytes(), wall(), 3).unwrap();
    assert_eq!(found.countries, 5);
    assert_eq!(database.place([165, 21, 83, 7].into()), Place::Country(Country::find("SG").unwrap()));
    // Without one of the three that every file has, or with one of them elsewhere, it is none.
    for away in 0..3 {
        let mut networks = few.networks.clone();
        networks.remove(away);
        let why = Database::examine(Writer { networks, ..few.clone() }.bytes(), wall(), 3).unwrap_err();
        assert!(why.contains("right about 4 of the 5"), "{why}");
    }
}
