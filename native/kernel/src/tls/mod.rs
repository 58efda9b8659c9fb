//! TLS 1.3 from the first byte on: a plain handshake, and the records behind it (RFC 8446).
//!
//! Plain is one ClientHello and one ServerHello in a record each, AES-GCM, no early data, no second hello, no
//! client certificate, one secret of each kind. `tls/at_once.py` asks, and `tls/session.py` reads all else.

pub mod hello;
mod runs;
mod sealed;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use hello::{ClientHello, ServerHello, number};
pub use runs::{RecordRun, RecordRun12};
pub use sealed::Cipher;
use sealed::Suite;

pub const HEADER: usize = 5;
const LONGEST_RECORD: usize = (1 << 14) + 2048;
pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const NEW_SESSION_TICKET: u8 = 4;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;
const MOST_HANDSHAKE: usize = 1 << 20;

const NO_RENEGOTIATION: u8 = 100;
const TAIL: usize = 16;
/// Records that are remembered: `MOST_NUMBERS` of `tls/numbering.py`.
const MOST_NUMBERS: usize = 32;
/// Bytes of a side behind its handshake; OpenSSL is faster with many.
const MOST_BEHIND: usize = 1 << 18;

/// A record's number, offset, size and last bytes.
type Numbered = (u64, i64, usize, Vec<u8>);
/// An alert's side, description, whether it is fatal, and where its record begins and ends.
type Alert = (u8, u8, bool, i64, i64);

type Secret<'py> = Bound<'py, PyBytes>;
/// Of the handshake and of what follows, the client's first.
type Secrets<'py> = (Secret<'py>, Secret<'py>, Secret<'py>, Secret<'py>);

/// One direction, as far as it was read.
pub struct Side<'a> {
    data: &'a [u8],
    base: i64,
    pub at: usize,
    records: u64,
    pub finished: i64,
    number: u8,
}

/// How the next record of a direction is to be taken.
pub enum Next {
    Record(u8, usize),
    Incomplete,
    Strange,
}

impl<'a> Side<'a> {
    pub fn new(number: u8, data: &'a [u8], base: i64) -> Side<'a> {
        Side { data, base, at: 0, records: 0, finished: -1, number }
    }

    /// The kind of the next record, and where it ends.
    pub fn next(&self) -> Next {
        let Some(&[kind, major, _, high, low]) = self.data.get(self.at..self.at + HEADER) else {
            return Next::Incomplete;
        };
        let size = usize::from(high) << 8 | usize::from(low);
        let end = self.at + HEADER + size;
        if !(CHANGE_CIPHER_SPEC..=24).contains(&kind) || major != 3 || size > LONGEST_RECORD {
            Next::Strange
        } else if end > self.data.len() {
            Next::Incomplete
        } else {
            Next::Record(kind, end)
        }
    }

    pub fn take(&mut self, end: usize) {
        self.at = end;
        self.records += 1;
    }

    pub fn offset(&self) -> i64 {
        self.base + self.at as i64
    }

    /// The body of the hello that is all of the first record.
    fn hello(&mut self, kind: u8) -> Option<&'a [u8]> {
        let Next::Record(HANDSHAKE, end) = self.next() else { return None };
        let message = &self.data[HEADER..end];
        if *message.first()? != kind || number(message, 1, 3)? != message.len() - 4 {
            return None;
        }
        self.take(end);
        Some(&message[4..])
    }

    /// The messages of this side up to its Finished; None for anything but that.
    fn flight(&mut self, cipher: &mut Cipher) -> Option<Vec<(u8, Vec<u8>)>> {
        let (mut messages, mut held) = (Vec::new(), Vec::new());
        loop {
            let Next::Record(kind, end) = self.next() else { return None };
            if kind == CHANGE_CIPHER_SPEC {
                self.take(end); // means nothing (RFC 8446 section 5)
                continue;
            }
            let text = self.sealed(kind, end, cipher)?;
            let (HANDSHAKE, content) = inner(&text) else { return None };
            held.extend_from_slice(content);
            while let Some(size) = number(&held, 1, 3) {
                if size > MOST_HANDSHAKE {
                    return None;
                }
                if held.len() < 4 + size {
                    break;
                }
                let rest = held.split_off(4 + size);
                let kind = held[0];
                messages.push((kind, held.split_off(4)));
                held = rest;
                if kind == FINISHED {
                    self.finished = self.offset();
                    self.take(end);
                    return held.is_empty().then_some(messages);
                }
            }
            self.take(end);
        }
    }

    pub fn sealed(&self, kind: u8, end: usize, cipher: &mut Cipher) -> Option<Vec<u8>> {
        if kind != APPLICATION {
            return None;
        }
        let (header, body) = self.data[self.at..end].split_at(HEADER);
        cipher.open(header, body)
    }
}

