//! The JSON of exchanges of HTTP/1 and HTTP/2, as `report/json.py` writes it, which says what it looks like.
//!
//! What may be shown is judged in Python (`report/redact/`), once for each field and each form of a target.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use rustc_hash::FxHashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::attributes::{
    BODY_SIZE, COMPLETE, CONNECTION, CONTENT, Classes, DECLARED_SIZE, DEFECTS, DURATION, EVENT_STREAM,
    FRAMING, GRPC, HEADERS, ID, IDLE_BEFORE, INTERIM, LAST, LAST_PACKET, METHOD, ORDINAL, OUTCOME, PACKET,
    PROTOCOL, PUSHED, REASON, REQUEST, RESET, RESPONSE, Row, STATUS, STOPPED, STREAM, TARGET, TIME, TRAILERS,
    VERSION, VIA, WEBSOCKET,
};

const MOST_CACHED: usize = 8192;
const LONGEST_REMEMBERED: usize = 512;
const LONGEST_IDENTIFIER: usize = 64;
const LONGEST_SEGMENT: usize = 31;
const SIZE: usize = 1200;

/// None, or an error: it is to be written by Python.
pub(crate) type Written = PyResult<Option<()>>;

macro_rules! done {
    ($written:expr) => {
        match $written? {
            Some(()) => {}
            None => return Ok(None),
        }
    };
}
pub(crate) use done;

/// Writes exchanges. `classes`: those of exchanges, requests and responses. From Python: `astuple` is msgspec's;
/// `shown` says what may be shown of a field, `identifies` of which names a value that is only an identifier may
/// be, `is_open` of which forms a path may be; `line` shows a line of text, `target` a target, and `encoded` is
/// the whole work for an exchange.
#[pyclass]
pub struct ExchangeWriter {
    classes: Arc<Classes>,
    shown: Py<PyAny>,
    identifies: Py<PyAny>,
    is_open: Py<PyAny>,
    line: Py<PyAny>,
    target: Py<PyAny>,
    encoded: Py<PyAny>,
    names: FxHashMap<Box<str>, bool>,
    forms: FxHashMap<Vec<u8>, bool>,
    lines: FxHashMap<Box<str>, Vec<u8>>,
    /// By the address of the tuple, which lives as long as it stands here.
    fields: FxHashMap<usize, (Py<PyTuple>, Vec<u8>)>,
}

#[pymethods]
impl ExchangeWriter {
    #[new]
    #[allow(clippy::too_many_arguments)] // each is another question to Python
    fn new(
        classes: (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>),
        astuple: Py<PyAny>,
        shown: Py<PyAny>,
        identifies: Py<PyAny>,
        is_open: Py<PyAny>,
        line: Py<PyAny>,
        target: Py<PyAny>,
        encoded: Py<PyAny>,
    ) -> PyResult<Self> {
        Ok(ExchangeWriter {
            classes: Arc::new(Classes::new(&classes, astuple)?),
            shown,
            identifies,
            is_open,
            line,
            target,
            encoded,
            names: FxHashMap::default(),
            forms: FxHashMap::default(),
            lines: FxHashMap::default(),
            fields: FxHashMap::default(),
        })
    }

    /// The exchanges, with commas between them, and the size of each.
    fn write<'py>(
        &mut self,
        py: Python<'py>,
        exchanges: &Bound<'py, PyList>,
    ) -> PyResult<(Bound<'py, PyBytes>, Vec<usize>)> {
        let mut out = Vec::with_capacity(SIZE * exchanges.len());
        let mut sizes = Vec::with_capacity(exchanges.len());
        let classes = Arc::clone(&self.classes);
        for exchange in exchanges {
            if !sizes.is_empty() {
                out.push(b',');
            }
            let start = out.len();
            if !matches!(self.exchange(&mut out, &classes, &exchange), Ok(Some(()))) {
                out.truncate(start);
                let text = self.encoded.bind(py).call1((exchange,))?;
                out.extend_from_slice(text.cast::<PyBytes>()?.as_bytes());
            }
            sizes.push(out.len() - start);
        }
        Ok((PyBytes::new(py, &out), sizes))
    }
}

