//! The frames of a connection of HTTP/2 in the order in which they could be read, those of plain streams here.
//!
//! State that `http/http2.py` has as well (windows, streams that are done, room) is Python's. A stream to
//! which anything unusual happens is given to Python for good, before that frame.

use super::frames::{self, Frame};
use super::hpack::Hpack;
use super::streams::{Classes, Stream};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustc_hash::FxHashMap;

const CONNECTION: u32 = 0;
const INITIAL_WINDOW: i64 = 65_535;
const LARGEST_WINDOW: i64 = (1 << 31) - 1;
const MOST_WINDOWS: usize = 50_000;
const MOST_DONE: usize = 10_000;
const JOINED_LATE: i16 = -1;
const HOLE: i16 = -2;

/// The plain streams of one connection that are open.
#[pyclass]
pub struct Streams {
    classes: Classes,
    part: Py<PyAny>,
    sides: Py<PyTuple>,
    open: FxHashMap<u32, Stream>,
}

#[pymethods]
impl Streams {
    /// `messages` are the classes Exchange, Request, Response and Grpc; `part` is FramePart, `sides` both of
    /// them; see `Classes` for the rest.
    #[new]
    fn new(
        messages: (Py<PyAny>, Py<PyAny>, Py<PyAny>, Py<PyAny>),
        part: Py<PyAny>,
        sides: Py<PyTuple>,
        digest: Py<PyAny>,
        has_events: Py<PyAny>,
    ) -> Self {
        let (exchange, request, response, grpc) = messages;
        let classes =
            Classes { exchange, request, response, grpc, digest, has_events, types: FxHashMap::default() };
        Streams { classes, part, sides, open: FxHashMap::default() }
    }

    /// Read what both sides' readers have cut, and hand all that is unusual to `http`, an `Http2`.
    fn take<'py>(
        &mut self,
        http: &Bound<'py, PyAny>,
        client: &Bound<'py, PyList>,
        server: &Bound<'py, PyList>,
        places: (Bound<'py, PyAny>, Bound<'py, PyAny>),
    ) -> PyResult<()> {
        let mut frames = frames::located(client, &places.0)?;
        frames.append(&mut frames::located(server, &places.1)?);
        if frames.is_empty() {
            return Ok(());
        }
        frames.sort_by_key(|frame| frame.seen);
        let mut reader = Reader::new(http)?;
        for frame in &frames {
            if !reader.plain || !self.plain(&mut reader, frame)? {
                self.by_python(&mut reader, frame)?;
            }
        }
        Ok(())
    }

    /// Give all streams to Python.
    fn leave(&mut self, http: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut numbers: Vec<u32> = self.open.keys().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().try_for_each(|number| self.give(http, number))
    }
}

impl Streams {
    fn give(&mut self, http: &Bound<'_, PyAny>, number: u32) -> PyResult<()> {
        let Some(stream) = self.open.remove(&number) else { return Ok(()) };
        let py = http.py();
        http.getattr(intern!(py, "_adopt"))?.call1(stream.left(py, &self.classes)?)?;
        Ok(())
    }

    fn by_python(&mut self, reader: &mut Reader<'_, '_>, frame: &Frame) -> PyResult<()> {
        let http = reader.http;
        if matches!(frame.kind, JOINED_LATE | HOLE | frames::PUSH_PROMISE) {
            self.leave(http)?; // a PUSH_PROMISE is about a stream of another number
        }
        self.give(http, frame.stream)?;
        let part = self.as_part(http, frame)?;
        http.call_method1(intern!(http.py(), "_take_part"), (part,))?;
        reader.refresh()
    }

