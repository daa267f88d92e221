//! Is a notice PayPal's: the part that is pure.
//!
//! Signed is `transmission_id|transmission_time|webhook_id|crc32(body)` with RSA PKCS#1 v1.5 and SHA-256, by a key
//! whose certificate is named `messageverificationcerts*.paypal.com` and chains to a pinned root. The webhook id is
//! ours, never the request's. CRC-32 resists no forger who holds a genuine signature, so a verified notice is a hint:
//! the flow asks PayPal before anything follows from it.
//!
//! Checked against PayPal's published signature (2017) and its published signed string (2015).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The only algorithm PayPal signs with.
pub const ALGORITHM: &str = "SHA256withRSA";
/// PayPal's certificates carry id-kp-serverAuth (1.3.6.1.5.5.7.3.1).
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// A leaf and its intermediates; more is no chain of PayPal's.
const LONGEST_CHAIN: usize = 8;

/// What PayPal signs.
pub fn signed_message(
    transmission_id: &str,
    transmission_time: &str,
    webhook_id: &str,
    body: &[u8],
) -> String {
    format!("{transmission_id}|{transmission_time}|{webhook_id}|{}", crc32fast::hash(body))
}

/// The certificates of a PEM text, leaf first.
///
/// # Errors
/// In words: no PEM, none, too many.
pub fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).take(LONGEST_CHAIN + 1).collect();
    let chain = chain.map_err(|error| format!("not a certificate: {error}"))?;
    match chain.len() {
        0 => Err("no certificate at the named address".into()),
        1..=LONGEST_CHAIN => Ok(chain),
        _ => Err("the certificate chain is too long".into()),
    }
}

