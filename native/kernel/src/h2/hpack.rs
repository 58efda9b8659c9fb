//! Header compression of HTTP/2 (RFC 7541) where the table is known from its start and nothing is broken.
//!
//! A block that is anything else is left to `http/hpack.py`, with the table as it was before that block.

use super::fields::Field;
use super::huffman;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes that an entry counts in addition to its name and value (section 4.1).
const OVERHEAD: usize = 32;
const MOST_TABLE: u64 = 1 << 20;
/// Bytes of a header list that are kept; Python says so of a longer one.
const MOST_FIELDS: usize = 1 << 20;
const MOST_OCTETS: u32 = 9;

/// What changed the table, so that it can be taken back.
enum Change {
    Inserted,
    Evicted(Arc<Field>),
    Limited(usize),
}

/// The decoder of one direction. `statics` is the static table; `allowed` is the most that SETTINGS ever
/// allowed, None where they may have been missed.
#[pyclass]
pub struct Hpack {
    statics: Py<PyList>,
    known: Vec<Option<Arc<Field>>>,
    /// The newest first.
    table: VecDeque<Arc<Field>>,
    size: usize,
    limit: usize,
    #[pyo3(get, set)]
    allowed: Option<u64>,
    changes: Vec<Change>,
}

#[pymethods]
impl Hpack {
    #[new]
    fn new(statics: Bound<'_, PyList>, limit: usize) -> Self {
        let known = vec![None; statics.len()];
        Hpack {
            statics: statics.unbind(),
            known,
            table: VecDeque::new(),
            size: 0,
            limit,
            allowed: Some(limit as u64),
            changes: Vec::new(),
        }
    }

    /// The fields of one block; None if it is unusual, and then it has changed nothing.
    fn decode<'py>(&mut self, block: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyList>>> {
        let py = block.py();
        let Some(fields) = self.block(py, block.as_bytes())? else { return Ok(None) };
        Ok(Some(PyList::new(py, fields.iter().map(|field| field.pair.bind(py)))?))
    }

    /// The table, its size and its limit, for Python to go on from.
    fn leave(&self, py: Python<'_>) -> (Vec<Py<PyTuple>>, usize, usize) {
        let table = self.table.iter().map(|field| field.pair.clone_ref(py)).collect();
        (table, self.size, self.limit)
    }
}

impl Hpack {
    /// What `decode` does. The block can be taken back until the next one.
    pub fn block(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<Option<Vec<Arc<Field>>>> {
        self.changes.clear();
        let mut fields = Vec::with_capacity(16);
        let (mut block, mut size) = (Block { data, at: 0 }, 0);
        while block.at < data.len() {
            match self.field(py, &mut block)? {
                Some(Some(field)) => {
                    size += field.size + OVERHEAD;
                    fields.push(field);
                }
                Some(None) => {}
                None => size = MOST_FIELDS + 1,
            }
            if size > MOST_FIELDS {
                self.take_back();
                return Ok(None);
            }
        }
        Ok(Some(fields))
    }

    /// Undo what the last block did.
    pub fn take_back(&mut self) {
        while let Some(change) = self.changes.pop() {
            match change {
                Change::Inserted => {
                    if let Some(field) = self.table.pop_front() {
                        self.size -= field.size + OVERHEAD;
                    }
                }
                Change::Evicted(field) => {
                    self.size += field.size + OVERHEAD;
                    self.table.push_back(field);
                }
                Change::Limited(limit) => self.limit = limit,
            }
        }
    }

    /// One field, or a change of the table's size; None if it is broken, or no entry.
    fn field(&mut self, py: Python<'_>, block: &mut Block<'_>) -> PyResult<Option<Option<Arc<Field>>>> {
        let byte = block.data[block.at];
        if byte >= 0x80 {
            let Some(index) = block.integer(0x7F) else { return Ok(None) };
            return Ok(self.entry(py, index)?.map(Some));
        }
        if byte & 0xE0 == 0x20 {
            return Ok(block.integer(0x1F).and_then(|limit| self.resize(limit)).map(|()| None));
        }
        let indexing = byte & 0xC0 == 0x40;
        let Some(index) = block.integer(if indexing { 0x3F } else { 0x0F }) else { return Ok(None) };
        let (mut name, mut value) = (Vec::new(), Vec::new());
        let other = if index > 0 {
            let Some(other) = self.entry(py, index)? else { return Ok(None) };
            Some(other)
        } else {
            if block.string(&mut name).is_none() {
                return Ok(None);
            }
            None
        };
        if block.string(&mut value).is_none() {
            return Ok(None);
        }
        let field = Arc::new(match other {
            Some(other) => Field::like(py, &other, &value)?,
            None => Field::new(py, &name, &value)?,
        });
        if indexing {
            self.size += field.size + OVERHEAD;
            self.table.push_front(field.clone());
            self.changes.push(Change::Inserted);
            self.evict();
        }
        Ok(Some(Some(field)))
    }

    fn entry(&mut self, py: Python<'_>, index: u64) -> PyResult<Option<Arc<Field>>> {
        let Ok(index) = usize::try_from(index) else { return Ok(None) };
        if index == 0 {
            return Ok(None);
        }
        let Some(known) = self.known.get_mut(index) else {
            return Ok(self.table.get(index - self.known.len()).cloned());
        };
        if let Some(field) = known {
            return Ok(Some(field.clone()));
        }
        let pair = self.statics.bind(py).get_item(index)?;
        let field = Arc::new(Field::of(pair.cast::<PyTuple>()?)?);
        *known = Some(field.clone());
        Ok(Some(field))
    }

    /// Section 6.3; None if that is more than is allowed.
    fn resize(&mut self, limit: u64) -> Option<()> {
        if limit > MOST_TABLE || self.allowed.is_some_and(|allowed| limit > allowed) {
            return None;
        }
        self.changes.push(Change::Limited(self.limit));
        self.limit = usize::try_from(limit).ok()?;
        self.evict();
        Some(())
    }

    /// Section 4.4: an entry larger than the table empties it.
    fn evict(&mut self) {
        while self.size > self.limit {
            let Some(field) = self.table.pop_back() else { break };
            self.size -= field.size + OVERHEAD;
            self.changes.push(Change::Evicted(field));
        }
    }
}

/// A block, and how far it was read.
struct Block<'a> {
    data: &'a [u8],
    at: usize,
}

impl Block<'_> {
    /// The integer that begins in the bits `mask` of the next byte (section 5.1); None if there is none.
    fn integer(&mut self, mask: u8) -> Option<u64> {
        let first = self.next()? & mask;
        if first < mask {
            return Some(u64::from(first));
        }
        let mut value = u64::from(mask);
        for shift in (0..7 * MOST_OCTETS).step_by(7) {
            let byte = self.next()?;
            value += u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A string (section 5.2).
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let coded = self.data.get(self.at)? & 0x80 != 0;
        let length = usize::try_from(self.integer(0x7F)?).ok()?;
        let end = self.at.checked_add(length)?;
        let piece = self.data.get(self.at..end)?;
        self.at = end;
        if coded {
            out.reserve(2 * length);
            return huffman::decode(piece, out).then_some(());
        }
        out.extend_from_slice(piece);
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}
