use super::*;

/// Resolvers and access lines of internet providers, and the country each is in, as known from the providers
/// themselves; checked against the file, not taken from it.
const KNOWN: &[(&str, &[&str])] = &[
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

#[test]
fn known_addresses_are_in_their_countries() {
    let geo = Geo::embedded().unwrap();
    let mut count = 0;
    for (country, addresses) in KNOWN {
        for address in *addresses {
            let found = geo.country_of(address.parse().unwrap());
            assert_eq!(found.map(Country::code), Some(*country), "{address}");
            count += 1;
        }
    }
    assert!(count >= 60 && KNOWN.len() >= 20, "{count} addresses of {} countries", KNOWN.len());
}

#[test]
fn ipv4_inside_ipv6_is_looked_up_as_ipv4() {
    let geo = Geo::embedded().unwrap();
    for address in ["::ffff:165.21.83.88", "64:ff9b::165.21.83.88", "2002:a515:5358::1"] {
        assert_eq!(geo.country_of(address.parse().unwrap()).map(Country::code), Some("SG"), "{address}");
    }
    for address in ["::ffff:192.168.1.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1"] {
        assert_eq!(geo.place(address.parse().unwrap()), Place::Private, "{address}");
    }
}

#[test]
fn addresses_of_no_place_have_no_country() {
    let geo = Geo::embedded().unwrap();
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.5",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
    ] {
        assert_eq!(geo.place(address.parse().unwrap()), Place::Private, "{address}");
    }
    // Just outside the blocks.
    for address in ["100.63.255.255", "100.128.0.1", "172.32.0.1", "198.17.255.255", "223.255.255.1"] {
        assert_ne!(geo.place(address.parse().unwrap()), Place::Private, "{address}");
    }
}

#[test]
fn reads_every_layout_in_use() {
    for (record, expected) in [
        (r#"{"country_code":"SG"}"#, Some("SG")),
        (r#"{"country":{"iso_code":"SG","geoname_id":1},"continent":{"code":"AS"}}"#, Some("SG")),
        (r#"{"registered_country":{"iso_code":"AU"}}"#, Some("AU")),
        (r#"{"country":{"iso_code":"SG"},"registered_country":{"iso_code":"AU"}}"#, Some("SG")),
        (r#"{"country":{},"registered_country":{"iso_code":"AU"}}"#, Some("AU")),
        (r#"{"autonomous_system_number":7473}"#, None),
    ] {
        let read: Record<'_> = serde_json::from_str(record).unwrap();
        assert_eq!(read.code(), expected, "{record}");
    }
}

#[test]
fn an_operators_file_replaces_the_embedded_one_only_if_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("good.mmdb"), EMBEDDED).unwrap();
    std::fs::write(path("cut.mmdb"), &EMBEDDED[..EMBEDDED.len() / 2]).unwrap();
    std::fs::write(path("text.mmdb"), "country,code").unwrap();
    let good = Geo::open(&path("good.mmdb")).unwrap();
    assert_eq!(good.country_of([168, 95, 1, 1].into()).map(Country::code), Some("TW"));
    assert_eq!(good.built_at(), Geo::embedded().unwrap().built_at());
    for bad in ["cut.mmdb", "text.mmdb", "absent.mmdb"] {
        let error = Geo::open(&path(bad)).unwrap_err().to_string();
        assert!(error.contains(bad), "{error}");
    }
}
