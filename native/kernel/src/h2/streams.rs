//! One stream of HTTP/2 with a plain request and a plain response, and a gRPC call in it: what
//! `http/stream_exchange.py` and `http/grpc.py` follow, without objects before it is over.

use super::fields::{Field, Name};
use super::frames::Frame;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rustc_hash::FxHashMap;
use std::sync::Arc;

const PREFIX: usize = 5;
const COMPRESSED: u8 = 0x01;
const LONGEST_STATUS: usize = 9;
const MOST_DIGITS: usize = 18;
const SERVER: usize = 1;
const MOST_TYPES: usize = 64;
const LONGEST_TYPE: usize = 256;

/// The classes that messages become.
pub struct Classes {
    pub exchange: Py<PyAny>,
    pub request: Py<PyAny>,
    pub response: Py<PyAny>,
    pub grpc: Py<PyAny>,
    /// `zlib.crc32`.
    pub digest: Py<PyAny>,
    /// Whether a type of contents is a stream of events.
    pub has_events: Py<PyAny>,
    /// What it said.
    pub types: FxHashMap<Box<[u8]>, bool>,
}

impl Classes {
    /// Whether contents of the type that a field names are a stream of events.
    fn events(&mut self, py: Python<'_>, kind: &Field) -> PyResult<bool> {
        if let Some(known) = self.types.get(&kind.value) {
            return Ok(*known);
        }
        let found = self.has_events.bind(py).call1((kind.pair.bind(py).get_item(1)?,))?.is_truthy()?;
        if self.types.len() < MOST_TYPES && kind.value.len() <= LONGEST_TYPE {
            self.types.insert(kind.value.clone(), found);
        }
        Ok(found)
    }
}

/// A message so far.
pub struct Message {
    headers: Vec<Arc<Field>>,
    trailers: Vec<Arc<Field>>,
    /// Of a response.
    status: u16,
    start: i64,
    end: i64,
    packet: i64,
    last_packet: i64,
    time: i64,
    last_time: i64,
    size: u64,
    declared: Option<u64>,
    complete: bool,
    digest: Option<u32>,
    longest_pause: i64,
    whole_at: Option<(i64, i64)>,
}

/// A call, of kind `grpc`.
#[derive(Default)]
struct Grpc {
    timeout: Option<u128>,
    prefixes: [Vec<u8>; 2],
    left: [u64; 2],
    messages: [u64; 2],
    largest: [u64; 2],
    compressed: u64,
    status: Option<Status>,
    missing: u64,
}

/// How a call ended, and where that stands.
pub struct Status {
    number: u32,
    packet: i64,
    time: i64,
}

/// A block of header fields behind a stream's first: a response, or trailers, and the call's status in them.
pub struct Further {
    response: Option<Message>,
    status: Option<Status>,
}

/// A stream that nothing unusual has happened to.
pub struct Stream {
    number: u32,
    messages: [Option<Message>; 2],
    pub ended: [bool; 2],
    grpc: Option<Grpc>,
}

impl Stream {
    /// A stream that begins with this block of the client's; None if that is no plain request.
    pub fn opened(fields: &[Arc<Field>], frame: &Frame) -> Option<Stream> {
        let method = first(fields, Name::Method)?;
        let path = first(fields, Name::Path)?;
        let plain = are_plain(fields, &[Name::Method, Name::Scheme, Name::Authority, Name::Path])
            && first(fields, Name::Scheme).is_some_and(|scheme| !scheme.is_empty())
            && !method.is_empty()
            && &*method.value != b"CONNECT"
            && !path.is_empty()
            && path.value.iter().all(u8::is_ascii_graphic);
        if !plain {
            return None;
        }
        let grpc = match first(fields, Name::ContentType) {
            Some(kind) if is_grpc(&kind.value)? => Some(Grpc {
                timeout: first(fields, Name::GrpcTimeout).and_then(|field| timeout(&field.value)),
                ..Grpc::default()
            }),
            _ => None,
        };
        let message = Message::new(fields, frame, 0)?;
        if frame.ends() && message.declared.unwrap_or(0) != 0 {
            return None;
        }
        Some(Stream { number: frame.stream, messages: [Some(message), None], ended: [false; 2], grpc })
    }

