//! Keys and signatures: ed25519 in OpenSSH's own formats, so that `ssh-keygen` makes and checks them too.
//!
//! A signature is an `SSH SIGNATURE` over a namespace and a message (`ssh-keygen -Y sign -n NAMESPACE`): one made for a
//! plan is none for a checkpoint.

mod store;

pub use store::{load, load_or_create};

use std::path::PathBuf;

use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// The namespace of signatures over plan files.
pub const PLAN: &str = "sayso-plan";
/// The namespace of signatures over checkpoints of the audit log.
pub const CHECKPOINT: &str = "sayso-checkpoint";

/// Why something could not be signed, or a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key file cannot be read or made.
    #[error("cannot use the key `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Others may read the private key.
    #[error("the key `{}` can be read by others", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It has a passphrase.
    #[error("the key has a passphrase")]
    Encrypted,
    /// It is no ed25519 key in OpenSSH's format.
    #[error("this is no ed25519 key in OpenSSH's format")]
    NoKey,
    /// It is no signature in OpenSSH's format.
    #[error("this is no signature in OpenSSH's format")]
    NoSignature,
    /// The signature is not of this key over this message.
    #[error("the signature does not fit")]
    Wrong,
}

impl SignError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            SignError::Open { .. } => Some("take the rights of group and others away: `chmod 600`"),
            SignError::Encrypted => {
                Some("sign with `ssh-keygen -Y sign -n sayso-plan`, and pass it with --signature")
            }
            SignError::NoKey => Some("`ssh-keygen -t ed25519` makes one"),
            _ => None,
        }
    }
}

/// A private key. It does not show itself.
#[derive(Clone)]
pub struct Key(PrivateKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.fingerprint())
    }
}

impl Key {
    /// Reads a private key in OpenSSH's format.
    pub fn read(text: &str) -> Result<Key, SignError> {
        let key = PrivateKey::from_openssh(text).map_err(|_| SignError::NoKey)?;
        if key.is_encrypted() {
            return Err(SignError::Encrypted);
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(SignError::NoKey);
        }
        Ok(Key(key))
    }

    /// A new key from the system's randomness.
    pub fn generate(comment: &str) -> Result<Key, SignError> {
        let mut key = PrivateKey::random(&mut ssh_key::rand_core::OsRng, Algorithm::Ed25519)
            .map_err(|_| SignError::NoKey)?;
        key.set_comment(comment);
        Ok(Key(key))
    }

    /// The private key as a file holds it.
    fn to_file(&self) -> Result<String, SignError> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(|_| SignError::NoKey)?;
        Ok(text.to_string())
    }

    /// The public key, as a line of `authorized_keys`.
    pub fn public(&self) -> String {
        self.0.public_key().to_openssh().unwrap_or_default()
    }

    /// What people compare: `SHA256:...`.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Signs a message for a namespace.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String, SignError> {
        let signature = self
            .0
            .sign(namespace, HashAlg::Sha512, message)
            .map_err(|_| SignError::NoKey)?;
        signature
            .to_pem(LineEnding::LF)
            .map_err(|_| SignError::NoSignature)
    }
}

/// Checks a signature by the public key in this line of `authorized_keys`.
pub fn verify(public: &str, namespace: &str, message: &[u8], signature: &str) -> Result<(), SignError> {
    let key = read_public(public)?;
    let signature = SshSig::from_pem(signature.trim()).map_err(|_| SignError::NoSignature)?;
    key.verify(namespace, message, &signature)
        .map_err(|_| SignError::Wrong)
}

/// The public key inside a signature, as a line of `authorized_keys`.
pub fn signer(signature: &str) -> Result<String, SignError> {
    let signature = SshSig::from_pem(signature.trim()).map_err(|_| SignError::NoSignature)?;
    PublicKey::from(signature.public_key().clone())
        .to_openssh()
        .map_err(|_| SignError::NoKey)
}

/// Whether two lines name the same key, whatever their comments.
pub fn is_same_key(one: &str, other: &str) -> bool {
    match (read_public(one), read_public(other)) {
        (Ok(one), Ok(other)) => one.key_data() == other.key_data(),
        _ => false,
    }
}

/// What people call the owner of a key: the line's comment, otherwise the key's fingerprint.
pub fn owner(public: &str) -> String {
    match read_public(public) {
        Ok(key) if !key.comment().is_empty() => key.comment().to_owned(),
        Ok(key) => key.fingerprint(HashAlg::Sha256).to_string(),
        Err(_) => "an unreadable key".to_owned(),
    }
}

fn read_public(line: &str) -> Result<PublicKey, SignError> {
    let key = PublicKey::from_openssh(line.trim()).map_err(|_| SignError::NoKey)?;
    (key.algorithm() == Algorithm::Ed25519)
        .then_some(key)
        .ok_or(SignError::NoKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_one_namespace_and_one_message() {
        let (ann, bob) = (Key::generate("ann").unwrap(), Key::generate("bob").unwrap());
        let signature = ann.sign(PLAN, b"scale").unwrap();
        assert!(verify(&ann.public(), PLAN, b"scale", &signature).is_ok());
        assert!(verify(&bob.public(), PLAN, b"scale", &signature).is_err());
        assert!(verify(&ann.public(), CHECKPOINT, b"scale", &signature).is_err());
        assert!(verify(&ann.public(), PLAN, b"drain", &signature).is_err());
        assert!(verify(&ann.public(), PLAN, b"scale", "nonsense").is_err());
        assert!(is_same_key(&signer(&signature).unwrap(), &ann.public()));
        assert_eq!(owner(&ann.public()), "ann");
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = Key::generate("ann").unwrap();
        let file = key.to_file().unwrap();
        let middle = file.lines().nth(2).unwrap();
        assert!(!format!("{key:?}").contains(middle));
        assert_eq!(Key::read(&file).unwrap().public(), key.public());
    }
}