impl ExchangeWriter {
    fn exchange<'py>(
        &mut self,
        out: &mut Vec<u8>,
        classes: &Classes,
        exchange: &Bound<'py, PyAny>,
    ) -> Written {
        let Some(exchange) = classes.row(&classes.exchange, exchange)? else { return Ok(None) };
        let protocol = exchange.get(PROTOCOL)?;
        let protocol = (*protocol).cast::<PyString>()?.to_str()?;
        let stream = exchange.get(STREAM)?;
        let plain = match protocol {
            "http/1.1" => stream.is_none(),
            "h2" => !stream.is_none() && has_nothing_rare(&exchange)?,
            _ => false,
        };
        if !plain
            || !exchange.get(VIA)?.is_none()
            || exchange.get(INTERIM)?.is_truthy()?
            || exchange.get(STOPPED)?.is_truthy()?
        {
            return Ok(None);
        }
        let (request, response) = (exchange.get(REQUEST)?, exchange.get(RESPONSE)?);
        let Some(request) = classes.row(&classes.request, &request)? else { return Ok(None) };
        let Some(response) = classes.row(&classes.response, &response)? else { return Ok(None) };
        integer(out, "{\"id\":", exchange.get(ID)?)?;
        integer(out, ",\"connection\":", exchange.get(CONNECTION)?)?;
        if stream.is_none() {
            out.extend_from_slice(b",\"stream\":null");
        } else {
            integer(out, ",\"stream\":", stream)?;
        }
        integer(out, ",\"ordinal\":", exchange.get(ORDINAL)?)?;
        out.extend_from_slice(b",\"protocol\":\"");
        out.extend_from_slice(protocol.as_bytes());
        out.extend_from_slice(b"\",\"request\":");
        done!(self.request(out, &request));
        out.extend_from_slice(b",\"response\":");
        done!(self.response(out, &response));
        done!(text(out, ",\"outcome\":", exchange.get(OUTCOME)?));
        duration(out, ",\"idle_before\":", exchange.get(IDLE_BEFORE)?)?;
        duration(out, ",\"duration\":", exchange.get(DURATION)?)?;
        let call = exchange.get(GRPC)?;
        if protocol == "h2" && !call.is_none() {
            done!(self.call(out, &call));
        }
        out.push(b'}');
        Ok(Some(()))
    }

    fn request(&mut self, out: &mut Vec<u8>, request: &Row<'_, '_>) -> Written {
        let method = request.get(METHOD)?;
        let target = request.get(TARGET)?;
        let target = (*target).cast::<PyString>()?.to_str()?;
        if method.cast::<PyString>()?.to_str()? == "CONNECT"
            || !target.starts_with('/')
            || target.contains("://")
        {
            return Ok(None); // its authority stands in the target
        }
        let headers = request.get(HEADERS)?;
        let headers = headers.cast::<PyList>()?;
        done!(text(out, "{\"method\":", method));
        out.extend_from_slice(b",\"target\":");
        done!(self.target(out, request.py(), target));
        out.extend_from_slice(b",\"authority\":");
        done!(authority(out, &headers));
        done!(text(out, ",\"version\":", request.get(VERSION)?));
        self.rest(out, request, &headers)
    }

    fn response(&mut self, out: &mut Vec<u8>, response: &Row<'_, '_>) -> Written {
        if !response.get(EVENT_STREAM)?.is_none() {
            return Ok(None);
        }
        integer(out, "{\"status\":", response.get(STATUS)?)?;
        out.extend_from_slice(b",\"reason\":");
        let reason = response.get(REASON)?;
        let reason = (*reason).cast::<PyString>()?.to_str()?;
        if let Some(known) = self.lines.get(reason) {
            out.extend_from_slice(known);
        } else {
            let start = out.len();
            let shown = self.line.bind(response.py()).call1((reason,))?;
            done!(text(out, "", &shown));
            if self.lines.len() < MOST_CACHED && reason.len() <= LONGEST_REMEMBERED {
                self.lines.insert(reason.into(), out[start..].to_vec());
            }
        }
        done!(text(out, ",\"version\":", response.get(VERSION)?));
        let headers = response.get(HEADERS)?;
        self.rest(out, response, (*headers).cast::<PyList>()?)
    }

    /// A call of gRPC.
    fn call(&mut self, out: &mut Vec<u8>, call: &Bound<'_, PyAny>) -> Written {
        let py = call.py();
        let method = call.getattr(intern!(py, "method"))?;
        out.extend_from_slice(b",\"grpc\":{\"method\":");
        done!(self.target(out, py, method.cast::<PyString>()?.to_str()?));
        let status = call.getattr(intern!(py, "status"))?;
        let message = call.getattr(intern!(py, "message"))?;
        if status.is_none() || message.is_truthy()? {
            return Ok(None);
        }
        integer(out, ",\"status\":", &status)?;
        out.extend_from_slice(b",\"message\":\"\"");
        for (key, name) in
            [(",\"messages\":[", intern!(py, "messages")), (",\"largest\":[", intern!(py, "largest"))]
        {
            let of_sides = call.getattr(name)?;
            let of_sides = of_sides.cast::<PyList>()?;
            if of_sides.len() != 2 {
                return Ok(None);
            }
            integer(out, key, &of_sides.get_item(0)?)?;
            integer(out, ",", &of_sides.get_item(1)?)?;
            out.push(b']');
        }
        duration(out, ",\"timeout\":", &call.getattr(intern!(py, "timeout_ns"))?)?;
        out.push(b'}');
        Ok(Some(()))
    }

    /// What requests and responses have in common.
    fn rest(&mut self, out: &mut Vec<u8>, message: &Row<'_, '_>, headers: &Bound<'_, PyList>) -> Written {
        if message.get(DEFECTS)?.is_truthy()? || !message.get(CONTENT)?.is_none() {
            return Ok(None);
        }
        out.extend_from_slice(b",\"headers\":[");
        done!(self.fields(out, headers));
        integer(out, "],\"body_size\":", message.get(BODY_SIZE)?)?;
        let declared = message.get(DECLARED_SIZE)?;
        if declared.is_none() {
            out.extend_from_slice(b",\"declared_size\":null");
        } else {
            integer(out, ",\"declared_size\":", declared)?;
        }
        done!(text(out, ",\"framing\":", message.get(FRAMING)?));
        seconds(out, ",\"time\":", message.get(TIME)?)?;
        seconds(out, ",\"end\":", message.get(LAST)?)?;
        integer(out, ",\"packet\":", message.get(PACKET)?)?;
        integer(out, ",\"last_packet\":", message.get(LAST_PACKET)?)?;
        let complete = message.get(COMPLETE)?.is_truthy()?;
        out.extend_from_slice(if complete { b",\"complete\":true" } else { b",\"complete\":false" });
        let trailers = message.get(TRAILERS)?;
        let trailers = trailers.cast::<PyList>()?;
        if !trailers.is_empty() {
            out.extend_from_slice(b",\"trailers\":[");
            done!(self.fields(out, &trailers));
            out.push(b']');
        }
        out.push(b'}');
        Ok(Some(()))
    }

    fn fields(&mut self, out: &mut Vec<u8>, fields: &Bound<'_, PyList>) -> Written {
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            done!(self.field(out, field.cast::<PyTuple>()?));
        }
        Ok(Some(()))
    }

    fn field<'py>(&mut self, out: &mut Vec<u8>, field: &Bound<'py, PyTuple>) -> Written {
        let py = field.py();
        let address = field.as_ptr() as usize;
        if let Some((_, known)) = self.fields.get(&address) {
            out.extend_from_slice(known);
            return Ok(Some(()));
        }
        let (name, value) = (field.get_item(0)?, field.get_item(1)?);
        let (word, said) = (name.cast::<PyString>()?.to_str()?, value.cast::<PyString>()?.to_str()?);
        if word.len() > LONGEST_REMEMBERED || said.len() > LONGEST_REMEMBERED {
            return Ok(None);
        }
        let start = out.len();
        if is_identifier(said) && self.identifies(py, word)? {
            done!(text(out, "[", &name));
            done!(text(out, ",", &value));
            out.push(b']');
            return Ok(Some(())); // it will hardly come again
        }
        if word == ":path" {
            out.extend_from_slice(b"[\":path\",");
            done!(self.target(out, py, said));
            out.push(b']');
            return Ok(Some(()));
        }
        let shown = self.shown.bind(py).call1((field,))?;
        done!(text(out, "[", &shown.get_item(0)?));
        done!(text(out, ",", &shown.get_item(1)?));
        out.push(b']');
        if self.fields.len() >= MOST_CACHED {
            self.fields.clear();
        }
        self.fields.insert(address, (field.clone().unbind(), out[start..].to_vec()));
        Ok(Some(()))
    }

    fn identifies(&mut self, py: Python<'_>, name: &str) -> PyResult<bool> {
        if let Some(known) = self.names.get(name) {
            return Ok(*known);
        }
        let found = self.identifies.bind(py).call1((name,))?.is_truthy()?;
        if self.names.len() < MOST_CACHED && name.len() <= LONGEST_REMEMBERED {
            self.names.insert(name.into(), found);
        }
        Ok(found)
    }

    fn target(&mut self, out: &mut Vec<u8>, py: Python<'_>, target: &str) -> Written {
        if let Some(form) = form(target) {
            let open = match self.forms.get(form.as_bytes()) {
                Some(known) => *known,
                None => {
                    let found = self.is_open.bind(py).call1((&form,))?.is_truthy()?;
                    if self.forms.len() >= MOST_CACHED {
                        self.forms.clear();
                    }
                    self.forms.insert(form.into_bytes(), found);
                    found
                }
            };
            if open {
                out.push(b'"');
                out.extend_from_slice(target.as_bytes()); // a form has nothing to escape
                out.push(b'"');
                return Ok(Some(()));
            }
        }
        text(out, "", &self.target.bind(py).call1((target,))?)
    }
}

