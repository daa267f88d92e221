//! Signatures of Standard Webhooks 1.0.0: `v1,` and the HMAC-SHA256 of `id.timestamp.body`, one for each secret in force.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// The three headers of a message; `wall` is the moment of the try, which receivers hold against their own clock.
///
/// # Errors
/// Words for what cannot be a secret, an id or a body.
pub fn signed(
    secrets: &[SecretString],
    id: &str,
    wall: DateTime<Utc>,
    body: &[u8],
) -> Result<HeaderMap, String> {
    let timestamp = wall.timestamp();
    let sign = |secret: &SecretString| {
        let signer = Webhook::new(secret.expose_secret()).map_err(|error| error.to_string())?;
        signer.sign(id, timestamp, body).map_err(|error| error.to_string())
    };
    let signatures = secrets.iter().map(sign).collect::<Result<Vec<_>, _>>()?.join(" ");
    let mut headers = HeaderMap::new();
    let rows = [
        (HEADER_WEBHOOK_ID, id.to_owned()),
        (HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signatures),
    ];
    for (name, text) in rows {
        headers.insert(name, HeaderValue::from_str(&text).map_err(|error| error.to_string())?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    /// The vector of the specification's reference libraries.
    #[test]
    fn the_published_vector() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let other = SecretString::from("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let (id, wall) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", from_micros(1_614_265_330_000_000));
        let headers = signed(&[secret, other], id, wall, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(headers["webhook-id"], id);
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        let signatures: Vec<&str> = headers["webhook-signature"].to_str().unwrap().split(' ').collect();
        assert_eq!(signatures[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(signatures.len() == 2 && signatures[1].starts_with("v1,") && signatures[1] != signatures[0]);
    }
}