    fn as_part<'py>(&self, http: &Bound<'py, PyAny>, frame: &Frame) -> PyResult<Bound<'py, PyAny>> {
        let py = http.py();
        frame.part(self.part.bind(py), self.sides.bind(py))
    }

    /// Read a frame; false if it is unusual, and then nothing has changed.
    fn plain(&mut self, reader: &mut Reader<'_, '_>, frame: &Frame) -> PyResult<bool> {
        if frame.missing {
            return Ok(false);
        }
        match frame.kind {
            frames::DATA => self.data(reader, frame),
            frames::HEADERS => self.headers(reader, frame),
            frames::WINDOW_UPDATE => reader.window_update(frame),
            2 | 10.. if !matches!(frame.kind, 0xA | 0xC | 0x10) => Ok(true), // Python does nothing with it
            _ => Ok(false),
        }
    }

    fn headers(&mut self, reader: &mut Reader<'_, '_>, frame: &Frame) -> PyResult<bool> {
        let py = reader.http.py();
        let mut fragment = frame.payload(py);
        if frame.flags & frames::PADDED != 0 || frame.flags & frames::END_HEADERS == 0 || frame.stream == 0 {
            return Ok(false);
        }
        if frame.flags & frames::PRIORITIZED != 0 {
            let Some(rest) = fragment.get(5..) else { return Ok(false) };
            fragment = rest;
        }
        let open = self.open.get(&frame.stream);
        if open.is_none() && (frame.side != 0 || reader.is_known(frame.stream)?) {
            return Ok(false);
        }
        let decoder = reader.decoders[frame.side].clone();
        let Some(mut decoder) = decoder.as_ref().and_then(|decoder| decoder.try_borrow_mut().ok()) else {
            return Ok(false);
        };
        let Some(fields) = decoder.block(py, fragment)? else { return Ok(false) };
        let size: usize = fields.iter().map(|field| field.size).sum();
        let (new, further) = match open {
            None => (Stream::opened(&fields, frame), None),
            Some(stream) => (None, stream.further(py, &mut self.classes, &fields, frame)?),
        };
        if (new.is_none() && further.is_none()) || !reader.admits(fields.len(), size)? {
            decoder.take_back();
            return Ok(false);
        }
        drop(decoder);
        if let Some(stream) = new {
            self.open.insert(frame.stream, stream);
        } else if let (Some(further), Some(stream)) = (further, self.open.get_mut(&frame.stream)) {
            stream.take(further, fields, frame);
        }
        if frame.ends() {
            self.end(reader, frame)?;
        } else if reader.is_closed(frame.side, frame.stream)? {
            let part = self.as_part(reader.http, frame)?;
            reader.windows.call_method1(intern!(py, "opened"), (part,))?;
        }
        Ok(true)
    }

    fn data(&mut self, reader: &mut Reader<'_, '_>, frame: &Frame) -> PyResult<bool> {
        let py = reader.http.py();
        if frame.stream == CONNECTION {
            return Ok(false);
        }
        let Some(stream) = self.open.get_mut(&frame.stream) else {
            if reader.calls.contains(frame.stream)? {
                return Ok(false);
            }
            if !reader.sent(frame)? {
                let part = self.as_part(reader.http, frame)?;
                reader.windows.call_method1(intern!(py, "sent"), (part,))?;
            }
            return Ok(true);
        };
        if !stream.admits(py, frame) {
            return Ok(false);
        }
        if !reader.sent(frame)? {
            let part = frame.part(self.part.bind(py), self.sides.bind(py))?;
            reader.windows.call_method1(intern!(py, "sent"), (part,))?;
        }
        stream.data(py, &self.classes, frame)?;
        if frame.ends() {
            self.end(reader, frame)?;
        }
        Ok(true)
    }

    /// A side ends a stream; once both have, the exchange is complete.
    fn end(&mut self, reader: &mut Reader<'_, '_>, frame: &Frame) -> PyResult<()> {
        let Some(stream) = self.open.get_mut(&frame.stream) else { return Ok(()) };
        if stream.end(frame) {
            let exchange = stream.exchange(reader.http.py(), &self.classes)?;
            self.open.remove(&frame.stream);
            reader.done(frame.stream, exchange)?;
        }
        Ok(())
    }
}

