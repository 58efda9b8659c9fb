//! Whole frames of HTTP/2 (RFC 9113 section 4.1) in pieces of text, and where they stand.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

const HEADER: usize = 9;
/// Bytes of the largest payload that every receiver allows (section 4.2).
const LARGEST_ALWAYS: usize = 1 << 14;
pub const DATA: i16 = 0;
pub const HEADERS: i16 = 1;
pub const PUSH_PROMISE: i16 = 5;
pub const WINDOW_UPDATE: i16 = 8;
const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const PRIORITIZED: u8 = 0x20;

/// A frame, or a part of one: see `FramePart` in `http/http2_frames.py`.
pub struct Frame {
    pub side: usize,
    pub kind: i16,
    pub flags: u8,
    pub stream: u32,
    /// The bytes in which the payload stands, and from where to where.
    text: Py<PyBytes>,
    from: usize,
    to: usize,
    pub last: bool,
    pub start: i64,
    pub end: i64,
    pub size: i64,
    pub missing: bool,
    pub packet: i64,
    pub time: i64,
    pub last_packet: i64,
    pub last_time: i64,
    pub seen: i64,
    /// As Python has it, if it was read there.
    part: Option<Py<PyAny>>,
}

impl Frame {
    pub fn payload<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        &self.text.as_bytes(py)[self.from..self.to]
    }

    /// Whether its side ends the stream with it.
    pub fn ends(&self) -> bool {
        self.last && self.flags & END_STREAM != 0
    }

    /// A part that the reader in Python made. Its first and last bytes are not looked up yet.
    fn of(part: &Bound<'_, PyAny>) -> PyResult<Frame> {
        let py = part.py();
        let payload = part.getattr(intern!(py, "payload"))?.cast_into::<PyBytes>()?;
        let missing: i64 = part.getattr(intern!(py, "missing"))?.extract()?;
        Ok(Frame {
            side: part.getattr(intern!(py, "side"))?.extract()?,
            kind: part.getattr(intern!(py, "type"))?.extract()?,
            flags: part.getattr(intern!(py, "flags"))?.extract()?,
            stream: part.getattr(intern!(py, "stream"))?.extract()?,
            from: 0,
            to: payload.as_bytes().len(),
            text: payload.unbind(),
            last: part.getattr(intern!(py, "last"))?.is_truthy()?,
            start: part.getattr(intern!(py, "start"))?.extract()?,
            end: part.getattr(intern!(py, "end"))?.extract()?,
            size: part.getattr(intern!(py, "size"))?.extract()?,
            missing: missing != 0,
            packet: 0,
            time: 0,
            last_packet: 0,
            last_time: 0,
            seen: part.getattr(intern!(py, "held_until"))?.extract()?,
            part: Some(part.clone().unbind()),
        })
    }

    /// As Python has it. `make` is `FramePart`, `sides` are the two of them.
    pub fn part<'py>(
        &self,
        make: &Bound<'py, PyAny>,
        sides: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = make.py();
        let Some(part) = &self.part else {
            let payload = PyBytes::new(py, self.payload(py));
            let side = sides.get_item(self.side)?;
            let first = (side, self.kind, self.flags, self.stream, payload, true, true, self.start);
            let first = first.into_pyobject(py)?;
            let (packet, time) = (self.packet, self.time);
            let then =
                (self.end, self.size, 0, packet, time, self.last_packet, self.last_time, -1, self.seen);
            return make.call1(first.add(then.into_pyobject(py)?)?.cast_into::<PyTuple>()?);
        };
        let part = part.bind(py);
        part.setattr(intern!(py, "packet"), self.packet)?;
        part.setattr(intern!(py, "time_ns"), self.time)?;
        part.setattr(intern!(py, "last_packet"), self.last_packet)?;
        part.setattr(intern!(py, "last_ns"), self.last_time)?;
        part.setattr(intern!(py, "seen_packet"), self.seen)?;
        Ok(part.clone())
    }
}

/// Frames that stand behind each other; `Streams.take` reads them.
#[pyclass]
pub struct FrameRun {
    frames: Vec<Frame>,
}