/// A path with 1 for every digit of a number, where each of its segments is short: `form` of `redact/text.py`.
fn form(target: &str) -> Option<String> {
    if target.len() > LONGEST_REMEMBERED {
        return None;
    }
    let (mut size, mut before) = (0, b'/');
    let mut made = String::with_capacity(target.len());
    let mut number = false;
    for &byte in target.as_bytes() {
        size = if byte == b'/' { 0 } else { size + 1 };
        if size > LONGEST_SEGMENT || !(byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte)) {
            return None;
        }
        number = byte.is_ascii_digit() && (number || !before.is_ascii_alphanumeric());
        made.push(if number { '1' } else { char::from(byte) });
        before = byte;
    }
    Some(made)
}

/// Whether a value can only be an identifier: part of what `redact/fields.py` takes for one.
fn is_identifier(value: &str) -> bool {
    value.len() <= LONGEST_IDENTIFIER && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether an exchange of HTTP/2 is no push, was not reset and became no WebSocket.
fn has_nothing_rare(exchange: &Row<'_, '_>) -> PyResult<bool> {
    Ok(!exchange.get(PUSHED)?.is_truthy()?
        && exchange.get(RESET)?.is_none()
        && exchange.get(WEBSOCKET)?.is_none())
}

/// The value of `:authority`, or of the first Host field, null without one.
fn authority(out: &mut Vec<u8>, headers: &Bound<'_, PyList>) -> Written {
    let mut of_streams = false;
    let mut host = None;
    for (index, field) in headers.iter().enumerate() {
        let name = field.get_item(0)?;
        let name = name.cast::<PyString>()?.to_str()?;
        of_streams |= index == 0 && name.starts_with(':');
        if name.starts_with(':') && !of_streams {
            return Ok(None);
        }
        if name == ":authority" {
            host = Some(field.get_item(1)?);
            break;
        }
        if host.is_none() && name.eq_ignore_ascii_case("host") {
            host = Some(field.get_item(1)?);
            if !of_streams {
                break;
            }
        }
    }
    let Some(host) = host else {
        out.extend_from_slice(b"null");
        return Ok(Some(()));
    };
    if host.cast::<PyString>()?.to_str()?.contains('@') {
        return Ok(None);
    }
    text(out, "", &host)
}

/// A string of visible ASCII; of others Python knows what is to be escaped.
pub(crate) fn text<'py>(
    out: &mut Vec<u8>,
    key: &str,
    value: impl Deref<Target = Bound<'py, PyAny>>,
) -> Written {
    let value = value.cast::<PyString>()?.to_str()?;
    out.extend_from_slice(key.as_bytes());
    out.push(b'"');
    if value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
        return Ok(Some(()));
    }
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => return Ok(None),
        }
    }
    out.push(b'"');
    Ok(Some(()))
}

pub(crate) fn integer<'py>(
    out: &mut Vec<u8>,
    key: &str,
    value: impl Deref<Target = Bound<'py, PyAny>>,
) -> PyResult<()> {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(itoa::Buffer::new().format(value.extract::<i64>()?).as_bytes());
    Ok(())
}

/// Nanoseconds that may not be known, as seconds.
pub(crate) fn duration<'py>(
    out: &mut Vec<u8>,
    key: &str,
    value: impl Deref<Target = Bound<'py, PyAny>>,
) -> PyResult<()> {
    if value.is_none() {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"null");
        return Ok(());
    }
    seconds(out, key, value)
}

/// Nanoseconds as seconds: what 64 bits can count is below the numbers that are written with an exponent.
pub(crate) fn seconds<'py>(
    out: &mut Vec<u8>,
    key: &str,
    value: impl Deref<Target = Bound<'py, PyAny>>,
) -> PyResult<()> {
    out.extend_from_slice(key.as_bytes());
    let number = value.extract::<i64>()? as f64 / 1e9;
    out.extend_from_slice(ryu::Buffer::new().format(number).as_bytes());
    Ok(())
}