    /// What a further block of header fields is; None if it is not plain.
    pub fn further(
        &self,
        py: Python<'_>,
        classes: &mut Classes,
        fields: &[Arc<Field>],
        frame: &Frame,
    ) -> PyResult<Option<Further>> {
        let side = frame.side;
        if self.ended[side] {
            return Ok(None);
        }
        if let Some(message) = &self.messages[side] {
            let plain = message.trailers.is_empty() && !fields.is_empty() && are_plain(fields, &[]);
            return Ok(if plain { self.with_status(fields, frame, None) } else { None });
        }
        let Some(status) = first(fields, Name::Status) else { return Ok(None) };
        let &[hundreds @ b'2'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = &*status.value else {
            return Ok(None);
        };
        let status = [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        if side != SERVER || !are_plain(fields, &[Name::Status]) {
            return Ok(None);
        }
        if let Some(kind) = first(fields, Name::ContentType)
            && classes.events(py, kind)?
        {
            return Ok(None);
        }
        let Some(message) = Message::new(fields, frame, status) else { return Ok(None) };
        Ok(self.with_status(fields, frame, Some(message)))
    }

    fn with_status(
        &self,
        fields: &[Arc<Field>],
        frame: &Frame,
        response: Option<Message>,
    ) -> Option<Further> {
        let status = match &self.grpc {
            Some(grpc) if frame.side == SERVER => grpc.status_in(fields, frame)?,
            _ => None,
        };
        let size = match (&response, &self.messages[frame.side]) {
            (Some(response), _) => self.agrees(response, frame.side, 0),
            (None, Some(message)) => self.agrees(message, frame.side, message.size),
            (None, None) => false,
        };
        (size || !frame.ends()).then_some(Further { response, status })
    }

    /// Take a further block of header fields.
    pub fn take(&mut self, further: Further, fields: Vec<Arc<Field>>, frame: &Frame) {
        if let (Some(grpc), Some(status)) = (&mut self.grpc, further.status) {
            grpc.end(status);
        }
        if further.response.is_some() {
            self.messages[SERVER] = further.response;
        } else if let Some(message) = &mut self.messages[frame.side] {
            message.trailers = fields;
            message.extend(frame);
        }
    }

    /// Whether `data` can take the part, and `end` what may end with it.
    pub fn admits(&self, py: Python<'_>, frame: &Frame) -> bool {
        let side = frame.side;
        let Some(message) = &self.messages[side] else { return false };
        let part = frame.payload(py).len() as u64;
        let bodiless = part > 0 && side == SERVER && message.is_bodiless();
        let agrees = !frame.ends() || self.agrees(message, side, message.size + part);
        agrees && !bodiless && !self.ended[side]
    }

    /// Whether a body of this size is what was announced (RFC 9113 section 8.1.1).
    fn agrees(&self, message: &Message, side: usize, size: u64) -> bool {
        let Some(declared) = message.declared else { return true };
        let head = || matches!(&self.messages[0], Some(request) if request.is_head());
        declared == size || (side == SERVER && size == 0 && (message.is_bodiless() || head()))
    }

    /// Take a part of the content.
    pub fn data(&mut self, py: Python<'_>, classes: &Classes, frame: &Frame) -> PyResult<()> {
        let part = frame.payload(py);
        let Some(message) = &mut self.messages[frame.side] else { return Ok(()) };
        message.size += part.len() as u64;
        if frame.side != SERVER && !part.is_empty() {
            let digest = classes.digest.bind(py).call1((part, message.digest.unwrap_or(0)))?;
            message.digest = Some(digest.extract()?);
        }
        if let Some(grpc) = &mut self.grpc {
            grpc.feed(frame.side, part);
        }
        if frame.side == SERVER && !part.is_empty() && message.declared == Some(message.size) {
            message.whole_at = Some((frame.last_time, frame.last_packet));
        }
        message.extend(frame);
        Ok(())
    }

    /// A side ends the stream; whether both have.
    pub fn end(&mut self, frame: &Frame) -> bool {
        self.ended[frame.side] = true;
        if let Some(message) = &mut self.messages[frame.side] {
            message.extend(frame);
            message.complete = true;
        }
        self.ended == [true; 2]
    }

    /// Request and response as Python has them, and the call's facts.
    fn made<'py>(&self, py: Python<'py>, classes: &Classes) -> PyResult<[Option<Bound<'py, PyAny>>; 3]> {
        let [request, response] = &self.messages;
        let grpc = match (&self.grpc, request) {
            (Some(grpc), Some(request)) => Some(grpc.made(py, classes, request)?),
            _ => None,
        };
        let request = request.as_ref().map(|message| message.request(py, classes)).transpose()?;
        let response = response.as_ref().map(|message| message.response(py, classes)).transpose()?;
        Ok([request, response, grpc])
    }

    /// The exchange, which is complete.
    pub fn exchange<'py>(&self, py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyAny>> {
        let [request, response, grpc] = self.made(py, classes)?;
        let complete = intern!(py, "complete");
        let first = (0, 0, 0, request, response, complete, py.None(), py.None(), PyList::empty(py));
        let then = (intern!(py, "h2"), self.number, false, py.None(), py.None(), py.None(), grpc);
        let (first, then) = (first.into_pyobject(py)?, then.into_pyobject(py)?);
        classes.exchange.bind(py).call1(first.add(then)?.cast_into::<PyTuple>()?)
    }

