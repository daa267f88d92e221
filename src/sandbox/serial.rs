//! The far sides' own ids and tokens, in the forms their gateways use.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::IdSource;

/// `n` capital letters and digits: a PayPal order, capture or refund id.
pub(super) fn capitals(ids: &IdSource, n: usize) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPRSTUVWXY";
    let bytes = ids.random_bytes::<32>();
    bytes.iter().take(n).map(|byte| LETTERS[usize::from(byte & 31)] as char).collect()
}

/// 32 hexadecimal digits: a GrabPay `txID`.
pub(super) fn hex(ids: &IdSource) -> String {
    ids.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 256 random bits, safe in an address: tokens, codes, nonces.
pub(super) fn secret(ids: &IdSource) -> String {
    URL_SAFE_NO_PAD.encode(ids.random_bytes::<32>())
}

/// A random UUID: a PayPal transmission id.
pub(super) fn uuid(ids: &IdSource) -> String {
    uuid::Builder::from_random_bytes(ids.random_bytes::<16>()).into_uuid().to_string()
}

/// What is kept of a secret that only has to be recognised.
pub(super) fn fingerprint(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes()))
}