/// Content type and content of a TLSInnerPlaintext, without its padding.
pub fn inner(text: &[u8]) -> (u8, &[u8]) {
    match text.iter().rposition(|&byte| byte != 0) {
        Some(last) => (text[last], &text[..last]),
        None => (0, b""),
    }
}

/// Whether these are whole messages that change nothing: tickets.
pub fn are_tickets(mut content: &[u8]) -> bool {
    while !content.is_empty() {
        let size = match number(content, 1, 3) {
            Some(size) if content[0] == NEW_SESSION_TICKET && content.len() >= 4 + size => 4 + size,
            _ => return false,
        };
        content = &content[size..];
    }
    true
}

/// What was said behind the handshake.
struct Said<'py> {
    texts: Bound<'py, PyList>,
    alerts: Vec<Alert>,
    numbers: Vec<Numbered>,
    /// What comes next is for Python, if anything does.
    stopped: bool,
}

/// The records of a side from `side.at` on, up to the first that is unusual.
fn behind<'py>(py: Python<'py>, side: &mut Side<'_>, cipher: &mut Cipher) -> PyResult<Said<'py>> {
    let mut said = Said { texts: PyList::empty(py), alerts: Vec::new(), numbers: Vec::new(), stopped: false };
    if side.data.len() - side.at > MOST_BEHIND {
        said.stopped = true;
        return Ok(said);
    }
    loop {
        let (kind, end) = match side.next() {
            Next::Record(kind, end) => (kind, end),
            Next::Incomplete => return Ok(said),
            Next::Strange => break,
        };
        if kind == CHANGE_CIPHER_SPEC {
            side.take(end);
            continue;
        }
        let Some(text) = side.sealed(kind, end, cipher) else { break };
        let places = (side.offset(), side.base + end as i64);
        match inner(&text) {
            (APPLICATION, content) => {
                let unpadded = content.len() + 1 == text.len();
                if unpadded || !content.is_empty() {
                    said.texts.append((PyBytes::new(py, content), places.0, places.1))?;
                }
            }
            (ALERT, &[level, description, ..]) => {
                if description == NO_RENEGOTIATION {
                    cipher.sequence -= 1;
                    break;
                }
                said.alerts.push((side.number, description, level == 2, places.0, places.1));
            }
            (HANDSHAKE, content) if side.number == 0 || !are_tickets(content) => {
                cipher.sequence -= 1;
                break;
            }
            _ => {}
        }
        let body = &side.data[side.at + HEADER..end];
        let tail = body[body.len() - TAIL..].to_vec();
        said.numbers.push((cipher.sequence - 1, places.0, body.len(), tail));
        side.take(end);
    }
    said.stopped = true;
    Ok(said)
}

/// One side when all was read that could be: records, the next one's number, the last ones.
struct Left {
    records: u64,
    sequence: u64,
    numbers: Vec<Numbered>,
}

impl Left {
    fn new(side: &Side<'_>, cipher: &Cipher, mut numbers: Vec<Numbered>) -> Left {
        let old = numbers.len().saturating_sub(MOST_NUMBERS);
        numbers.drain(..old);
        Left { records: side.records, sequence: cipher.sequence, numbers }
    }
}

/// A session whose handshake is complete.
#[pyclass(frozen)]
pub struct Tls13 {
    #[pyo3(get)]
    server_name: Option<Py<PyString>>,
    #[pyo3(get)]
    protocols: Vec<String>,
    #[pyo3(get)]
    newest: u16,
    #[pyo3(get)]
    status_requested: bool,
    #[pyo3(get)]
    post_handshake_auth: bool,
    #[pyo3(get)]
    suite: u16,
    #[pyo3(get)]
    resumed: bool,
    #[pyo3(get)]
    protocol: Option<String>,
    #[pyo3(get)]
    certificate: Py<PyBytes>,
    #[pyo3(get)]
    chain: usize,
    #[pyo3(get)]
    stapled: bool,
    #[pyo3(get)]
    finished: (i64, i64),
    /// By side: bytes that were read.
    #[pyo3(get)]
    taken: (usize, usize),
    #[pyo3(get)]
    texts: (Py<PyList>, Py<PyList>),
    #[pyo3(get)]
    alerts: Vec<Alert>,
    /// Whether something came that Python has to read.
    #[pyo3(get)]
    stopped: bool,
    left: [Left; 2],
}

#[pymethods]
impl Tls13 {
    /// Of a side: records, number of the next one, the last ones as `RecordNumbers` has them.
    fn left<'py>(&self, py: Python<'py>, side: usize) -> PyResult<Bound<'py, PyTuple>> {
        let left = &self.left[side.min(1)];
        let numbers = PyList::empty(py);
        for (number, start, size, tail) in &left.numbers {
            numbers.append((number, start, size, PyBytes::new(py, tail)))?;
        }
        (left.records, left.sequence, numbers).into_pyobject(py)
    }
}

