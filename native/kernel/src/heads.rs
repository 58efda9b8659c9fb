//! Whole HTTP/1.1 messages, one to a text (RFC 9112): the head, and a body of the length that it announces.

use memchr::{memchr, memmem};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyList, PyString, PyTuple};
use rustc_hash::FxHashMap;

const MOST_CACHED: usize = 4096;
const LONGEST_CACHED: usize = 4096;
const LONGEST_SHARED: usize = 64;
const METHODS: [&[u8]; 6] = [b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"];
/// HEAD, CONNECT and TRACE are not among them: what answers them is framed by other rules.
const VERSION: &[u8] = b" HTTP/1.1";
const STATUS: &[u8] = b"HTTP/1.1 ";
const CONTENT_TYPE: &[u8] = b"content-type";

/// A field line that was read before.
struct Line {
    field: Py<PyTuple>,
    kind: u8,
    size: usize,
}

/// What the fields say of the body and of the connection's end, where that is nothing unusual.
#[derive(Clone, Copy)]
struct Framing {
    length: Option<u64>,
    close: bool,
}

/// The fields of a head: as Python has them, their framing, and how many characters they have.
struct Fields<'py> {
    headers: Bound<'py, PyList>,
    framing: Framing,
    size: usize,
}

/// Messages made, their fields, the characters of those, and whether they have their packets and times.
type Made<'py> = (Bound<'py, PyList>, usize, usize, bool);

/// A run of so many messages is looked up at once; of fewer that costs more than it saves.
const WORTH_PLACING: usize = 16;

/// Reads messages. `learn` and `framing` are those of the parser in Python: it says what a name means, and what
/// fields of meaning say together.
#[pyclass]
pub struct Heads {
    request: Py<PyAny>,
    response: Py<PyAny>,
    learn: Py<PyAny>,
    framing: Py<PyAny>,
    lines: FxHashMap<Box<[u8]>, Line>,
    names: FxHashMap<Box<[u8]>, Py<PyString>>,
    framings: FxHashMap<Vec<u8>, Option<Framing>>,
    words: FxHashMap<Box<[u8]>, Py<PyString>>,
}

#[pymethods]
impl Heads {
    #[new]
    fn new(request: Py<PyAny>, response: Py<PyAny>, learn: Py<PyAny>, framing: Py<PyAny>) -> Self {
        Heads {
            request,
            response,
            learn,
            framing,
            lines: FxHashMap::default(),
            names: FxHashMap::default(),
            framings: FxHashMap::default(),
            words: FxHashMap::default(),
        }
    }

    /// The requests that the texts from `at` on are, up to the first that is not a plain one. `locate` takes offsets,
    /// and returns packets and times.
    fn requests<'py>(
        &mut self,
        py: Python<'py>,
        texts: &Bound<'py, PyList>,
        at: usize,
        locate: &Bound<'py, PyAny>,
    ) -> PyResult<Made<'py>> {
        let (read, fields, size) = self.run(py, texts, at, Self::one_request)?;
        let (made, placed) = made(self.request.bind(py), read, locate)?;
        Ok((made, fields, size, placed))
    }

    /// The same of responses.
    fn responses<'py>(
        &mut self,
        py: Python<'py>,
        texts: &Bound<'py, PyList>,
        at: usize,
        locate: &Bound<'py, PyAny>,
    ) -> PyResult<Made<'py>> {
        let (read, fields, size) = self.run(py, texts, at, Self::one_response)?;
        let (made, placed) = made(self.response.bind(py), read, locate)?;
        Ok((made, fields, size, placed))
    }
}

/// A message that was read: what its class takes first, and what else there is to say of it.
pub struct Message<'py> {
    /// Method and target, or status and reason.
    line: (Bound<'py, PyAny>, Bound<'py, PyAny>),
    headers: Bound<'py, PyList>,
    framing: Framing,
    body: usize,
    start: Bound<'py, PyAny>,
    end: Bound<'py, PyAny>,
    /// Of the headers, in characters.
    pub size: usize,
}