/// What `http`, an `Http2`, knows. Its containers are the same ones as long as it lives.
struct Reader<'a, 'py> {
    http: &'a Bound<'py, PyAny>,
    calls: Bound<'py, PyDict>,
    ended: Bound<'py, PyAny>,
    finished: Bound<'py, PyList>,
    windows: Bound<'py, PyAny>,
    balances: [Bound<'py, PyDict>; 2],
    stalled: Bound<'py, PyDict>,
    admits: Bound<'py, PyAny>,
    decoders: [Option<Bound<'py, Hpack>>; 2],
    /// Nothing unusual is under way.
    plain: bool,
    /// Every frame was seen.
    counts: bool,
    /// A stream's initial window, by sender.
    initial: [i64; 2],
}

impl<'a, 'py> Reader<'a, 'py> {
    fn new(http: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        let py = http.py();
        let windows = http.getattr(intern!(py, "_windows"))?;
        let balance = windows.getattr(intern!(py, "_balance"))?;
        let balances = [balance.get_item(0)?.cast_into()?, balance.get_item(1)?.cast_into()?];
        let stalled = windows.getattr(intern!(py, "_stalled"))?.cast_into()?;
        let mut reader = Reader {
            http,
            calls: http.getattr(intern!(py, "_calls"))?.cast_into()?,
            ended: http.getattr(intern!(py, "_done"))?.getattr(intern!(py, "streams"))?,
            finished: http.getattr(intern!(py, "_finished"))?.cast_into()?,
            windows,
            balances,
            stalled,
            admits: http.getattr(intern!(py, "_share"))?.getattr(intern!(py, "admits_all"))?,
            decoders: [None, None],
            plain: false,
            counts: false,
            initial: [0; 2],
        };
        reader.refresh()?;
        Ok(reader)
    }

    /// Look anew at what Python may have changed.
    fn refresh(&mut self) -> PyResult<()> {
        let py = self.http.py();
        let decoders = self.http.getattr(intern!(py, "_decoders"))?;
        for side in 0..2 {
            let compiled = decoders.get_item(side)?.getattr(intern!(py, "compiled"))?;
            self.decoders[side] = compiled.cast_into::<Hpack>().ok();
        }
        let blocks = self.http.getattr(intern!(py, "_blocks"))?;
        let holes = self.http.getattr(intern!(py, "_behind_hole"))?;
        let mut plain = self.http.getattr(intern!(py, "_left_out"))?.is_none();
        for side in 0..2 {
            plain &= blocks.get_item(side)?.is_none() && !holes.get_item(side)?.is_truthy()?;
        }
        self.plain = plain && self.decoders.iter().all(Option::is_some);
        self.counts = self.windows.getattr(intern!(py, "_known"))?.is_truthy()?;
        self.initial = self.windows.getattr(intern!(py, "initial"))?.extract()?;
        Ok(())
    }

    /// Whether Python follows the stream, or it is over.
    fn is_known(&self, stream: u32) -> PyResult<bool> {
        Ok(self.calls.contains(stream)? || self.ended.contains(stream)?)
    }

    fn admits(&self, fields: usize, size: usize) -> PyResult<bool> {
        self.admits.call1((1, fields, size))?.is_truthy()
    }

    fn done(&self, stream: u32, exchange: Bound<'py, PyAny>) -> PyResult<()> {
        let py = self.http.py();
        self.finished.append(exchange)?;
        self.ended.set_item(stream, py.None())?;
        if self.ended.len()? > MOST_DONE {
            self.ended.call_method1(intern!(py, "popitem"), (false,))?;
        }
        if self.stalled.is_empty() {
            for balance in &self.balances {
                if balance.contains(stream)? {
                    balance.del_item(stream)?;
                }
            }
            return Ok(());
        }
        self.windows.call_method1(intern!(py, "forget"), (stream,))?;
        Ok(())
    }

    fn balance(&self, side: usize, stream: u32) -> PyResult<Option<i64>> {
        self.balances[side].get_item(stream)?.map(|balance| balance.extract()).transpose()
    }

    fn initial_of(&self, side: usize, stream: u32) -> i64 {
        if stream == CONNECTION { INITIAL_WINDOW } else { self.initial[side] }
    }

    /// Whether a stream's window is used up.
    fn is_closed(&self, side: usize, stream: u32) -> PyResult<bool> {
        Ok(self.counts && self.balance(side, stream)?.unwrap_or(0) + self.initial[side] <= 0)
    }

    /// Count a part of a DATA frame. False if that uses a window up, or may: Python is to count it.
    fn sent(&self, frame: &Frame) -> PyResult<bool> {
        let (balance, more) = (&self.balances[frame.side], !frame.ends());
        if !more && !self.stalled.is_empty() {
            return Ok(false);
        }
        let mut left = [None; 2];
        for (left, stream) in left.iter_mut().zip([frame.stream, CONNECTION]) {
            let known = self.balance(frame.side, stream)?;
            if known.is_none() && balance.len() + 1 >= MOST_WINDOWS {
                return Ok(false);
            }
            let after = known.unwrap_or(0) - frame.size;
            if after + self.initial_of(frame.side, stream) <= 0 && more && self.counts {
                return Ok(false);
            }
            *left = Some(after);
        }
        for (left, stream) in left.into_iter().zip([frame.stream, CONNECTION]) {
            balance.set_item(stream, left)?;
        }
        Ok(true)
    }

    /// What the receiver allows in addition. False if Python is to count it.
    fn window_update(&self, frame: &Frame) -> PyResult<bool> {
        let sender = 1 - frame.side;
        let balance = &self.balances[sender];
        let &[a, b, c, d] = frame.payload(self.http.py()) else { return Ok(false) };
        if !self.stalled.is_empty() {
            return Ok(false);
        }
        let known = self.balance(sender, frame.stream)?;
        if known.is_none() && balance.len() >= MOST_WINDOWS {
            return Ok(true);
        }
        let after = known.unwrap_or(0) + i64::from(u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF);
        if after + self.initial_of(sender, frame.stream) > LARGEST_WINDOW && self.counts {
            return Ok(false);
        }
        balance.set_item(frame.stream, after)?;
        Ok(true)
    }
}
