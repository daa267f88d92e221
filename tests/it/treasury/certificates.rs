//! A certificate with one digit changed is refused, by its digest and, that aside, by its figures.

use super::large::crowd;
use super::world::{checked, random};

/// The places of digits in a text.
fn digits(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect()
}

fn changed(text: &str, at: usize, by: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_single_digit_counts() {
    let mut refused = 0;
    for seed in [3, 17, 40, 41, 42] {
        let (planned, _) = checked(&random(seed, 4, 3));
        let text = planned.certificate.json();
        for at in digits(text) {
            let other = changed(text, at, 1 + u8::try_from(at % 9).unwrap());
            assert!(
                plan_checker::check(&other).is_err(),
                "seed {seed}, byte {at}: {}",
                &text[at.saturating_sub(40)..at + 1]
            );
            refused += 1;
        }
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn figures_are_refused_without_the_digest_too() {
    // Names, unused parts of tariffs and (where a fee is inside) what a balance was are the digest's alone.
    let keys = ["\"cost\":\"", "\"bound\":\"", "\"gap\":\"", "\"debit\":\"", "\"fee\":\""];
    let (mut refused, mut tried) = (0, 0);
    for seed in 0..60 {
        let (planned, _) = checked(&random(seed, 5, 4));
        let text = planned.certificate.json();
        for key in keys {
            for (start, _) in text.match_indices(key) {
                let first = start + key.len() + usize::from(text.as_bytes()[start + key.len()] == b'-');
                let last = first + text[first..].find('"').unwrap() - 1;
                let other = changed(text, last, 1);
                tried += 1;
                assert!(plan_checker::check_figures(&other).is_err(), "seed {seed}: {}", &text[start..=last]);
                refused += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
    assert_eq!(refused, tried);
}

/// The certificate with one figure of one node replaced.
fn with(text: &str, part: usize, node: usize, key: &str, by: i128) -> Option<String> {
    let mut whole: serde_json::Value = serde_json::from_str(text).unwrap();
    let figure = &mut whole["body"]["parts"][part]["nodes"][node][key];
    let stated: i128 = figure.as_str()?.parse().unwrap();
    *figure = (stated + by).to_string().into();
    Some(whole.to_string())
}

#[test]
fn a_proof_that_claims_more_is_refused_node_by_node() {
    let mut bounds = 0;
    let (drawn, crowds) = (20_000..20_010_u64, 1..5_u64);
    let drawn = drawn.map(|seed| (seed, random(seed, 30, 4)));
    // The second kind has trees of several nodes.
    for (seed, request) in drawn.chain(crowds.map(|seed| (seed, crowd(60, seed)))) {
        let (planned, _) = checked(&request);
        let text = planned.certificate.json();
        let body = super::world::body(&planned);
        for (part, proof) in body["parts"].as_array().unwrap().iter().enumerate() {
            for (node, one) in proof["nodes"].as_array().unwrap().iter().enumerate().take(8) {
                for by in [1, -1, 1_000_000_000] {
                    if let Some(other) = with(text, part, node, "bound", by) {
                        assert!(plan_checker::check_figures(&other).is_err(), "seed {seed}: {one}");
                        bounds += 1;
                    }
                }
            }
        }
    }
    assert!(bounds > 50, "{bounds}");
}

/// What is left out by a claim that its prices prove by themselves.
#[test]
fn what_is_left_out_too_freely_is_refused() {
    let mut refused = 0;
    for seed in 1..5 {
        let (planned, _) = checked(&crowd(60, seed));
        let body = super::world::body(&planned);
        for (node, one) in body["parts"][0]["nodes"].as_array().unwrap().iter().enumerate() {
            if one["kind"] == "narrow" {
                let other = with(planned.certificate.json(), 0, node, "at_least", -10_i128.pow(15)).unwrap();
                assert!(plan_checker::check_figures(&other).is_err(), "seed {seed}: {one}");
                refused += 1;
            }
        }
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn layout_does_not_count_and_what_is_no_certificate_is_named() {
    let (planned, verdict) = checked(&random(5, 4, 3));
    let value: serde_json::Value = serde_json::from_str(planned.certificate.json()).unwrap();
    // Blanks between tokens only: the order of keys is part of the text.
    let spaced = planned.certificate.json().replace("\":", "\" :\n ");
    assert_eq!(plan_checker::check(&spaced), Ok(verdict));
    assert!(value["body"]["parts"].is_array());
    for text in ["", "{}", "[]", "{\"digest\":\"00\",\"body\":{}}"] {
        assert!(plan_checker::check(text).is_err(), "{text}");
    }
}

#[test]
fn figures_of_a_tariff_below_zero_or_beyond_all_bounds_are_refused_not_wrapped() {
    let route = "name = \"bank\"\nfixed = \"1.23\"\nlifting_fee = \"4.56\"\nminimum = \"0.78\"\ncap = \"99.00\"\nmaximum_item = \"500.00\"\nbands = [{ from = \"400.00\", fixed = \"3.45\" }]";
    let text = checked(&super::divisions::alone(route, "USD 1300.00")).0.certificate.json().to_owned();
    for (key, figure) in [
        ("fixed", "123"),
        ("lifting", "456"),
        ("minimum", "78"),
        ("cap", "9900"),
        ("fixed", "345"),
        ("from", "40000"),
    ] {
        let own = format!("\"{key}\":\"{figure}\"");
        assert!(text.contains(&own), "{own}");
        let below = text.replace(&own, &format!("\"{key}\":\"-{figure}\""));
        let refusal = plan_checker::check_figures(&below).unwrap_err().to_string();
        assert!(refusal.contains("below zero"), "{own}: {refusal}");
        for many in [i128::MAX.to_string(), (i128::MAX / 1_000).to_string()] {
            // Whatever it says, it says something.
            let _ = plan_checker::check_figures(&text.replace(&own, &format!("\"{key}\":\"{many}\"")));
        }
    }
}
