//! Signatures under keys that follow from the master keys: for what leaves the house and must come back unaltered.
//!
//! Each master key gives one signing key, by HKDF-SHA-256 with a purpose of its own: who has a signature, or even the
//! signing key, has nothing of the master key. The newest signs; every one held verifies. A key's id is the first four
//! bytes of its SHA-256.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::{Vault, VaultError};

/// Bytes of a key's id.
pub const SIGNING_KEY_ID: usize = 4;
/// Bytes of a signature.
pub const SIGNATURE: usize = 32;

/// The secret of a signing key; to be kept sealed only.
pub type SigningSecret = Zeroizing<[u8; 32]>;

/// Signs with the newest key, verifies with every key it holds.
#[derive(Clone)]
pub struct Signer {
    keys: Arc<Vec<SigningKey>>,
}

struct SigningKey {
    id: [u8; SIGNING_KEY_ID],
    key: hmac::Key,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

impl Signer {
    /// From secrets, the one that signs first.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SigningSecret>) -> Signer {
        let key = |secret: &SigningSecret| SigningKey {
            id: key_id(secret),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()),
        };
        Signer { keys: Arc::new(secrets.into_iter().map(key).collect()) }
    }

    /// HMAC-SHA-256 over the parts one after another, and the id of the key that made it.
    ///
    /// # Errors
    /// [`VaultError::Cipher`] without any key.
    pub fn sign(&self, message: &[u8]) -> Result<([u8; SIGNING_KEY_ID], [u8; SIGNATURE]), VaultError> {
        let key = self.keys.first().ok_or(VaultError::Cipher)?;
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(hmac::sign(&key.key, message).as_ref());
        Ok((key.id, signature))
    }

    /// The id of the key that signs.
    pub fn key_id(&self) -> Option<[u8; SIGNING_KEY_ID]> {
        self.keys.first().map(|key| key.id)
    }

    /// Whether one of our keys of this id made the signature; the comparison takes the same time wherever it fails.
    pub fn verifies(&self, id: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let mut ours = self.keys.iter().filter(|key| key.id == id);
        ours.any(|key| hmac::verify(&key.key, message, signature).is_ok())
    }
}

/// The id of a signing key.
pub fn key_id(secret: &SigningSecret) -> [u8; SIGNING_KEY_ID] {
    let mut id = [0; SIGNING_KEY_ID];
    id.copy_from_slice(&digest(&SHA256, secret.as_slice()).as_ref()[..SIGNING_KEY_ID]);
    id
}

/// The signing key of a master key.
pub(super) fn derive(master: &[u8], purpose: &str) -> Result<SigningSecret, VaultError> {
    let extracted = Salt::new(HKDF_SHA256, b"straits").extract(master);
    let mut secret = Zeroizing::new([0; 32]);
    let info = [purpose.as_bytes()];
    let expanded = extracted.expand(&info, HKDF_SHA256).map_err(|_| VaultError::Cipher)?;
    expanded.fill(secret.as_mut_slice()).map_err(|_| VaultError::Cipher)?;
    Ok(secret)
}

impl Vault {
    /// The signing secrets of the master keys, newest first.
    pub fn signing_secrets(&self) -> impl Iterator<Item = &SigningSecret> {
        self.keys.iter().map(|key| &key.signing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(master: u8) -> SigningSecret {
        derive(&[master; 32], "a purpose").unwrap()
    }

    #[test]
    fn the_newest_signs_and_every_key_verifies() {
        let (old, new) = (secret(1), secret(2));
        let (id, signature) = Signer::new([&old]).sign(b"message").unwrap();
        let both = Signer::new([&new, &old]);
        assert!(both.verifies(&id, b"message", &signature));
        assert!(!both.verifies(&id, b"messagf", &signature));
        assert!(!both.verifies(&id, b"message", &signature[..31]));
        assert!(!both.verifies(&key_id(&new), b"message", &signature), "under another key's id");
        assert!(!Signer::new([&new]).verifies(&id, b"message", &signature));
        assert_eq!(both.key_id(), Some(key_id(&new)));
        assert!(Signer::new([]).sign(b"message").is_err());
    }

    #[test]
    fn a_signing_key_belongs_to_its_purpose() {
        let other = derive(&[1; 32], "another purpose").unwrap();
        assert_ne!(secret(1), other);
        // RFC 5869's extract and expand, computed apart: HMAC(HMAC("straits", 01 × 32), "a purpose" ‖ 01).
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"straits"), &[1; 32]);
        let expanded = hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref());
        let expected = hmac::sign(&expanded, b"a purpose\x01");
        assert_eq!(secret(1).as_slice(), expected.as_ref());
    }
}