/// Reads sessions; what many have in common is one object.
#[pyclass]
pub struct Tls13Reader {
    certificate: Py<PyBytes>,
    server_name: Option<Py<PyString>>,
}

#[pymethods]
impl Tls13Reader {
    #[new]
    fn new(py: Python<'_>) -> Self {
        Tls13Reader { certificate: PyBytes::new(py, b"").unbind(), server_name: None }
    }

    /// A session from the first bytes of both sides on, at these offsets; None where it is not a plain one, or
    /// where its handshake is not complete.
    fn read(
        &mut self,
        py: Python<'_>,
        client: &[u8],
        server: &[u8],
        starts: (i64, i64),
        secrets: Secrets<'_>,
    ) -> PyResult<Option<Tls13>> {
        let (mut client, mut server) = (Side::new(0, client, starts.0), Side::new(1, server, starts.1));
        let (first, second, third, fourth) = &secrets;
        let secrets = [first, second, third, fourth].map(|secret| secret.as_bytes());
        let Some(shaken) = shake(&mut client, &mut server, secrets) else { return Ok(None) };
        let Shaken { asked, answered, protocol, certificate, mut ciphers } = shaken;
        let (own, chain, stapled) = match &certificate {
            None => (PyBytes::new(py, b"").unbind(), 0, false),
            Some(body) => {
                let Some(found) = hello::certificates(body) else { return Ok(None) };
                if found.own != self.certificate.bind(py).as_bytes() {
                    self.certificate = PyBytes::new(py, found.own).unbind();
                }
                (self.certificate.clone_ref(py), found.chain, found.stapled)
            }
        };
        let server_name = self.shared_name(py, asked.server_name.as_deref())?;
        // The server's are read first: the client's second flight waits for its hello.
        let theirs = behind(py, &mut server, &mut ciphers.1)?;
        let ours = behind(py, &mut client, &mut ciphers.0)?;
        let mut alerts = theirs.alerts;
        alerts.extend(ours.alerts);
        Ok(Some(Tls13 {
            server_name,
            protocols: asked.protocols,
            newest: asked.newest,
            status_requested: asked.status_requested,
            post_handshake_auth: asked.post_handshake_auth,
            suite: answered.suite,
            resumed: answered.resumed,
            protocol,
            certificate: own,
            chain,
            stapled,
            finished: (client.finished, server.finished),
            taken: (client.at, server.at),
            texts: (ours.texts.unbind(), theirs.texts.unbind()),
            alerts,
            stopped: ours.stopped || theirs.stopped,
            left: [
                Left::new(&client, &ciphers.0, ours.numbers),
                Left::new(&server, &ciphers.1, theirs.numbers),
            ],
        }))
    }
}

impl Tls13Reader {
    fn shared_name(&mut self, py: Python<'_>, name: Option<&str>) -> PyResult<Option<Py<PyString>>> {
        let Some(name) = name else { return Ok(None) };
        if let Some(known) = &self.server_name
            && known.bind(py).to_str()? == name
        {
            return Ok(Some(known.clone_ref(py)));
        }
        let made = PyString::new(py, name).unbind();
        self.server_name = Some(made.clone_ref(py));
        Ok(Some(made))
    }
}

/// A complete handshake, and the ciphers for what follows it.
pub struct Shaken {
    pub asked: ClientHello,
    pub answered: ServerHello,
    pub protocol: Option<String>,
    pub certificate: Option<Vec<u8>>,
    pub ciphers: (Cipher, Cipher),
}

/// `secrets`: of the handshake and of what follows, the client's first.
pub fn shake(client: &mut Side<'_>, server: &mut Side<'_>, secrets: [&[u8]; 4]) -> Option<Shaken> {
    let asked = hello::client_hello(client.hello(CLIENT_HELLO)?)?;
    let answered = hello::server_hello(server.hello(SERVER_HELLO)?)?;
    let suite = Suite::of(answered.suite)?;
    let mut messages = server.flight(&mut Cipher::new(suite, secrets[1])?)?;
    let kinds: Vec<u8> = messages.iter().map(|(kind, _)| *kind).collect();
    let certificate = match kinds[..] {
        [ENCRYPTED_EXTENSIONS, FINISHED] => None,
        [ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED] => Some(messages.swap_remove(1).1),
        _ => return None,
    };
    let protocol = hello::chosen_protocol(&messages[0].1)?;
    let finished = client.flight(&mut Cipher::new(suite, secrets[0])?)?;
    if finished.len() != 1 {
        return None;
    }
    let ciphers = (Cipher::new(suite, secrets[2])?, Cipher::new(suite, secrets[3])?);
    Some(Shaken { asked, answered, protocol, certificate, ciphers })
}
