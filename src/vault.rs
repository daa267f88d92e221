//! Secrets at rest: AES-256-GCM under the master key.
//!
//! A sealed value is `version ‖ key id ‖ nonce ‖ ciphertext ‖ tag`. The key id is the first eight bytes of the key's
//! SHA-256, so that a wrong key is told apart from altered bytes, and two keys can be valid while one replaces the
//! other. The associated data names the row and column a value belongs to: a ciphertext moved elsewhere does not open.

/// Signatures under keys that follow from the master keys.
mod signing;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::ids::IdSource;

pub use signing::{SIGNATURE, SIGNING_KEY_ID, Signer, SigningSecret};

const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const HEADER: usize = 1 + KEY_ID + NONCE;
/// The file that sandbox mode keeps its key in, inside the data folder.
pub const KEY_FILE: &str = "master.key";

/// Why a value does not open, or a key is none.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Sealed under a key that is not here.
    #[error(
        "master_key_mismatch: the value was sealed under the master key {sealed_under}, which is not the one given; start with that key, or add it behind the new one, separated by a comma"
    )]
    MasterKeyMismatch {
        /// The id of the key it needs.
        sealed_under: String,
    },
    /// The bytes or their place were altered.
    #[error("the sealed value was altered or belongs to another row")]
    Altered,
    /// Not a key.
    #[error("a master key is 32 bytes written as 64 hexadecimal digits")]
    NotAKey,
    /// The key's file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cipher refused.
    #[error("the cipher refused")]
    Cipher,
}

struct Key {
    id: [u8; KEY_ID],
    cipher: LessSafeKey,
    signing: SigningSecret,
}

/// What the signing keys are for.
const SIGNING: &str = "straits quote token v1";

/// Seals under the newest key and opens under every key it holds.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<Vec<Key>>,
    ids: IdSource,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.keys.len())
    }
}

impl Vault {
    /// From keys in hex, newest first, separated by commas or line ends.
    ///
    /// # Errors
    /// [`VaultError::NotAKey`].
    pub fn new(keys: &SecretString, ids: IdSource) -> Result<Vault, VaultError> {
        let texts = keys.expose_secret().split([',', '\n']).map(str::trim).filter(|text| !text.is_empty());
        let keys = texts.map(Key::read).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(VaultError::NotAKey);
        }
        Ok(Vault { keys: Arc::new(keys), ids })
    }

    /// From the file in the data folder, made with a random key (mode 0600) if there is none. Sandbox mode only: a
    /// key beside the data it seals guards against a copied database, not against a copied folder.
    ///
    /// # Errors
    /// [`VaultError::File`], [`VaultError::NotAKey`].
    pub fn from_data_folder(folder: &Path, ids: IdSource) -> Result<Vault, VaultError> {
        let path = folder.join(KEY_FILE);
        let failed = |source| VaultError::File { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => Vault::new(&SecretString::from(text), ids),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = Zeroizing::new(fresh_key(&ids));
                write_private(&path, text.as_bytes()).map_err(failed)?;
                Vault::new(&SecretString::from(text.as_str()), ids)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether a data folder has a key file.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(KEY_FILE).exists()
    }

    /// Seals `plain` for one place; `place` names it, such as `payments/pay_…/secrets`.
    ///
    /// # Errors
    /// [`VaultError::Cipher`].
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.keys.first().ok_or(VaultError::Cipher)?;
        let nonce: [u8; NONCE] = self.ids.random_bytes();
        let mut body = plain.to_vec();
        key.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut body,
            )
            .map_err(|_| VaultError::Cipher)?;
        Ok([&[VERSION][..], &key.id, &nonce, &body].concat())
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// [`VaultError::MasterKeyMismatch`], [`VaultError::Altered`].
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(VaultError::Altered)?;
        if header[0] != VERSION {
            return Err(VaultError::Altered);
        }
        let id = &header[1..=KEY_ID];
        let key = self
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or_else(|| VaultError::MasterKeyMismatch { sealed_under: hex(id) })?;
        let nonce =
            Nonce::try_assume_unique_for_key(&header[1 + KEY_ID..]).map_err(|_| VaultError::Altered)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = key
            .cipher
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut body)
            .map_err(|_| VaultError::Altered)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// Whether the value is sealed under the newest key already.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        self.keys.first().is_some_and(|key| sealed.get(1..=KEY_ID) == Some(&key.id[..]))
    }

    /// Whether it opens what was sealed under the key of this id.
    pub fn holds(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| hex(&key.id) == key_id)
    }

    /// The newest key's id, for people.
    pub fn key_id(&self) -> String {
        self.keys.first().map(|key| hex(&key.id)).unwrap_or_default()
    }
}

impl Key {
    fn read(text: &str) -> Result<Key, VaultError> {
        let bytes = Zeroizing::new(unhex(text).ok_or(VaultError::NotAKey)?);
        let cipher = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| VaultError::NotAKey)?;
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..KEY_ID]);
        Ok(Key { id, cipher: LessSafeKey::new(cipher), signing: signing::derive(&bytes, SIGNING)? })
    }
}

/// A new key in hex.
pub fn fresh_key(ids: &IdSource) -> String {
    hex(&ids.random_bytes::<32>())
}

/// Writes a file that only its owner reads, whole or not at all.
///
/// # Errors
/// What the system said.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(partial, path)?;
    // The name lies in the folder: without this a power cut could leave sealed rows and no key.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    // `from_str_radix` would take `+f` for a pair of digits.
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};

    fn ids() -> IdSource {
        IdSource::seeded(Clock::fixed(from_micros(0)), 1)
    }

    fn vault(keys: &str) -> Vault {
        Vault::new(&SecretString::from(keys), ids()).unwrap()
    }

    const OLD: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const NEW: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

    #[test]
    fn opens_only_in_its_place_unaltered_and_under_its_key() {
        let sealed = vault(OLD).seal("payments/1", b"secret").unwrap();
        assert_eq!(vault(OLD).open("payments/1", &sealed).unwrap().as_slice(), b"secret");
        assert!(matches!(vault(OLD).open("payments/2", &sealed), Err(VaultError::Altered)));
        assert!(matches!(vault(NEW).open("payments/1", &sealed), Err(VaultError::MasterKeyMismatch { .. })));
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(vault(OLD).open("payments/1", &altered).is_err(), "byte {place}");
        }
        assert!(vault(OLD).open("payments/1", &sealed[..HEADER + 3]).is_err());
    }

    #[test]
    fn two_keys_are_valid_while_one_replaces_the_other() {
        let sealed = vault(OLD).seal("x", b"secret").unwrap();
        let both = vault(&format!("{NEW},{OLD}"));
        assert!(!both.is_current(&sealed));
        let again = both.seal("x", &both.open("x", &sealed).unwrap()).unwrap();
        assert_eq!(vault(NEW).open("x", &again).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Vault::from_data_folder(folder.path(), ids()).unwrap().seal("x", b"s").unwrap();
        assert!(Vault::from_data_folder(folder.path(), ids()).unwrap().open("x", &sealed).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in ["", "00", &OLD[1..], &format!("{}g", &OLD[1..]), &"+f".repeat(32)] {
            assert!(Vault::new(&SecretString::from(text), ids()).is_err(), "{text}");
        }
    }
}