    /// What `Http2._adopt` takes, to follow the stream in Python from here on.
    pub fn left<'py>(&self, py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyTuple>> {
        let [request, response, facts] = self.made(py, classes)?;
        let grpc = match (facts, &self.grpc) {
            (Some(facts), Some(grpc)) => {
                Some((facts, grpc.prefixes.each_ref().map(Vec::as_slice), grpc.left).into_pyobject(py)?)
            }
            _ => None,
        };
        (self.number, request, response, self.ended, grpc).into_pyobject(py)
    }
}

impl Message {
    /// None if a length is announced that is none, or twice.
    fn new(fields: &[Arc<Field>], frame: &Frame, status: u16) -> Option<Message> {
        let mut declared = None;
        for field in fields.iter().filter(|field| field.name == Name::ContentLength) {
            let is_number = (1..=MOST_DIGITS).contains(&field.value.len())
                && field.value.iter().all(u8::is_ascii_digit)
                && declared.is_none();
            if !is_number {
                return None;
            }
            declared = Some(field.value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        }
        Some(Message {
            headers: fields.to_vec(),
            trailers: Vec::new(),
            status,
            start: frame.start,
            end: frame.end,
            packet: frame.packet,
            last_packet: frame.last_packet,
            time: frame.time,
            last_time: frame.last_time,
            size: 0,
            declared,
            complete: false,
            digest: None,
            longest_pause: 0,
            whole_at: None,
        })
    }

    fn extend(&mut self, frame: &Frame) {
        self.longest_pause = self.longest_pause.max(frame.time - self.last_time);
        self.end = frame.end;
        (self.last_packet, self.last_time) = (frame.last_packet, frame.last_time);
    }

    fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 304)
    }

    fn is_head(&self) -> bool {
        first(&self.headers, Name::Method).is_some_and(|method| &*method.value == b"HEAD")
    }

    fn value<'py>(&self, py: Python<'py>, name: Name) -> PyResult<Bound<'py, PyAny>> {
        match first(&self.headers, name) {
            Some(field) => field.pair.bind(py).get_item(1),
            None => Ok(PyString::new(py, "").into_any()),
        }
    }

    fn framing<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        if self.complete && self.size > 0 { intern!(py, "stream") } else { intern!(py, "none") }
    }

    fn request<'py>(&self, py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyAny>> {
        let (method, target) = (self.value(py, Name::Method)?, self.value(py, Name::Path)?);
        let (version, headers) = (intern!(py, "HTTP/2"), pairs(py, &self.headers)?);
        let first = (method, target, version, headers, self.start, self.end, self.packet, self.last_packet);
        let framing = self.framing(py);
        let then = (self.time, self.last_time, self.size, self.complete, framing, self.declared, false);
        let rest = (self.digest, pairs(py, &self.trailers)?);
        let all = first.into_pyobject(py)?.add(then.into_pyobject(py)?)?.add(rest.into_pyobject(py)?)?;
        classes.request.bind(py).call1(all.cast_into::<PyTuple>()?)
    }

    fn response<'py>(&self, py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyAny>> {
        let (version, headers) = (intern!(py, "HTTP/2"), pairs(py, &self.headers)?);
        let (reason, framing) = (intern!(py, ""), self.framing(py));
        let first = (self.status, reason, version, headers, self.start, self.end, self.packet);
        let then = (self.last_packet, self.time, self.last_time, self.size, self.complete, framing);
        let (trailers, defects) = (pairs(py, &self.trailers)?, PyList::empty(py));
        let rest = (
            self.declared,
            false,
            trailers,
            defects,
            py.None(),
            py.None(),
            self.longest_pause,
            self.whole_at,
        );
        let all = first.into_pyobject(py)?.add(then.into_pyobject(py)?)?.add(rest.into_pyobject(py)?)?;
        classes.response.bind(py).call1(all.cast_into::<PyTuple>()?)
    }
}