/// The leaf is PayPal's signing certificate and chains to one of `anchors`, everything valid `at` that time.
///
/// # Errors
/// In words: name, chain, validity, purpose.
pub fn verify_chain(
    chain: &[CertificateDer<'static>],
    anchors: &[TrustAnchor<'_>],
    at: DateTime<Utc>,
) -> Result<(), String> {
    let (leaf, intermediates) = chain.split_first().ok_or("no certificate")?;
    let name = common_name(leaf)?;
    if !(name.starts_with("messageverificationcerts") && name.ends_with(".paypal.com")) {
        return Err(format!("the certificate is `{name}`'s, not a PayPal message certificate"));
    }
    let seconds = u64::try_from(at.timestamp()).map_err(|_| "a time before 1970")?;
    EndEntityCert::try_from(leaf)
        .map_err(|error| format!("certificate: {error}"))?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            anchors,
            intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            KeyUsage::required(SERVER_AUTH),
            None,
            None,
        )
        .map(drop)
        .map_err(|error| format!("certificate chain: {error}"))
}

/// The message is signed by the leaf's key.
///
/// # Errors
/// In words.
pub fn verify_signature(leaf: &CertificateDer<'_>, message: &str, signature: &str) -> Result<(), String> {
    let signature = STANDARD.decode(signature).map_err(|_| "the signature is not base64")?;
    EndEntityCert::try_from(leaf)
        .map_err(|error| format!("certificate: {error}"))?
        .verify_signature(webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .map_err(|_| "the signature does not fit the body".into())
}

/// When a certificate ends, for the alarm before it does; nothing where it cannot be read.
pub fn not_after(certificate: &CertificateDer<'_>) -> Option<DateTime<Utc>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0)
}

/// The subject's only common name.
fn common_name(certificate: &CertificateDer<'_>) -> Result<String, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "the certificate cannot be read")?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next().and_then(|name| name.as_str().ok()).ok_or("the certificate has no name")?;
    match names.next() {
        None => Ok(name.to_owned()),
        Some(_) => Err("the certificate has several names".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const ID: &str = "071f7d20-1584-11e7-abf0-6b62a8a99ac4";
    const TIME: &str = "2017-03-30T20:04:05Z";
    const WEBHOOK: &str = "96605875FF6516633";

    /// PayPal's published files; they are not ours to commit.
    fn published(name: &str) -> Option<Vec<u8>> {
        let Some(folder) = std::env::var_os("STRAITS_REFERENCE_DIR") else {
            eprintln!("skipped: STRAITS_REFERENCE_DIR is not set, PayPal's published vectors are not here");
            return None;
        };
        let path = PathBuf::from(folder).join("gateways/vectors").join(name);
        Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn the_signature_that_paypal_published_verifies_and_no_other() {
        let Some(body) = published("paypal_webhook_body.json") else { return };
        let signature = String::from_utf8(published("paypal_webhook_sig.txt").unwrap()).unwrap();
        let signature = signature.trim();
        let chain = read_chain(&published("paypal_testClientCert.crt").unwrap()).unwrap();

        let message = signed_message(ID, TIME, WEBHOOK, &body);
        assert_eq!(message, format!("{ID}|{TIME}|{WEBHOOK}|3494065244"));
        assert_eq!(verify_signature(&chain[0], &message, signature), Ok(()));

        let mut altered = body.clone();
        altered[100] ^= 1;
        for wrong in [
            signed_message(ID, TIME, "NotToBeFound", &body),
            signed_message(ID, TIME, WEBHOOK, &altered),
            signed_message(ID, "2017-03-30T20:04:06Z", WEBHOOK, &body),
        ] {
            assert!(verify_signature(&chain[0], &wrong, signature).is_err(), "{wrong}");
        }
        for garbled in ["", "!!!", &signature[4..]] {
            assert!(verify_signature(&chain[0], &message, garbled).is_err());
        }
    }

    #[test]
    fn the_published_certificate_chains_to_its_root_in_its_time_only() {
        let Some(leaf) = published("paypal_testClientCert.crt") else { return };
        let intermediate = published("DigiCertSHA2ExtendedValidationServerCA.crt.pem").unwrap();
        let root = read_chain(&published("DigiCertHighAssuranceEVRootCA.crt.pem").unwrap()).unwrap();
        let anchors = [webpki::anchor_from_trusted_cert(&root[0]).unwrap()];
        let chain = read_chain(&[leaf.clone(), b"\n".to_vec(), intermediate].concat()).unwrap();
        assert_eq!(chain.len(), 2);

        assert_eq!(verify_chain(&chain, &anchors, at(TIME)), Ok(()));
        for (why, chain, anchors, time) in [
            ("after its time", &chain[..], &anchors[..], "2020-01-01T00:00:00Z"),
            ("before its time", &chain[..], &anchors[..], "2016-01-01T00:00:00Z"),
            ("without its intermediate", &chain[..1], &anchors[..], TIME),
            ("without a root", &chain[..], &anchors[..0], TIME),
            ("an authority is no signer of messages", &chain[1..], &anchors[..], TIME),
        ] {
            assert!(verify_chain(chain, anchors, at(time)).is_err(), "{why}");
        }
    }

    #[test]
    fn both_ways_of_writing_a_certificates_end_are_read() {
        for year in [1999, 2049, 2050] {
            let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 2);
            let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            assert_eq!(not_after(certificate.der()), Some(at(&format!("{year}-01-02T00:00:00Z"))));
            assert_eq!(not_after(&certificate.der()[..40].to_vec().into()), None, "cut short");
        }
    }

    #[test]
    fn the_signed_string_that_paypal_published_in_2015() {
        let Some(body) = published("paypal_event_2015.json") else { return };
        assert_eq!(
            signed_message(
                "dfb3be50-fd74-11e4-8bf3-77339302725b",
                "2015-05-18T15:45:13Z",
                "4JH86294D6297924G",
                &body
            ),
            "dfb3be50-fd74-11e4-8bf3-77339302725b|2015-05-18T15:45:13Z|4JH86294D6297924G|2771810304"
        );
    }

    #[test]
    fn the_check_number_is_written_unsigned() {
        assert_eq!(signed_message("i", "t", "w", b"123456789"), "i|t|w|3421780262");
    }
}
