//! The sandbox's own certificate authority: PayPal's far side signs its notices with a certificate of the name
//! PayPal uses, issued by a root that exists in this data folder only.
//!
//! Made at the first start, kept in the sandbox's file. Whoever trusts the root (`root_der`) does so on purpose: the
//! names are PayPal's, the chain is not. The leaf is reissued a month before it ends.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use serde::{Deserialize, Serialize};

use super::book::{Book, Record};
use super::{SandboxError, serial};
use crate::clock::Clock;
use crate::ids::IdSource;

/// The name PayPal's notice certificates carry in its own sandbox.
const SIGNER: &str = "messageverificationcerts.sandbox.paypal.com";

/// Root and leaf, ready to sign.
pub(super) struct Authority {
    kept: Kept,
    signer: RsaKeyPair,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    root_key_pem: String,
    root_der: String,
    root_pem: String,
    root_from: DateTime<Utc>,
    leaf_key_pem: String,
    leaf_pem: String,
    leaf_until: DateTime<Utc>,
    /// The part of the certificate's address: `CERT-…`.
    leaf_name: String,
}

impl Record for Kept {
    const KIND: &'static str = "authority";
    fn id(&self) -> &str {
        "authority"
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.kept.leaf_name)
    }
}

impl Authority {
    /// Reads what was kept, makes what is absent, reissues a leaf that is about to end.
    pub(super) async fn open(book: &Book, clock: &Clock, ids: &IdSource) -> Result<Authority, SandboxError> {
        let mut session = book.begin().await?;
        let now = clock.wall();
        let mut kept = match session.find::<Kept>("authority").await? {
            Some(kept) => kept,
            None => Kept::make(now, ids).map_err(certificate_error)?,
        };
        if kept.leaf_until - TimeDelta::days(30) < now {
            kept.reissue(now, ids).map_err(certificate_error)?;
        }
        session.put(&kept).await?;
        session.commit().await?;
        let key = KeyPair::from_pem(&kept.leaf_key_pem).map_err(certificate_error)?;
        let signer = RsaKeyPair::from_pkcs8(key.serialized_der())
            .map_err(|rejected| SandboxError::Certificate(rejected.to_string()))?;
        Ok(Authority { kept, signer })
    }

    /// The root certificate, DER.
    pub(super) fn root_der(&self) -> Result<Vec<u8>, SandboxError> {
        STANDARD.decode(&self.kept.root_der).map_err(|error| SandboxError::Certificate(error.to_string()))
    }

    /// The last part of the certificate's address.
    pub(super) fn leaf_name(&self) -> &str {
        &self.kept.leaf_name
    }

    /// The chain as PayPal serves it: PEM, leaf first.
    pub(super) fn chain_pem(&self) -> String {
        format!("{}{}", self.kept.leaf_pem, self.kept.root_pem)
    }

    /// RSA PKCS#1 v1.5 over SHA-256, base64: PayPal's `SHA256withRSA`.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, SandboxError> {
        let mut signature = vec![0; self.signer.public_modulus_len()];
        self.signer
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SandboxError::Certificate("the notice could not be signed".into()))?;
        Ok(STANDARD.encode(signature))
    }
}

impl Kept {
    fn make(now: DateTime<Utc>, ids: &IdSource) -> Result<Kept, rcgen::Error> {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let root = root_params(now).self_signed(&root_key)?;
        let mut kept = Kept {
            root_key_pem: root_key.serialize_pem(),
            root_der: STANDARD.encode(root.der()),
            root_pem: root.pem(),
            root_from: now,
            leaf_key_pem: String::new(),
            leaf_pem: String::new(),
            leaf_until: now,
            leaf_name: String::new(),
        };
        kept.reissue(now, ids)?;
        Ok(kept)
    }

    fn reissue(&mut self, now: DateTime<Utc>, ids: &IdSource) -> Result<(), rcgen::Error> {
        let root_key = KeyPair::from_pem(&self.root_key_pem)?;
        let root = root_params(self.root_from);
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let until = now + TimeDelta::days(365);
        let mut leaf = CertificateParams::new(vec![SIGNER.to_owned()])?;
        leaf.distinguished_name = name(SIGNER);
        valid(&mut leaf, now - TimeDelta::days(1), until);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        let leaf = leaf.signed_by(&key, &Issuer::from_params(&root, &root_key))?;
        self.leaf_key_pem = key.serialize_pem();
        self.leaf_pem = leaf.pem();
        self.leaf_until = until;
        self.leaf_name = format!("CERT-{}", serial::hex(ids));
        Ok(())
    }
}

/// From midnight to midnight UTC; certificates need no finer limit.
fn valid(params: &mut CertificateParams, from: DateTime<Utc>, until: DateTime<Utc>) {
    let calendar = |at: DateTime<Utc>| {
        (at.year(), u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1))
    };
    let (year, month, day) = calendar(from);
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = calendar(until);
    params.not_after = date_time_ymd(year, month, day);
}

/// The same from the same day, so that a later leaf is issued under the same name.
fn root_params(from: DateTime<Utc>) -> CertificateParams {
    let mut root = CertificateParams::default();
    root.distinguished_name = name("Straits sandbox root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut root, from - TimeDelta::days(1), from + TimeDelta::days(3650));
    root
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name.push(DnType::OrganizationName, "Straits sandbox, no trust outside this data folder");
    name
}

fn certificate_error(error: rcgen::Error) -> SandboxError {
    SandboxError::Certificate(error.to_string())
}
