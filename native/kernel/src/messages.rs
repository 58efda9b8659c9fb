//! Where messages stand and when they came, for many at once.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Give messages the packets and times of their first bytes: `locate` takes offsets, and returns both.
#[pyfunction]
pub fn place_first(messages: &Bound<'_, PyList>, locate: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = messages.py();
    let mut starts = Vec::with_capacity(messages.len());
    for message in messages {
        starts.push(message.getattr(intern!(py, "start"))?);
    }
    let (numbers, times): (Bound<PyList>, Bound<PyList>) = locate.call1((starts,))?.extract()?;
    for ((message, number), time) in messages.iter().zip(numbers).zip(times) {
        message.setattr(intern!(py, "packet"), &number)?;
        message.setattr(intern!(py, "time_ns"), &time)?;
        message.setattr(intern!(py, "last_packet"), number)?;
        message.setattr(intern!(py, "last_ns"), time)?;
    }
    Ok(())
}

/// The same of their last bytes.
#[pyfunction]
pub fn place_last(messages: &Bound<'_, PyList>, locate: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = messages.py();
    let mut ends = Vec::with_capacity(messages.len());
    for message in messages {
        let end: i64 = message.getattr(intern!(py, "end"))?.extract()?;
        ends.push(end - 1);
    }
    let (numbers, times): (Bound<PyList>, Bound<PyList>) = locate.call1((ends,))?.extract()?;
    for ((message, number), time) in messages.iter().zip(numbers).zip(times) {
        message.setattr(intern!(py, "last_packet"), number)?;
        message.setattr(intern!(py, "last_ns"), time)?;
    }
    Ok(())
}

/// Give the exchanges of a connection, in order, how long it was idle before each, and how long each took.
#[pyfunction]
pub fn time(exchanges: &Bound<'_, PyList>) -> PyResult<()> {
    let py = exchanges.py();
    let mut last: Option<i64> = None;
    for exchange in exchanges {
        let request = exchange.getattr(intern!(py, "request"))?;
        let response = exchange.getattr(intern!(py, "response"))?;
        let answered: Option<i64> = if response.is_none() {
            None
        } else {
            Some(response.getattr(intern!(py, "last_ns"))?.extract()?)
        };
        if !request.is_none() {
            let asked: i64 = request.getattr(intern!(py, "time_ns"))?.extract()?;
            let sent: i64 = request.getattr(intern!(py, "last_ns"))?.extract()?;
            if let Some(before) = last {
                exchange.setattr(intern!(py, "idle_before_ns"), (asked - before).max(0))?;
            }
            if let Some(end) = answered {
                exchange.setattr(intern!(py, "duration_ns"), (end - asked).max(0))?;
            }
            last = Some(last.unwrap_or(0).max(sent));
        }
        if let Some(end) = answered {
            last = Some(last.unwrap_or(0).max(end));
        }
    }
    Ok(())
}
