use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn proxies(header: &str, networks: &[&str]) -> Proxies {
    Proxies {
        trusted: networks.iter().map(|network| network.parse().unwrap()).collect(),
        client: *ClientHeader::ALL.iter().find(|known| known.name == header).unwrap(),
        country: Some("cf-ipcountry".to_owned()),
    }
}

fn asked(proxies: &Proxies, peer: &str, lines: &[&str]) -> IpAddr {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    proxies.client(ip(peer), &lines)
}

const TRUSTED: &[&str] = &["10.0.0.0/8", "2001:db8:ffff::/48"];

#[test]
fn the_client_cannot_choose_its_address() {
    let proxies = proxies("x-forwarded-for", TRUSTED);
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
        ("10.0.0.1", &["for=203.0.113.7"], "10.0.0.1"),
        ("10.0.0.1", &["fe80::1%eth0"], "10.0.0.1"),
        ("10.0.0.1", &["8.8.8.8\u{0}"], "10.0.0.1"),
        ("10.0.0.1", &["0x08080808"], "10.0.0.1"),
        ("10.0.0.1", &["134744072"], "10.0.0.1"),
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
        assert_eq!(asked(&proxies, peer, lines), ip(expected), "{peer} {lines:?}");
    }
}

#[test]
fn a_line_that_is_no_text_uncovers_nothing() {
    let proxies = proxies("x-forwarded-for", TRUSTED);
    let seen = |lines: &[&[u8]]| proxies.client(ip("10.0.0.1"), lines);
    assert_eq!(seen(&[b"8.8.8.8", b"\xff, 203.0.113.7"]), ip("203.0.113.7"));
    assert_eq!(seen(&[b"8.8.8.8", b"\xff, 203.0.113.7, 10.0.0.2"]), ip("203.0.113.7"));
    assert_eq!(seen(&[b"8.8.8.8", b"\xff"]), ip("10.0.0.1"));
}

#[test]
fn forwarded_is_cut_from_the_right() {
    let proxies = proxies("forwarded", TRUSTED);
    for (lines, expected) in [
        (&["for=203.0.113.7"][..], "203.0.113.7"),
        (&["for=203.0.113.7;proto=https;by=10.0.0.1"], "203.0.113.7"),
        (&["proto=https; FOR = \"203.0.113.7:4711\" ;host=shop.example"], "203.0.113.7"),
        (&["for=\"[2001:db8::7]:4711\";proto=https"], "2001:db8::7"),
        (&["for=\"[2001:db8::7]\""], "2001:db8::7"),
        (&["for=\"[2001:db8::7]:_x\""], "2001:db8::7"),
        (&["for=203.0.113.7:_hidden"], "203.0.113.7"),
        (&["for=8.8.8.8, for=203.0.113.7, for=10.0.0.2"], "203.0.113.7"),
        (&["for=8.8.8.8", "for=203.0.113.7, for=10.0.0.2"], "203.0.113.7"),
        // The client left a quotation mark open, in the same line or in one before.
        (&["for=\"8.8.8.8, for=203.0.113.7"], "203.0.113.7"),
        (&["for=\"8.8.8.8", "for=203.0.113.7"], "203.0.113.7"),
        (&["for=8.8.8.8;x=\"\\\", for=203.0.113.7"], "203.0.113.7"),
        // A host name with commas, as the client asked for it and the proxy quoted it.
        (&["for=203.0.113.7;host=\"x, for=8.8.8.8\""], "203.0.113.7"),
        (&["for=203.0.113.7;host=\"x\\\", for=8.8.8.8;y=\\\"\""], "203.0.113.7"),
        (&["for=203.0.113.7;host=\"x;for=8.8.8.8\""], "203.0.113.7"),
        // Not an address: the walk ends there.
        (&["for=8.8.8.8, for=unknown, for=10.0.0.2"], "10.0.0.2"),
        (&["for=8.8.8.8, for=_hidden"], "10.0.0.1"),
        (&["for=8.8.8.8, proto=https"], "10.0.0.1"),
        (&["for=8.8.8.8;for=203.0.113.7"], "10.0.0.1"),
        (&["for=\"203.0.113.7"], "10.0.0.1"),
        (&["203.0.113.7"], "10.0.0.1"),
        (&["for="], "10.0.0.1"),
        (&[""], "10.0.0.1"),
        (&[",,,;;;=\"\\"], "10.0.0.1"),
    ] {
        assert_eq!(asked(&proxies, "10.0.0.1", lines), ip(expected), "{lines:?}");
    }
    assert_eq!(asked(&proxies, "198.51.100.1", &["for=8.8.8.8"]), ip("198.51.100.1"));
}

