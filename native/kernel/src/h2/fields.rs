//! Header fields of HTTP/2, and what their names mean where nothing is unusual about them (RFC 9113 section 8.2).

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// What matters of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Method,
    Scheme,
    Authority,
    Path,
    Status,
    ContentLength,
    ContentType,
    Te,
    GrpcTimeout,
    GrpcStatus,
    GrpcMessage,
    Regular,
    /// Python is to judge it, or what it brings with it.
    Unusual,
}

impl Name {
    fn of(name: &[u8]) -> Name {
        match name {
            b":method" => Name::Method,
            b":scheme" => Name::Scheme,
            b":authority" => Name::Authority,
            b":path" => Name::Path,
            b":status" => Name::Status,
            b"content-length" => Name::ContentLength,
            b"content-type" => Name::ContentType,
            b"te" => Name::Te,
            b"grpc-timeout" => Name::GrpcTimeout,
            b"grpc-status" => Name::GrpcStatus,
            b"grpc-message" => Name::GrpcMessage,
            b"content-encoding" | b"connection" | b"proxy-connection" | b"keep-alive"
            | b"transfer-encoding" | b"upgrade" => Name::Unusual,
            _ if !name.is_empty() && name.iter().all(|&byte| is_token(byte)) => Name::Regular,
            _ => Name::Unusual,
        }
    }

    /// Whether it is a pseudo-header field.
    pub fn is_pseudo(self) -> bool {
        matches!(self, Name::Method | Name::Scheme | Name::Authority | Name::Path | Name::Status)
    }
}

/// A character of a name; those of other names have no upper case (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A field as Python has it, and what is known of it.
pub struct Field {
    pub pair: Py<PyTuple>,
    pub name: Name,
    /// Characters of both.
    pub size: usize,
    /// The bytes of the value, where the name has a meaning.
    pub value: Box<[u8]>,
    name_size: usize,
    has_value: bool,
}

impl Field {
    /// A field whose name is that of another one.
    pub fn like(py: Python<'_>, other: &Field, value: &[u8]) -> PyResult<Field> {
        let name = other.pair.bind(py).get_item(0)?;
        let pair = PyTuple::new(py, [name, text(py, value).into_any()])?;
        Ok(Field::made(pair.unbind(), other.name, other.name_size, value))
    }

    pub fn new(py: Python<'_>, name: &[u8], value: &[u8]) -> PyResult<Field> {
        let pair = PyTuple::new(py, [text(py, name), text(py, value)])?;
        Ok(Field::made(pair.unbind(), Name::of(name), name.len(), value))
    }

    /// A field that Python has already: both strings are Latin-1.
    pub fn of(pair: &Bound<'_, PyTuple>) -> PyResult<Field> {
        let (name, value): (String, String) = pair.extract()?;
        let [name, value] = [name, value].map(|text| text.chars().map(|c| c as u8).collect::<Vec<u8>>());
        Ok(Field::made(pair.clone().unbind(), Name::of(&name), name.len(), &value))
    }

    fn made(pair: Py<PyTuple>, name: Name, name_size: usize, value: &[u8]) -> Field {
        let kept = if matches!(name, Name::Regular | Name::Unusual) { &[] } else { value };
        let broken = !is_good(value) || (name == Name::Te && !value.eq_ignore_ascii_case(b"trailers"));
        Field {
            pair,
            name: if broken { Name::Unusual } else { name },
            size: name_size + value.len(),
            value: kept.into(),
            name_size,
            has_value: !value.is_empty(),
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.has_value
    }
}

/// Whether a value has no bytes in it that it must not have (RFC 9113 section 8.2.1).
fn is_good(value: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
        && !is_space(value.first())
        && !is_space(value.last())
}

/// Latin-1 as Python has it.
fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|&byte| char::from(byte)).collect::<String>()),
    }
}