impl Grpc {
    /// Take a part of one side's messages.
    fn feed(&mut self, side: usize, mut part: &[u8]) {
        while !part.is_empty() {
            if self.left[side] > 0 {
                let taken = self.left[side].min(part.len() as u64);
                self.left[side] -= taken;
                part = &part[taken as usize..];
                self.messages[side] += u64::from(self.left[side] == 0);
                continue;
            }
            let prefix = &mut self.prefixes[side];
            let taken = (PREFIX - prefix.len()).min(part.len());
            prefix.extend_from_slice(&part[..taken]);
            part = &part[taken..];
            if let &[flags, a, b, c, d] = prefix.as_slice() {
                prefix.clear();
                let size = u64::from(u32::from_be_bytes([a, b, c, d]));
                self.left[side] = size;
                self.largest[side] = self.largest[side].max(size);
                self.compressed += u64::from(side == SERVER && flags & COMPRESSED != 0);
                self.messages[side] += u64::from(size == 0);
            }
        }
    }

    /// The status in trailers, or in the header block of a response without messages, if there is one; None
    /// if they say more of it.
    fn status_in(&self, fields: &[Arc<Field>], frame: &Frame) -> Option<Option<Status>> {
        let Some(status) = first(fields, Name::GrpcStatus) else { return Some(None) };
        if !(1..=LONGEST_STATUS).contains(&status.value.len()) || !status.value.iter().all(u8::is_ascii_digit)
        {
            return Some(None);
        }
        if self.status.is_some() || first(fields, Name::GrpcMessage).is_some_and(|field| !field.is_empty()) {
            return None;
        }
        let number = status.value.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        Some(Some(Status { number, packet: frame.packet, time: frame.time }))
    }

    fn end(&mut self, status: Status) {
        self.status = Some(status);
        let begun = self.prefixes[SERVER].len();
        self.missing = match self.left[SERVER] {
            0 if begun > 0 => (PREFIX - begun) as u64,
            left => left,
        };
    }

    fn made<'py>(
        &self,
        py: Python<'py>,
        classes: &Classes,
        request: &Message,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = PyDict::new(py);
        if let Some(status) = &self.status {
            facts.set_item(intern!(py, "status"), status.number)?;
            facts.set_item(intern!(py, "status_packet"), status.packet)?;
            facts.set_item(intern!(py, "status_ns"), status.time)?;
        }
        facts.set_item(intern!(py, "messages"), PyList::new(py, self.messages)?)?;
        facts.set_item(intern!(py, "largest"), PyList::new(py, self.largest)?)?;
        facts.set_item(intern!(py, "timeout_ns"), self.timeout)?;
        facts.set_item(intern!(py, "missing"), self.missing)?;
        facts.set_item(intern!(py, "compressed"), self.compressed)?;
        classes.grpc.bind(py).call((request.value(py, Name::Path)?,), Some(&facts))
    }
}

fn first(fields: &[Arc<Field>], name: Name) -> Option<&Field> {
    fields.iter().find(|field| field.name == name).map(|field| &**field)
}

/// Whether nothing is unusual about the fields: pseudo-header fields are among the allowed, once each, and
/// stand ahead of the others.
fn are_plain(fields: &[Arc<Field>], allowed: &[Name]) -> bool {
    let mut seen = [false; 4];
    let mut regular = false;
    for field in fields {
        if field.name == Name::Unusual {
            return false;
        }
        if !field.name.is_pseudo() {
            regular = true;
            continue;
        }
        let Some(place) = allowed.iter().position(|&name| name == field.name) else { return false };
        if regular || std::mem::replace(&mut seen[place], true) {
            return false;
        }
    }
    true
}

fn pairs<'py>(py: Python<'py>, fields: &[Arc<Field>]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, fields.iter().map(|field| field.pair.bind(py)))
}

/// Whether contents of this type are messages of gRPC; None of gRPC-Web.
fn is_grpc(kind: &[u8]) -> Option<bool> {
    let all = b"application/grpc";
    let (begin, rest) = kind.split_at(kind.len().min(all.len()));
    if !begin.eq_ignore_ascii_case(all) {
        return Some(false);
    }
    match rest.first() {
        None | Some(b'+' | b';' | b' ') => Some(true),
        Some(b'-') => None,
        Some(_) => Some(false),
    }
}

/// A call's deadline, in ns: at most eight digits and a unit.
fn timeout(value: &[u8]) -> Option<u128> {
    let (unit, digits) = value.split_last()?;
    let unit: u128 = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    Some(number * unit)
}
