//! TLS 1.3 from the ClientHello to the last record of a connection that is over.

use crate::tls::hello::{self, ClientHello, ServerHello};
use crate::tls::{
    ALERT, APPLICATION, CHANGE_CIPHER_SPEC, Cipher, HANDSHAKE, Next, Side, are_tickets, inner, shake,
};

use super::Text;

/// Where a ClientHello that begins a record has its random (RFC 8446 sections 4, 4.1.2, 5.1).
const RANDOM: std::ops::Range<usize> = 11..43;
const LEGACY: u8 = 3;
const NEWEST_MINOR: u8 = 4;
const CLOSE_NOTIFY: u8 = 0;
const SETTINGS: u8 = 4;
const HELLO_HEAD: usize = 9;

/// Of the handshake and of what follows, the client's first.
pub type Secrets = [Vec<u8>; 4];

/// A session that was read whole.
pub struct Secure {
    pub asked: ClientHello,
    pub answered: ServerHello,
    pub protocol: Option<String>,
    pub certificate: Vec<u8>,
    pub chain: usize,
    pub stapled: bool,
    /// Where the records with both Finished begin.
    pub finished: [i64; 2],
    pub texts: [Vec<Text>; 2],
    /// Side and offset of each close_notify.
    pub notified: Vec<(usize, i64)>,
}

/// Whether both sides begin with a record of a handshake.
pub fn begins(sent: [&[u8]; 2]) -> bool {
    sent.iter().all(|data| {
        matches!(data, [HANDSHAKE, LEGACY, minor, third, ..] if *minor <= NEWEST_MINOR && *third != SETTINGS)
    })
}

/// The client random.
pub fn random(client: &[u8]) -> Option<&[u8]> {
    client.get(RANDOM)
}

/// Bytes of the ClientHello with its record header, as its length field says.
pub fn hello_size(client: &[u8]) -> usize {
    HELLO_HEAD + hello::number(client, 6, 3).unwrap_or(0)
}

impl Secure {
    /// None where anything in it is unusual.
    pub fn read(sent: [&[u8]; 2], secrets: &Secrets) -> Option<Secure> {
        let (mut client, mut server) = (Side::new(0, sent[0], 0), Side::new(1, sent[1], 0));
        let secrets = secrets.each_ref().map(|secret| &secret[..]);
        let shaken = shake(&mut client, &mut server, secrets)?;
        let (mut certificate, mut chain, mut stapled) = (Vec::new(), 0, false);
        if let Some(body) = &shaken.certificate {
            let found = hello::certificates(body)?;
            (certificate, chain, stapled) = (found.own.to_vec(), found.chain, found.stapled);
        }
        if shaken.protocol.as_deref() == Some("h2") {
            return None;
        }
        let mut ciphers = shaken.ciphers;
        let mut notified = Vec::new();
        let theirs = records(1, &mut server, &mut ciphers.1, &mut notified)?;
        let ours = records(0, &mut client, &mut ciphers.0, &mut notified)?;
        Some(Secure {
            asked: shaken.asked,
            answered: shaken.answered,
            protocol: shaken.protocol,
            certificate,
            chain,
            stapled,
            finished: [client.finished, server.finished],
            texts: [ours, theirs],
            notified,
        })
    }
}

/// What a side said behind its handshake: texts, and where it closed.
fn records(
    number: usize,
    side: &mut Side<'_>,
    cipher: &mut Cipher,
    notified: &mut Vec<(usize, i64)>,
) -> Option<Vec<Text>> {
    let mut texts = Vec::new();
    loop {
        let (kind, end) = match side.next() {
            Next::Record(kind, end) => (kind, end),
            Next::Incomplete => return Some(texts),
            Next::Strange => return None,
        };
        if kind != CHANGE_CIPHER_SPEC {
            let mut text = side.sealed(kind, end, cipher)?;
            let start = side.offset();
            match inner(&text) {
                (APPLICATION, content) => {
                    let size = content.len();
                    if size + 1 == text.len() || size > 0 {
                        text.truncate(size);
                        texts.push((text, start, start + (end - side.at) as i64));
                    }
                }
                (ALERT, &[_, CLOSE_NOTIFY, ..]) => notified.push((number, start)),
                (HANDSHAKE, content) if number == 1 && are_tickets(content) => {}
                _ => return None,
            }
        }
        side.take(end);
    }
}
