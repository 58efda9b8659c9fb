//! Lines of a key log (RFC 9850), where they are what most are: a label, a client random and its secret.

use memchr::memchr;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PySet};
use rustc_hash::FxHashMap;

const RANDOM: usize = 32;
const LONGEST_LABEL: usize = 40;
const LONGEST_SECRET: usize = 64;

/// Where secrets of a label go, and the sizes that they can have.
struct Table {
    known: Py<PyDict>,
    sizes: Vec<usize>,
}

/// Takes lines for `KeyLog` of `tls/keylog.py`, which gives the tables by label. Without sizes lines of that label
/// are unusual.
#[pyclass(frozen)]
pub struct KeyLines {
    tables: FxHashMap<Box<[u8]>, Table>,
    most: usize,
}

#[pymethods]
impl KeyLines {
    /// `most`: keys of a table.
    #[new]
    fn new(tables: Vec<(Vec<u8>, Py<PyDict>, Vec<usize>)>, most: usize) -> Self {
        let tables = tables.into_iter().map(|(label, known, sizes)| (label.into(), Table { known, sizes }));
        KeyLines { tables: tables.collect(), most }
    }

    /// Take the lines from `at` on, at most `most`, up to the first that is unusual; returns how many, and where
    /// the next one begins. `randoms`: takes their client randoms, too.
    fn take(
        &self,
        py: Python<'_>,
        text: &[u8],
        at: usize,
        most: usize,
        randoms: Option<&Bound<'_, PySet>>,
    ) -> PyResult<(usize, usize)> {
        let (mut at, mut taken) = (at, 0);
        while taken < most
            && let Some(rest) = text.get(at..)
            && let Some(end) = memchr(b'\n', rest)
            && self.line(py, &rest[..end], randoms)?
        {
            at += end + 1;
            taken += 1;
        }
        Ok((taken, at))
    }
}

impl KeyLines {
    /// Take a line; whether it was a plain one.
    fn line(&self, py: Python<'_>, line: &[u8], randoms: Option<&Bound<'_, PySet>>) -> PyResult<bool> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(cut) = memchr(b' ', line) else { return Ok(false) };
        let (label, rest) = (&line[..cut], &line[cut + 1..]);
        if rest.len() < 2 * RANDOM + 2 || rest[2 * RANDOM] != b' ' {
            return Ok(false);
        }
        let (mut random, mut secret) = ([0; RANDOM], [0; LONGEST_SECRET]);
        let Some(random) = unhexed(&rest[..2 * RANDOM], &mut random) else { return Ok(false) };
        let Some(secret) = unhexed(&rest[2 * RANDOM + 1..], &mut secret) else { return Ok(false) };
        let Some(table) = self.tables.get(label) else { return Ok(is_foreign(label)) };
        let known = table.known.bind(py);
        if !table.sizes.contains(&secret.len()) || known.len() >= self.most {
            return Ok(false);
        }
        let random = PyBytes::new(py, random);
        if let Some(before) = known.get_item(&random)? {
            let Ok(before) = before.cast_into::<PyBytes>() else { return Ok(false) };
            if before.as_bytes() != secret {
                return Ok(false); // which of both comes first is Python's to say
            }
        } else {
            known.set_item(&random, PyBytes::new(py, secret))?;
        }
        if let Some(randoms) = randoms {
            randoms.add(random)?;
        }
        Ok(true)
    }
}

/// Whether a label that is not known is nevertheless one: `_LABEL`.
fn is_foreign(label: &[u8]) -> bool {
    (3..=LONGEST_LABEL).contains(&label.len())
        && label != b"RSA"
        && label[0].is_ascii_uppercase()
        && label[label.len() - 1] != b'_'
        && label.iter().all(|&byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The bytes that hex digits stand for, as many as there is room for.
fn unhexed<'a>(digits: &[u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let made = room.get_mut(..digits.len() / 2)?;
    if digits.len() % 2 != 0 {
        return None;
    }
    for (byte, pair) in made.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(made)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
