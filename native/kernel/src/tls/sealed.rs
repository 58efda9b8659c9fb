//! The records of one direction under one traffic secret (RFC 8446 sections 5.2, 5.3, 7.1 and 7.3), or under keys of
//! TLS 1.2 (RFC 5246 section 6.2.3.3, RFC 5288).

use aes_gcm::aead::{AeadInOut, KeyInit as _};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};

const TAG: usize = 16;
const IV: usize = 12;
/// Of TLS 1.2: what the handshake gives of the nonce, and what the record has of it.
const SALT: usize = 4;
const EXPLICIT: usize = 8;

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

impl Aead {
    /// None for keys of another size.
    fn of(key: &[u8]) -> Option<Aead> {
        match key.len() {
            16 => Some(Aead::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?))),
            32 => Some(Aead::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?))),
            _ => None,
        }
    }

    /// Decrypt in place, without the tag; whether it authenticates.
    fn open(&self, nonce: [u8; IV], extra: &[u8], text: &mut Vec<u8>) -> bool {
        let nonce = Nonce::from(nonce);
        match self {
            Aead::Aes128(cipher) => cipher.decrypt_in_place(&nonce, extra, text),
            Aead::Aes256(cipher) => cipher.decrypt_in_place(&nonce, extra, text),
        }
        .is_ok()
    }
}

/// Opens records of TLS 1.2, in order: AES-GCM, whose nonce is half in the record (RFC 5288 section 3).
pub struct Cipher12 {
    aead: Aead,
    salt: [u8; SALT],
    pub sequence: u64,
}

impl Cipher12 {
    /// None for keys of another size.
    pub fn of_key(key: &[u8], salt: &[u8]) -> Option<Cipher12> {
        Some(Cipher12 { aead: Aead::of(key)?, salt: salt.try_into().ok()?, sequence: 0 })
    }

    /// Put the text of a record into a buffer whose contents are replaced; whether it authenticates. `head`: the
    /// record's type and version. Only success counts the record.
    pub fn open_into(&mut self, text: &mut Vec<u8>, head: [u8; 3], body: &[u8]) -> bool {
        let Some(size) = body.len().checked_sub(EXPLICIT + TAG) else { return false };
        let Ok(size) = u16::try_from(size) else { return false };
        let (mut nonce, mut extra) = ([0; IV], [0; 13]);
        nonce[..SALT].copy_from_slice(&self.salt);
        nonce[SALT..].copy_from_slice(&body[..EXPLICIT]);
        extra[..8].copy_from_slice(&self.sequence.to_be_bytes());
        extra[8..11].copy_from_slice(&head);
        extra[11..].copy_from_slice(&size.to_be_bytes());
        text.clear();
        text.extend_from_slice(&body[EXPLICIT..]);
        let opened = self.aead.open(nonce, &extra, text);
        self.sequence += u64::from(opened);
        opened
    }
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
        Some(Cipher { aead: Aead::of(key)?, iv: iv.try_into().ok()?, sequence })
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
        text.clear();
        text.extend_from_slice(body);
        let opened = self.aead.open(nonce, header, text);
        self.sequence += u64::from(opened);
        opened
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