/// The whole frames of one side in the texts from `index` on, in the first one from `at` on: up to one that
/// is cut, or padded, or large, or up to a hole. None without any, and where reading is to go on.
#[pyfunction]
pub fn cut_frames(
    texts: &Bound<'_, PyList>,
    side: usize,
    mut index: usize,
    mut at: usize,
) -> PyResult<(Option<FrameRun>, usize, usize)> {
    let mut frames = Vec::new();
    'texts: while index < texts.len() {
        let item = texts.get_item(index)?;
        let Ok(text) = item.cast_exact::<PyTuple>() else { break }; // a hole
        let piece = text.get_item(0)?;
        let Ok(piece) = piece.cast_exact::<PyBytes>() else { break };
        let (start, end): (i64, i64) = (text.get_item(1)?.extract()?, text.get_item(2)?.extract()?);
        let data = piece.as_bytes();
        let exact = end - start == data.len() as i64;
        while at < data.len() {
            let Some(&[a, b, c, kind, flags, d, e, f, g]) = data.get(at..at + HEADER) else { break 'texts };
            let size = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            let (from, to) = (at + HEADER, at + HEADER + size);
            let kind = i16::from(kind);
            if to > data.len() || size > LARGEST_ALWAYS || (kind == DATA && flags & PADDED != 0) {
                break 'texts;
            }
            frames.push(Frame {
                side,
                kind,
                flags,
                stream: u32::from_be_bytes([d, e, f, g]) & 0x7FFF_FFFF,
                text: piece.clone().unbind(),
                from,
                to,
                last: true,
                start: if exact { start + at as i64 } else { start },
                end: if exact { start + to as i64 } else { end },
                size: size as i64,
                missing: false,
                packet: 0,
                time: 0,
                last_packet: 0,
                last_time: 0,
                seen: -1,
                part: None,
            });
            at = to;
        }
        (index, at) = (index + 1, 0);
    }
    let run = if frames.is_empty() { None } else { Some(FrameRun { frames }) };
    Ok((run, index, at))
}

/// The frames of one side with packets and times of their first and last bytes, as `locate` of
/// `http/http2_frames.py` sets them.
pub fn located(items: &Bound<'_, PyList>, locator: &Bound<'_, PyAny>) -> PyResult<Vec<Frame>> {
    let mut frames = Vec::new();
    for item in items {
        match item.cast_exact::<FrameRun>() {
            Ok(run) => frames.append(&mut run.try_borrow_mut()?.frames),
            Err(_) => frames.push(Frame::of(&item)?),
        }
    }
    if frames.is_empty() {
        return Ok(frames);
    }
    let held: Vec<usize> = (0..frames.len()).filter(|&index| frames[index].seen >= 0).collect();
    let mut offsets: Vec<i64> = frames.iter().map(|frame| frame.start).collect();
    offsets.extend(frames.iter().map(|frame| frame.end - 1));
    let (numbers, times) = looked_up(locator, offsets)?;
    let count = frames.len();
    for (index, frame) in frames.iter_mut().enumerate() {
        (frame.packet, frame.time) = (numbers[index], times[index]);
        (frame.last_packet, frame.last_time) = (numbers[count + index], times[count + index]);
    }
    let mut until = Vec::new();
    if !held.is_empty() {
        let offsets = held.iter().map(|&index| frames[index].seen - 1).collect();
        until = looked_up(locator, offsets)?.0;
    }
    for frame in &mut frames {
        frame.seen = frame.last_packet;
    }
    for (&index, &number) in held.iter().zip(&until) {
        frames[index].seen = number;
    }
    let mut seen = 0;
    for frame in &mut frames {
        seen = seen.max(frame.seen);
        frame.seen = seen;
    }
    Ok(frames)
}

fn looked_up(locator: &Bound<'_, PyAny>, offsets: Vec<i64>) -> PyResult<(Vec<i64>, Vec<i64>)> {
    let size = offsets.len();
    let found: (Vec<i64>, Vec<i64>) =
        locator.call_method1(intern!(locator.py(), "locate"), (offsets,))?.extract()?;
    if found.0.len() != size || found.1.len() != size {
        return Err(pyo3::exceptions::PyValueError::new_err("positions are missing"));
    }
    Ok(found)
}