#[test]
fn a_single_value_is_taken_whole_and_said_once() {
    for header in ["cf-connecting-ip", "x-real-ip", "true-client-ip"] {
        let proxies = proxies(header, TRUSTED);
        for (peer, lines, expected) in [
            ("10.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            ("10.0.0.1", &[" 2001:db8::7 "], "2001:db8::7"),
            ("10.0.0.1", &["8.8.8.8, 203.0.113.7"], "10.0.0.1"),
            ("10.0.0.1", &["8.8.8.8", "203.0.113.7"], "10.0.0.1"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("198.51.100.1", &["8.8.8.8"], "198.51.100.1"),
        ] {
            assert_eq!(asked(&proxies, peer, lines), ip(expected), "{header} {peer} {lines:?}");
        }
    }
}

#[test]
fn thousands_of_hops_are_not_followed() {
    for (header, entry) in [("x-forwarded-for", "10.0.0.2, "), ("forwarded", "for=10.0.0.2, ")] {
        let proxies = proxies(header, TRUSTED);
        let line = format!("{}{}", entry.replace("10.0.0.2", "203.0.113.7"), entry.repeat(10_000));
        let line = line.trim_end_matches(", ");
        assert_eq!(asked(&proxies, "10.0.0.1", &[line]), ip("10.0.0.2"), "{header}");
        let short = format!("{}{}", entry.replace("10.0.0.2", "203.0.113.7"), entry.repeat(60));
        assert_eq!(asked(&proxies, "10.0.0.1", &[short.trim_end_matches(", ")]), ip("203.0.113.7"));
    }
}

#[test]
fn live_mode_trusts_nobody_and_sandbox_mode_loopback() {
    let (live, mut sandbox) = (proxies("x-forwarded-for", &[]), proxies("x-forwarded-for", &[]));
    sandbox.trusted.extend(Network::loopback());
    let line = ["203.0.113.7"];
    for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(asked(&live, peer, &line), ip(peer).to_canonical());
        assert_eq!(asked(&sandbox, peer, &line), ip("203.0.113.7"));
    }
}

#[test]
fn an_edge_is_believed_only_behind_a_trusted_peer() {
    let proxies = proxies("x-forwarded-for", &["10.0.0.0/8"]);
    let told = |peer: &str, lines: &[&str]| {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        proxies.edge_country(ip(peer), &lines)
    };
    let thailand = EdgeCountry::Country(Country::find("TH").unwrap());
    assert_eq!(told("10.0.0.1", &["TH"]), thailand);
    assert_eq!(told("::ffff:10.0.0.1", &[" TH "]), thailand);
    assert_eq!(told("198.51.100.1", &["TH"]), EdgeCountry::Unknown);
    assert_eq!(told("198.51.100.1", &["T1"]), EdgeCountry::Unknown);
    assert_eq!(told("10.0.0.1", &["TH", "SG"]), EdgeCountry::Unknown, "said twice");
    for anonymous in ["T1", "A1"] {
        assert_eq!(told("10.0.0.1", &[anonymous]), EdgeCountry::Anonymous);
    }
    for nowhere in ["XX", "A2", "EU", "AP", "ZZ", "th", "THA", "T", "", "TH,SG", "\u{fffd}"] {
        assert_eq!(told("10.0.0.1", &[nowhere]), EdgeCountry::Unknown, "{nowhere:?}");
    }
    assert_eq!(told("10.0.0.1", &[]), EdgeCountry::Unknown);
}
