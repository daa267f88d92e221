//! Grab's three proofs: request HMAC, proof of possession, PKCE. Over bytes, nothing else.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// `METHOD\nContent-Type\nDate\npath?query\nbase64(SHA-256(body))\n`; an empty body has an empty digest.
fn string_to_sign(method: &str, content_type: &str, date: &str, path: &str, body: &[u8]) -> String {
    let digest = if method == "GET" || body.is_empty() {
        String::new()
    } else {
        STANDARD.encode(digest::digest(&digest::SHA256, body))
    };
    format!("{method}\n{content_type}\n{date}\n{path}\n{digest}\n")
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// The signature of a request.
pub(super) fn request(
    secret: &str,
    method: &str,
    content_type: &str,
    date: &str,
    path: &str,
    body: &[u8],
) -> String {
    let text = string_to_sign(method, content_type, date, path, body);
    STANDARD.encode(hmac::sign(&key(secret), text.as_bytes()))
}

/// Whether a request's signature is right, in constant time.
pub(super) fn request_is(given: &str, expected: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(given.as_bytes(), expected.as_bytes()).into()
}

/// The moment a proof of possession (`X-GID-AUX-POP`) was made, if it is one for this token. Members may come in any
/// order; Grab's own SDKs differ in it.
pub(super) fn possession(client_secret: &str, token: &str, header: &str) -> Option<i64> {
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let made = json.get("time_since_epoch")?.as_i64()?;
    let signature = URL_SAFE_NO_PAD.decode(json.get("sig")?.as_str()?).ok()?;
    hmac::verify(&key(client_secret), format!("{made}{token}").as_bytes(), &signature).ok()?;
    Some(made)
}

/// `base64url(SHA-256(verifier))`, and the verifier is of RFC 7636's form.
pub(super) fn challenge_of(verifier: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let fits = (43..=128).contains(&verifier.len()) && verifier.bytes().all(allowed);
    fits.then(|| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())))
}

/// A JWT with `alg: none`, as Grab hands out.
pub(super) fn unsigned_jwt(claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(r#"{"alg": "none"}"#), part(&claims.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grab's merchant SDK, unit tests: Go, Node, Java, PHP.
    #[test]
    fn request_signatures_as_published() {
        let go = r#"{"amount":100,"currency":"SGD","description":"paysi-agent-partner-v2-otc","merchantID":"44e46f25-7787-44ce-b785-cf9f9b95601e","partnerGroupTxID":"ORDER123","partnerTxID":"ORDER123"}"#;
        let (json, form) = ("application/json", "application/x-www-form-urlencoded");
        let (d18, d19, d21, d22) = (
            "Mon, 12 Nov 2018 08:20:55 GMT",
            "Thu, 17 Jan 2019 02:45:06 GMT",
            "Mon, 20 Dec 2021 11:33:20 GMT",
            "Wed, 06 Jul 2022 06:30:32 GMT",
        );
        let init = "/grabpay/partner/v2/charge/init";
        let wick = r#"{"john":"wick"}"#;
        #[rustfmt::skip]
        let cases = [
            ("NvPwMZqiUkYyfDwG", "POST", json, d18, init, go, "pSK8CLf03MJzmSPmeDyqsrSIuwyy1QvExmxmf3sme4w="),
            ("NvPwMZqiUkYyfDwG", "POST", json, d18, init, "", "+tPrMFb6M+tqffZtYmKV/9DzX6pUc48wfJe++tqHQmA="),
            ("secret", "POST", json, d19, "/gateway/partner", wick, "CuD7m+X/xmdDNiRqW2st4OMZVxG+Q6FDiRoMZCwHq5A="),
            ("partner-secret", "POST", json, d21, "", wick, "WohtaZ1XOf/mTCDx1ncJsS4R8h+f0bfzKagkesQB1Qg="),
            ("partnerSecret", "GET", form, d22, "/", "", "H/Eytzn6c0EUfqWMRWM9v9b4TsuQ90VdNs2hXMP+Ggc="),
            ("partnerSecret", "POST", json, d22, "/post", r#"{"foo":"bar"}"#, "kiTxYZn2sFaLHihx4AW0N3DcA7q29b75FirBvq60h3o="),
        ];
        for (secret, method, kind, date, path, body, expected) in cases {
            assert_eq!(request(secret, method, kind, date, path, body.as_bytes()), expected, "{path} {body}");
        }
    }

    /// The same source: Node (`sig` first), Go (`time_since_epoch` first), Python (with blanks).
    #[test]
    fn proofs_of_possession_as_published() {
        #[rustfmt::skip]
        let cases = [
            ("client_secret", "access_token", 0, "eyJzaWciOiJxaUt2T3R3VnBVQzZBZy1xSVNJZ2ZwWmw0emZlclVrSi1JUkZ0Qkt4eXk0IiwidGltZV9zaW5jZV9lcG9jaCI6MH0"),
            ("clientSecret", "some-access-token-1", 1_645_690_076, "eyJ0aW1lX3NpbmNlX2Vwb2NoIjoxNjQ1NjkwMDc2LCJzaWciOiI2R2xOR0JFX3I0UmZCSFZBMUl2T0ZJUEpSOVl5dXlSSUJ5Sm16dU1venBVIn0"),
            ("clientSecret", "some-access-token", 1_636_258_588, "eyJ0aW1lX3NpbmNlX2Vwb2NoIjogMTYzNjI1ODU4OCwgInNpZyI6ICJpS1ZBRHBtZ09DRDdPOHJtd0o3OWR5elpZOFlsQWF6UjBfSjBWRmtILVZZIn0"),
        ];
        for (secret, token, made, header) in cases {
            assert_eq!(possession(secret, token, header), Some(made));
            assert_eq!(possession(secret, "another token", header), None);
            assert_eq!(possession("another secret", token, header), None);
        }
    }

    /// RFC 7636, appendix B.
    #[test]
    fn pkce_as_published() {
        let challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge.as_deref(), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert_eq!(challenge_of("short"), None);
    }
}
