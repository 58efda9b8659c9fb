//! The records of one direction under one traffic secret (RFC 8446 sections 5.2, 5.3, 7.1 and 7.3).

use aes_gcm::aead::{AeadInOut, KeyInit as _};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};

const TAG: usize = 16;
const IV: usize = 12;

/// The suites that are read here, by their registered numbers; all others are Python's.
#[derive(Clone, Copy)]
pub enum Suite {
    Aes128Sha256,
    Aes256Sha384,
}

impl Suite {
    pub fn of(number: u16) -> Option<Suite> {
        match number {
            0x1301 => Some(Suite::Aes128Sha256),
            0x1302 => Some(Suite::Aes256Sha384),
            _ => None,
        }
    }
}

enum Aead {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

/// Opens records, in order.
pub struct Cipher {
    aead: Aead,
    iv: [u8; IV],
    pub sequence: u64,
}

impl Cipher {
    /// None where the secret has another size than the suite's hash.
    pub fn new(suite: Suite, secret: &[u8]) -> Option<Cipher> {
        let (aead, iv) = match suite {
            Suite::Aes128Sha256 if secret.len() == 32 => {
                let hash = Hmac::<Sha256>::new_from_slice(secret).ok()?;
                let key = expanded(hash.clone(), b"key", 16);
                let cipher = Aes128Gcm::new_from_slice(&key[..16]).ok()?;
                (Aead::Aes128(Box::new(cipher)), expanded(hash, b"iv", IV))
            }
            Suite::Aes256Sha384 if secret.len() == 48 => {
                let hash = Hmac::<Sha384>::new_from_slice(secret).ok()?;
                let key = expanded(hash.clone(), b"key", 32);
                let cipher = Aes256Gcm::new_from_slice(&key[..32]).ok()?;
                (Aead::Aes256(Box::new(cipher)), expanded(hash, b"iv", IV))
            }
            _ => return None,
        };
        Some(Cipher { aead, iv: iv[..IV].try_into().ok()?, sequence: 0 })
    }

    /// Of a key and an IV that are known, from a number on; None for keys of another size.
    pub fn of_key(key: &[u8], iv: &[u8], sequence: u64) -> Option<Cipher> {
        let aead = match key.len() {
            16 => Aead::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            32 => Aead::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            _ => return None,
        };
        Some(Cipher { aead, iv: iv.try_into().ok()?, sequence })
    }

    /// The TLSInnerPlaintext of a record, with content type and padding; None if it does not authenticate.
    /// Only success counts the record.
    pub fn open(&mut self, header: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.open_into(&mut text, header, body).then_some(text)
    }

    /// The same, into a buffer whose contents are replaced; whether it authenticates.
    pub fn open_into(&mut self, text: &mut Vec<u8>, header: &[u8], body: &[u8]) -> bool {
        if body.len() < TAG {
            return false;
        }
        let mut nonce = self.iv;
        for (byte, number) in nonce[IV - 8..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        let nonce = Nonce::from(nonce);
        text.clear();
        text.extend_from_slice(body);
        let opened = match &self.aead {
            Aead::Aes128(cipher) => cipher.decrypt_in_place(&nonce, header, text),
            Aead::Aes256(cipher) => cipher.decrypt_in_place(&nonce, header, text),
        };
        self.sequence += u64::from(opened.is_ok());
        opened.is_ok()
    }
}

/// HKDF-Expand-Label with an empty context, of no more than one block of the hash.
fn expanded<H: Mac>(mut hash: H, label: &[u8], size: usize) -> Vec<u8> {
    const PREFIX: &[u8] = b"tls13 ";
    hash.update(&[0, size as u8, (PREFIX.len() + label.len()) as u8]);
    hash.update(PREFIX);
    hash.update(label);
    hash.update(&[0, 1]); // no context; the first block (RFC 5869 section 2.3)
    hash.finalize().into_bytes().to_vec()
}
