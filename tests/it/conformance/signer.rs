//! A root, a certificate with PayPal's name under it, its key, and a stranger's key. Made once.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_RSA_SHA256, RsaKeySize,
};

pub struct Pki {
    pub root_der: Vec<u8>,
    pub chain_pem: String,
    pub key: RsaKeyPair,
    pub stranger: RsaKeyPair,
}

pub static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let mut root = CertificateParams::new(vec![]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "A root for tests");
    let root_key = KeyPair::generate().unwrap();
    let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
    let issuer = Issuer::new(root, root_key);
    let name = "messageverificationcerts.sandbox.paypal.com";
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let rsa = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let (leaf_key, stranger) = (rsa(), rsa());
    let chain_pem = leaf.signed_by(&leaf_key, &issuer).unwrap().pem();
    let pair = |key: &KeyPair| RsaKeyPair::from_pkcs8(&key.serialize_der()).unwrap();
    Pki { root_der, chain_pem, key: pair(&leaf_key), stranger: pair(&stranger) }
});

/// `SHA256withRSA`, base64.
pub fn sign(key: &RsaKeyPair, message: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}