/// Packets of first and last byte, and their times.
type Place<'py> = [Bound<'py, PyAny>; 4];

impl<'py> Message<'py> {
    /// How many fields it has.
    pub fn fields(&self) -> usize {
        self.headers.len()
    }

    fn object(self, class: &Bound<'py, PyAny>, place: Place<'py>) -> PyResult<Bound<'py, PyAny>> {
        let py = class.py();
        let Message { line, headers, framing, body, start, end, .. } = self;
        let framed =
            if framing.length.is_some() { intern!(py, "content-length") } else { intern!(py, "none") };
        let [packet, last_packet, time, last] = place;
        let arguments = [
            line.0,
            line.1,
            intern!(py, "HTTP/1.1").clone().into_any(),
            headers.into_any(),
            start,
            end,
            packet,
            last_packet,
            time,
            last,
            body.into_pyobject(py)?.into_any(),
            PyBool::new(py, true).to_owned().into_any(), // complete
            framed.clone().into_any(),
            framing.length.into_pyobject(py)?.into_any(),
            PyBool::new(py, framing.close).to_owned().into_any(),
        ];
        class.call1(PyTuple::new(py, arguments)?)
    }
}

/// Packets and times of first and last bytes.
type Places<'py> = ((Bound<'py, PyList>, Bound<'py, PyList>), (Bound<'py, PyList>, Bound<'py, PyList>));

/// The messages as objects; whether they have their places.
fn made<'py>(
    class: &Bound<'py, PyAny>,
    messages: Vec<Message<'py>>,
    locate: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyList>, bool)> {
    let py = class.py();
    let places = if messages.len() < WORTH_PLACING { None } else { Some(places(&messages, locate)?) };
    let (made, nowhere) = (PyList::empty(py), 0i64.into_pyobject(py)?.into_any());
    for (index, message) in messages.into_iter().enumerate() {
        let place = match &places {
            None => std::array::from_fn(|_| nowhere.clone()),
            Some((first, last)) => [
                first.0.get_item(index)?,
                last.0.get_item(index)?,
                first.1.get_item(index)?,
                last.1.get_item(index)?,
            ],
        };
        made.append(message.object(class, place)?)?;
    }
    Ok((made, places.is_some()))
}

fn places<'py>(messages: &[Message<'py>], locate: &Bound<'py, PyAny>) -> PyResult<Places<'py>> {
    let py = locate.py();
    let starts = PyList::new(py, messages.iter().map(|message| &message.start))?;
    let mut ends = Vec::with_capacity(messages.len());
    for message in messages {
        ends.push(message.end.extract::<i64>()? - 1);
    }
    Ok((locate.call1((starts,))?.extract()?, locate.call1((ends,))?.extract()?))
}

/// Reads one text; None if it is no plain message.
type Reader =
    for<'py> fn(&mut Heads, Python<'py>, &[u8], &Bound<'py, PyTuple>) -> PyResult<Option<Message<'py>>>;

/// Messages, how many fields they have, and their characters.
type Run<'py> = (Vec<Message<'py>>, usize, usize);

