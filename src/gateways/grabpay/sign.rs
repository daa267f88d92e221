//! Grab's three proofs, over bytes: the request signature, the proof of possession of a token, and PKCE.
//!
//! Tested against the vectors of all five official SDKs (grab/grabpay-merchant-sdk @ 9c7f508).

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDateTime, Utc};
use subtle::ConstantTimeEq;

/// A signed date may be this far from the reader's clock.
pub const SKEW_S: i64 = 300;
const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The parts of a request that are signed, each exactly as it travels.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The header's whole value, parameters too.
    pub content_type: &'a str,
    /// The `Date` header.
    pub date: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Empty for a GET.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// `base64(HMAC-SHA256(secret, method ⏎ content type ⏎ date ⏎ path ⏎ digest ⏎))`; the digest of an empty body or a
    /// GET is empty.
    pub fn signature(&self, secret: &str) -> String {
        let digest = if self.method == "GET" || self.body.is_empty() {
            String::new()
        } else {
            STANDARD.encode(digest::digest(&digest::SHA256, self.body))
        };
        let text =
            format!("{}\n{}\n{}\n{}\n{digest}\n", self.method, self.content_type, self.date, self.path);
        STANDARD.encode(mac(secret, &text))
    }
}

/// `X-GID-AUX-POP`: the sender holds the client secret that belongs to the token, now.
pub fn possession(client_secret: &str, token: &str, at: DateTime<Utc>) -> String {
    let seconds = at.timestamp();
    let proof = URL_SAFE_NO_PAD.encode(mac(client_secret, &format!("{seconds}{token}")));
    URL_SAFE_NO_PAD.encode(format!(r#"{{"time_since_epoch":{seconds},"sig":"{proof}"}}"#))
}

/// PKCE S256: what the browser may see of `verifier`.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Random bytes as text for verifier, state and nonce: 32 bytes are 43 characters, PKCE's least.
pub fn random_text(bytes: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `Mon, 12 Nov 2018 08:20:55 GMT`.
pub fn write_date(at: DateTime<Utc>) -> String {
    at.format(IMF_FIXDATE).to_string()
}

/// Reads [`write_date`]'s form and no other.
pub fn read_date(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, IMF_FIXDATE).ok().map(|at| at.and_utc())
}

/// Equal, found out in a time that does not depend on where they differ.
pub fn same(left: &str, right: &str) -> bool {
    !left.is_empty() && left.as_bytes().ct_eq(right.as_bytes()).into()
}

fn mac(secret: &str, text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signatures_the_sdks_publish() {
        let otc = "/grabpay/partner/v2/charge/init";
        let order = r#"{"amount":100,"currency":"SGD","description":"paysi-agent-partner-v2-otc","merchantID":"44e46f25-7787-44ce-b785-cf9f9b95601e","partnerGroupTxID":"ORDER123","partnerTxID":"ORDER123"}"#;
        let moca = r#"{"partnerTxID":"rrSwr3vetp9pRONvRsL0cOK6SzFTKU3d","partnerGroupTxID":"18csg3DVcCQH9vsA0s2G3zz4CAWE13vi","amount":100000,"currency":"VND","description":"testing otc","metaInfo":{"brandName":"Store1"},"merchantID":"merchant-id"}"#;
        let cancel = r#"{"transactionDetails":{"paymentChannel":"CPQR","originPartnerTxID":"ROe9fTsr8WYuyZHsuy738QXNtfyNyj9k","currency":"VND","storeGrabID":"merchant-id"}}"#;
        let (json, form) = ("application/json", "application/x-www-form-urlencoded");
        let november = "Mon, 12 Nov 2018 08:20:55 GMT";
        let epoch = "Thu, 01 Jan 1970 00:00:00 GMT";
        let july = "Wed, 06 Jul 2022 06:30:32 GMT";
        let rows = [
            (
                "GP-1",
                "NvPwMZqiUkYyfDwG",
                "POST",
                json,
                november,
                otc,
                order,
                "pSK8CLf03MJzmSPmeDyqsrSIuwyy1QvExmxmf3sme4w=",
            ),
            (
                "GP-3",
                "NvPwMZqiUkYyfDwG",
                "POST",
                json,
                november,
                otc,
                "",
                "+tPrMFb6M+tqffZtYmKV/9DzX6pUc48wfJe++tqHQmA=",
            ),
            (
                "GP-4a",
                "secret",
                "POST",
                json,
                "Thu, 17 Jan 2019 02:45:06 GMT",
                "/gateway/partner",
                r#"{"john":"wick"}"#,
                "CuD7m+X/xmdDNiRqW2st4OMZVxG+Q6FDiRoMZCwHq5A=",
            ),
            (
                "GP-4b",
                "partner-secret",
                "POST",
                json,
                "Mon, 20 Dec 2021 11:33:20 GMT",
                "",
                r#"{"john":"wick"}"#,
                "WohtaZ1XOf/mTCDx1ncJsS4R8h+f0bfzKagkesQB1Qg=",
            ),
            (
                "GP-4c",
                "partnerSecret",
                "GET",
                form,
                july,
                "/",
                "",
                "H/Eytzn6c0EUfqWMRWM9v9b4TsuQ90VdNs2hXMP+Ggc=",
            ),
            (
                "GP-4d",
                "partnerSecret",
                "POST",
                json,
                july,
                "/post",
                r#"{"foo":"bar"}"#,
                "kiTxYZn2sFaLHihx4AW0N3DcA7q29b75FirBvq60h3o=",
            ),
            (
                "GP-5a",
                "partner-secret",
                "POST",
                json,
                epoch,
                "/mocapay/partner/v2/charge/init",
                moca,
                "PvXQnhoUA0JB0zBc7cd8Ci4hiEH/XBVPc++ZhmOL+PE=",
            ),
            (
                "GP-5c",
                "partner-secret",
                "PUT",
                json,
                epoch,
                "/mocapay/partner/v3/payment/cancellation",
                cancel,
                "obvji4Uq1bwZYXr7D9+26t6JsoxLRw6+1S1yz92DhRg=",
            ),
        ];
        for (id, secret, method, content_type, date, path, body, expected) in rows {
            let signed = Signed { method, content_type, date, path, body: body.as_bytes() };
            assert_eq!(signed.signature(secret), expected, "{id}");
        }
    }

    #[test]
    fn every_signed_part_changes_the_signature() {
        let base =
            Signed { method: "POST", content_type: "application/json", date: "d", path: "/p", body: b"{}" };
        let others = [
            Signed { method: "PUT", ..base },
            Signed { content_type: "application/json; charset=utf-8", ..base },
            Signed { date: "e", ..base },
            Signed { path: "/p?x=1", ..base },
            Signed { body: b"{ }", ..base },
        ];
        for other in others {
            assert_ne!(other.signature("s"), base.signature("s"), "{other:?}");
        }
        assert_ne!(base.signature("t"), base.signature("s"));
    }

    #[test]
    fn the_proofs_of_possession_the_sdks_publish() {
        for (id, secret, token, seconds, expected) in [
            (
                "GP-6",
                "client_secret",
                "access_token",
                0,
                "eyJzaWciOiJxaUt2T3R3VnBVQzZBZy1xSVNJZ2ZwWmw0emZlclVrSi1JUkZ0Qkt4eXk0IiwidGltZV9zaW5jZV9lcG9jaCI6MH0",
            ),
            (
                "GP-8",
                "clientSecret",
                "some-access-token-1",
                1_645_690_076,
                "eyJ0aW1lX3NpbmNlX2Vwb2NoIjoxNjQ1NjkwMDc2LCJzaWciOiI2R2xOR0JFX3I0UmZCSFZBMUl2T0ZJUEpSOVl5dXlSSUJ5Sm16dU1venBVIn0",
            ),
            (
                "GP-9",
                "clientSecret",
                "some-access-token",
                1_636_258_588,
                "eyJ0aW1lX3NpbmNlX2Vwb2NoIjogMTYzNjI1ODU4OCwgInNpZyI6ICJpS1ZBRHBtZ09DRDdPOHJtd0o3OWR5elpZOFlsQWF6UjBfSjBWRmtILVZZIn0",
            ),
        ] {
            // The SDKs order and space the members differently; Grab reads them as JSON.
            let read = |text: &str| -> serde_json::Value {
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
            };
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(read(&possession(secret, token, at)), read(expected), "{id}");
        }
    }

    #[test]
    fn pkce_as_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(random_text([7; 32]).len(), 43);
    }

    #[test]
    fn dates_there_and_back_and_no_other_form() {
        let at = DateTime::from_timestamp(1_542_010_855, 0).unwrap();
        assert_eq!(write_date(at), "Mon, 12 Nov 2018 08:20:55 GMT");
        assert_eq!(read_date("Mon, 12 Nov 2018 08:20:55 GMT"), Some(at));
        for other in
            ["2018-11-12T08:20:55Z", "Mon, 12 Nov 2018 08:20:55 +0800", "Tue, 12 Nov 2018 08:20:55 GMT", ""]
        {
            assert_eq!(read_date(other), None, "{other}");
        }
    }

    #[test]
    fn nothing_is_never_the_same() {
        assert!(same("a", "a") && !same("a", "b") && !same("a", "ab") && !same("", ""));
    }
}
