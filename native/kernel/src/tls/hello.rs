//! The hellos and the other clear or extension-like messages of TLS 1.3 (RFC 8446 section 4), as far as
//! `tls/handshake_messages.py` reads them. None for whatever is unusual.

const SERVER_NAME: u16 = 0;
const STATUS_REQUEST: u16 = 5;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const POST_HANDSHAKE_AUTH: u16 = 49;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xFE0D;
const MOST_NAMES: usize = 64;
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

pub struct ClientHello {
    pub server_name: Option<String>,
    pub protocols: Vec<String>,
    pub newest: u16,
    pub status_requested: bool,
    pub post_handshake_auth: bool,
}

pub struct ServerHello {
    pub suite: u16,
    pub resumed: bool,
}

/// The bytes at `at`, `size` of them; None behind the end.
pub fn part(data: &[u8], at: usize, size: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(size)?)
}

pub fn number(data: &[u8], at: usize, size: usize) -> Option<usize> {
    Some(part(data, at, size)?.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)))
}

/// The extensions of a list, with its length ahead, which does not count: the message's end does.
fn extensions(data: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let (kind, size) = (number(data, at, 2)?, number(data, at + 2, 2)?);
        let found = &data[at + 4..data.len().min(at + 4 + size)];
        at += 4 + size;
        Some((kind as u16, found))
    })
}

/// The first of a kind counts.
fn first(data: &[u8], wanted: u16) -> Option<&[u8]> {
    extensions(data).find(|(kind, _)| *kind == wanted).map(|(_, found)| found)
}

fn ascii(bytes: &[u8]) -> Option<String> {
    bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The names of an ALPN extension; None if one is not ASCII.
fn names(data: &[u8]) -> Option<Vec<String>> {
    let (mut found, mut at) = (Vec::new(), 2);
    while at < data.len() && found.len() < MOST_NAMES {
        let end = at + 1 + usize::from(data[at]);
        found.push(ascii(&data[at + 1..data.len().min(end)])?);
        at = end;
    }
    Some(found)
}

/// The first of them: from a server, the chosen one. The outer None: it is not ASCII.
pub fn chosen_protocol(encrypted_extensions: &[u8]) -> Option<Option<String>> {
    let data = first(encrypted_extensions, ALPN).unwrap_or(b"");
    if data.len() < 3 {
        return Some(None);
    }
    let name = ascii(&data[3..data.len().min(3 + usize::from(data[2]))])?;
    Some(if name.is_empty() { None } else { Some(name) })
}

/// The body of a ClientHello.
pub fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let version = number(body, 0, 2)? as u16;
    let at = 35 + number(body, 34, 1)?;
    let suites = number(body, at, 2)?;
    if suites % 2 != 0 {
        return None;
    }
    part(body, at + 2, suites)?;
    let at = at + 2 + suites;
    let at = at + 1 + number(body, at, 1)?;
    let data = body.get(at..)?;
    if extensions(data).any(|(kind, _)| kind == EARLY_DATA || kind == ENCRYPTED_CLIENT_HELLO) {
        return None;
    }
    let server_name = first(data, SERVER_NAME).unwrap_or(b"");
    let mut name = None;
    if server_name.len() >= 5 && server_name[2] == 0 {
        let end = 5 + number(server_name, 3, 2)?;
        name = Some(ascii(&server_name[5..server_name.len().min(end)])?).filter(|name| !name.is_empty());
    }
    let listed = first(data, SUPPORTED_VERSIONS).unwrap_or(b"");
    let offered =
        listed.get(1..).unwrap_or(b"").chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let known = |version: &u16| *version == 0x0200 || (0x0300..=TLS13).contains(version);
    Some(ClientHello {
        server_name: name,
        protocols: names(first(data, ALPN).unwrap_or(b""))?,
        newest: offered.filter(known).max().unwrap_or(version),
        status_requested: first(data, STATUS_REQUEST).is_some(),
        post_handshake_auth: first(data, POST_HANDSHAKE_AUTH).is_some(),
    })
}

/// The body of a ServerHello that chooses TLS 1.3.
pub fn server_hello(body: &[u8]) -> Option<ServerHello> {
    if number(body, 0, 2)? as u16 != TLS12 || part(body, 2, 32)? == RETRY {
        return None;
    }
    let at = 35 + number(body, 34, 1)?;
    let suite = number(body, at, 2)? as u16;
    let data = body.get(at + 3..)?;
    if number(body, at + 2, 1)? != 0 || first(data, SUPPORTED_VERSIONS)? != TLS13.to_be_bytes() {
        return None;
    }
    Some(ServerHello { suite, resumed: first(data, PRE_SHARED_KEY).is_some() })
}

/// What a server's Certificate says: the first one's DER, how many there are, whether a response of OCSP
/// comes with the first.
pub struct Certificates<'a> {
    pub own: &'a [u8],
    pub chain: usize,
    pub stapled: bool,
}

/// The body of a Certificate; None where its lengths are not in order.
pub fn certificates(body: &[u8]) -> Option<Certificates<'_>> {
    let mut at = 1 + number(body, 0, 1)? + 3;
    let (mut own, mut chain, mut stapled): (&[u8], usize, bool) = (b"", 0, false);
    while at < body.len() {
        let size = number(body, at, 3)?;
        let certificate = part(body, at + 3, size)?;
        at += 3 + size;
        let behind = 2 + number(body, at, 2)?;
        if chain == 0 {
            own = certificate;
            stapled = first(part(body, at, behind)?, STATUS_REQUEST).is_some();
        }
        part(body, at, behind)?;
        at += behind;
        chain += 1;
    }
    (chain > 0).then_some(Certificates { own, chain, stapled })
}