impl Heads {
    /// A request as an object, with the packets of its first and last byte and their times.
    pub fn request_of<'py>(
        &self,
        py: Python<'py>,
        message: Message<'py>,
        place: [i64; 4],
    ) -> PyResult<Bound<'py, PyAny>> {
        message.object(self.request.bind(py), numbers(py, place))
    }

    /// The same of a response.
    pub fn response_of<'py>(
        &self,
        py: Python<'py>,
        message: Message<'py>,
        place: [i64; 4],
    ) -> PyResult<Bound<'py, PyAny>> {
        message.object(self.response.bind(py), numbers(py, place))
    }

    fn run<'py>(
        &mut self,
        py: Python<'py>,
        texts: &Bound<'py, PyList>,
        at: usize,
        read: Reader,
    ) -> PyResult<Run<'py>> {
        let (mut found, mut fields, mut size) = (Vec::new(), 0, 0);
        for index in at..texts.len() {
            let item = texts.get_item(index)?;
            let Ok(text) = item.cast_exact::<PyTuple>() else { break }; // a hole
            let piece = text.get_item(0)?;
            let Ok(bytes) = piece.cast::<PyBytes>() else { break };
            let Some(message) = read(self, py, bytes.as_bytes(), text)? else { break };
            fields += message.headers.len();
            size += message.size;
            found.push(message);
        }
        Ok((found, fields, size))
    }

    pub fn one_request<'py>(
        &mut self,
        py: Python<'py>,
        text: &[u8],
        place: &Bound<'py, PyTuple>,
    ) -> PyResult<Option<Message<'py>>> {
        let Some((line, block, rest)) = parted(text) else { return Ok(None) };
        let Some(line) = line.strip_suffix(VERSION) else { return Ok(None) };
        let Some(space) = memchr(b' ', line) else { return Ok(None) };
        let (method, target) = (&line[..space], &line[space + 1..]);
        if !rest.is_empty() || !METHODS.contains(&method) || target.is_empty() {
            return Ok(None);
        }
        let Some(target) = visible(target) else { return Ok(None) };
        let Some(Fields { headers, framing, size }) = self.fields(py, block)? else { return Ok(None) };
        if framing.length.unwrap_or(0) != 0 {
            return Ok(None);
        }
        let Some(method) = self.word(py, method) else { return Ok(None) };
        let line = (method.into_bound(py).into_any(), PyString::new(py, target).into_any());
        let (start, end) = (place.get_item(1)?, place.get_item(2)?);
        Ok(Some(Message { line, headers, framing, body: 0, start, end, size }))
    }

    pub fn one_response<'py>(
        &mut self,
        py: Python<'py>,
        text: &[u8],
        place: &Bound<'py, PyTuple>,
    ) -> PyResult<Option<Message<'py>>> {
        let Some((line, block, rest)) = parted(text) else { return Ok(None) };
        let Some(line) = line.strip_prefix(STATUS) else { return Ok(None) };
        let &[first @ b'2'..=b'9', second @ b'0'..=b'9', third @ b'0'..=b'9', b' ', ref reason @ ..] = line
        else {
            return Ok(None);
        };
        let status =
            [first, second, third].iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        if status == 204 || status == 304 || memchr(b'\r', reason).is_some() {
            return Ok(None);
        }
        let Some(Fields { headers, framing, size }) = self.fields(py, block)? else { return Ok(None) };
        if framing.length != Some(rest.len() as u64) {
            return Ok(None);
        }
        let Some(reason) = self.word(py, reason) else { return Ok(None) };
        let line = (status.into_pyobject(py)?.into_any(), reason.into_bound(py).into_any());
        let (start, end) = (place.get_item(1)?, place.get_item(2)?);
        Ok(Some(Message { line, headers, framing, body: rest.len(), start, end, size }))
    }

    /// The fields of a block of lines, each with its CRLF; None if any of them is unusual.
    fn fields<'py>(&mut self, py: Python<'py>, mut block: &[u8]) -> PyResult<Option<Fields<'py>>> {
        let mut headers: Vec<Py<PyTuple>> = Vec::with_capacity(16);
        let mut special: Vec<(Py<PyTuple>, u8)> = Vec::new();
        let (mut key, mut size) = (Vec::new(), 0);
        while let Some(end) = memchr(b'\n', block) {
            let Some(line) = block[..end].strip_suffix(b"\r") else { return Ok(None) };
            block = &block[end + 1..];
            if line.len() > LONGEST_CACHED {
                return Ok(None);
            }
            if !self.lines.contains_key(line) {
                let Some(made) = self.learnt(py, line)? else { return Ok(None) };
                if self.lines.len() >= MOST_CACHED {
                    self.lines.clear();
                }
                self.lines.insert(line.into(), made);
            }
            let known = &self.lines[line];
            size += known.size;
            headers.push(known.field.clone_ref(py));
            if known.kind != 0 {
                key.extend_from_slice(line); // has no line end in it
                key.push(b'\n');
                special.push((known.field.clone_ref(py), known.kind));
            }
        }
        let framing = match self.framings.get(&key) {
            Some(framing) => *framing,
            None => {
                if key.len() > LONGEST_CACHED {
                    return Ok(None);
                }
                let made = self.framed(py, special)?;
                if self.framings.len() >= MOST_CACHED {
                    self.framings.clear();
                }
                self.framings.insert(key, made);
                made
            }
        };
        let Some(framing) = framing else { return Ok(None) };
        Ok(Some(Fields { headers: PyList::new(py, headers)?, framing, size }))
    }

    /// A field line that is new; None if it is unusual.
    fn learnt(&mut self, py: Python<'_>, line: &[u8]) -> PyResult<Option<Line>> {
        if line.iter().any(|&byte| byte == 0 || byte == b'\r') {
            return Ok(None);
        }
        let Some(text) = ascii(line) else { return Ok(None) };
        let Some((name, value)) = text.split_once(':') else { return Ok(None) };
        let size = |value: &str| name.len() + value.len();
        if let Some(known) = self.names.get(name.as_bytes()) {
            let value = value.trim_matches([' ', '\t']);
            let field = PyTuple::new(py, [known.bind(py), &PyString::new(py, value)])?.unbind();
            return Ok(Some(Line { field, kind: 0, size: size(value) }));
        }
        let learnt = self.learn.bind(py).call1((text,))?;
        let field: Bound<PyTuple> = learnt.get_item(0)?.cast_into()?;
        let kind: u8 = learnt.get_item(1)?.extract()?;
        // What a type of contents means depends on the type.
        if kind == 0 && !name.as_bytes().eq_ignore_ascii_case(CONTENT_TYPE) && self.names.len() < MOST_CACHED
        {
            self.names.insert(name.as_bytes().into(), field.get_item(0)?.cast_into()?.unbind());
        }
        let size = size(field.get_item(1)?.cast::<PyString>()?.to_str()?);
        Ok(Some(Line { field: field.unbind(), kind, size }))
    }

    /// What fields with a meaning for the framing say together; None if that is unusual.
    fn framed(&self, py: Python<'_>, special: Vec<(Py<PyTuple>, u8)>) -> PyResult<Option<Framing>> {
        let framing = self.framing.bind(py).call1((special,))?;
        for name in
            ["chunked", "transfer_encoding", "upgrade", "broken", "codings", "event_stream", "defects"]
        {
            if framing.getattr(name)?.is_truthy()? {
                return Ok(None);
            }
        }
        let close = framing.getattr("close")?.is_truthy()?;
        let length: Option<u64> = framing.getattr("content_length")?.extract()?;
        Ok(Some(Framing { length, close }))
    }

    /// A word that occurs again and again, as Python has it; None if it is not ASCII.
    fn word(&mut self, py: Python<'_>, bytes: &[u8]) -> Option<Py<PyString>> {
        if let Some(known) = self.words.get(bytes) {
            return Some(known.clone_ref(py));
        }
        let made = PyString::new(py, ascii(bytes)?).unbind();
        if self.words.len() < MOST_CACHED && bytes.len() <= LONGEST_SHARED {
            self.words.insert(bytes.into(), made.clone_ref(py));
        }
        Some(made)
    }
}

fn numbers<'py>(py: Python<'py>, place: [i64; 4]) -> Place<'py> {
    place.map(|number| PyInt::new(py, number).into_any())
}

/// A message's first line, its field lines with their line ends, and what follows the head.
fn parted(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = memmem::find(text, b"\r\n\r\n")?;
    let cut = memchr(b'\n', text)?;
    let line = text[..cut].strip_suffix(b"\r")?;
    Some((line, &text[cut + 1..end + 2], &text[end + 4..]))
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() { std::str::from_utf8(bytes).ok() } else { None }
}

/// The text, if it has visible ASCII characters only (RFC 3986 section 2).
fn visible(bytes: &[u8]) -> Option<&str> {
    if bytes.iter().all(u8::is_ascii_graphic) { std::str::from_utf8(bytes).ok() } else { None }
}
