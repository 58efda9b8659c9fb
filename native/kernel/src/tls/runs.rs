//! Runs of small records of application data (AES-GCM): what `tls/tls_direction.py` asks for at each.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::sealed::{Cipher, Cipher12};
use super::{APPLICATION, HEADER};

/// A larger record than this is left to OpenSSL, which needs less for each byte, and more for each record.
const SMALL_RECORD: usize = 2048;

/// Texts, where the next record begins, and its number.
type Opened<'py> = (Bound<'py, PyList>, usize, u64);

fn no_key() -> PyErr {
    PyValueError::new_err("no key of AES-GCM")
}

/// The records in `buffer` from `at` on, up to the first that is large, cut, of another kind, or that `open` does
/// not take: of header and body it gives the content, or None. `base`: the offset of `buffer`. Also where the next
/// record begins.
fn opened<'py>(
    py: Python<'py>,
    buffer: &[u8],
    mut at: usize,
    base: i64,
    mut open: impl FnMut(&[u8], &[u8]) -> Option<Bound<'py, PyBytes>>,
) -> PyResult<(Bound<'py, PyList>, usize)> {
    let texts = PyList::empty(py);
    while let Some(&[APPLICATION, _, _, high, low]) = buffer.get(at..at.saturating_add(HEADER)) {
        let body = at + HEADER;
        let end = body + (usize::from(high) << 8 | usize::from(low));
        if end > buffer.len() || end - body > SMALL_RECORD {
            break;
        }
        let Some(content) = open(&buffer[at..body], &buffer[body..end]) else { break };
        texts.append((content, base + at as i64, base + end as i64))?;
        at = end;
    }
    Ok((texts, at))
}

/// Of TLS 1.3: `_fast`.
#[pyclass]
pub struct RecordRun {
    cipher: Cipher,
    text: Vec<u8>,
}

#[pymethods]
impl RecordRun {
    /// `iv` as of RFC 8446 section 5.3.
    #[new]
    fn new(key: &[u8], iv: &[u8]) -> PyResult<Self> {
        let cipher = Cipher::of_key(key, iv, 0).ok_or_else(no_key)?;
        Ok(RecordRun { cipher, text: Vec::new() })
    }

    /// The records in `buffer` from `at` on, of which the first has the number `sequence`, up to the first that
    /// is unusual: large, cut, padded, of another kind, not authentic. `base`: the offset of `buffer`.
    fn open<'py>(
        &mut self,
        py: Python<'py>,
        buffer: &[u8],
        at: usize,
        base: i64,
        sequence: u64,
    ) -> PyResult<Opened<'py>> {
        let RecordRun { cipher, text } = self;
        cipher.sequence = sequence;
        let (texts, at) = opened(py, buffer, at, base, |header, body| {
            let number = cipher.sequence;
            if !cipher.open_into(text, header, body) {
                return None;
            }
            let Some((&APPLICATION, content)) = text.split_last() else {
                cipher.sequence = number;
                return None;
            };
            Some(PyBytes::new(py, content))
        })?;
        Ok((texts, at, self.cipher.sequence))
    }
}

/// Of TLS 1.2: `_fast12`.
#[pyclass]
pub struct RecordRun12 {
    cipher: Cipher12,
    text: Vec<u8>,
}

#[pymethods]
impl RecordRun12 {
    /// `salt` as of RFC 5288 section 3.
    #[new]
    fn new(key: &[u8], salt: &[u8]) -> PyResult<Self> {
        let cipher = Cipher12::of_key(key, salt).ok_or_else(no_key)?;
        Ok(RecordRun12 { cipher, text: Vec::new() })
    }

    /// See `RecordRun`; an empty record is unusual here.
    fn open<'py>(
        &mut self,
        py: Python<'py>,
        buffer: &[u8],
        at: usize,
        base: i64,
        sequence: u64,
    ) -> PyResult<Opened<'py>> {
        let RecordRun12 { cipher, text } = self;
        cipher.sequence = sequence;
        let (texts, at) = opened(py, buffer, at, base, |header, body| {
            let number = cipher.sequence;
            let &[kind, 3, minor, ..] = header else { return None };
            if !cipher.open_into(text, [kind, 3, minor], body) {
                return None;
            }
            if text.is_empty() {
                cipher.sequence = number;
                return None;
            }
            Some(PyBytes::new(py, text))
        })?;
        Ok((texts, at, self.cipher.sequence))
    }
}
