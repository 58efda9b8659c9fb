//! Where messages stand and when they came, for many at once.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// Give messages that have none the packets and times of their first bytes: `locate` takes offsets, and returns both.
#[pyfunction]
pub fn place_first(messages: &Bound<'_, PyList>, locate: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = messages.py();
    let (mut left, mut starts) = (Vec::new(), Vec::new());
    for message in messages {
        if !message.getattr(intern!(py, "packet"))?.is_truthy()? {
            starts.push(message.getattr(intern!(py, "start"))?);
            left.push(message);
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let (numbers, times): (Bound<PyList>, Bound<PyList>) = locate.call1((starts,))?.extract()?;
    for ((message, number), time) in left.iter().zip(numbers).zip(times) {
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

const NEVER: i64 = i64::MAX;

/// Exchanges of one connection whose streams are over, in order: `in_order` of `http/stream_exchange.py`.
#[pyfunction]
pub fn in_order<'py>(exchanges: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    let py = exchanges.py();
    let mut rows = Vec::with_capacity(exchanges.len());
    for exchange in exchanges {
        let request = exchange.getattr(intern!(py, "request"))?;
        let response = exchange.getattr(intern!(py, "response"))?;
        let stream: Option<i64> = exchange.getattr(intern!(py, "stream"))?.extract()?;
        let first = if !request.is_none() {
            request.clone()
        } else if !response.is_none() {
            response.clone()
        } else {
            exchange.getattr(intern!(py, "interim"))?.get_item(0)?
        };
        let begins = (number(&first, intern!(py, "time_ns"))?, number(&first, intern!(py, "packet"))?);
        rows.push(((begins, stream.unwrap_or(0)), exchange, request, response));
    }
    rows.sort_by_key(|row| row.0);
    let (mut open_until, mut ordered) = (0, Vec::with_capacity(rows.len()));
    for (((begins, _), _), exchange, request, response) in rows {
        if !ordered.is_empty() && open_until <= begins && !request.is_none() {
            exchange.setattr(intern!(py, "idle_before_ns"), begins - open_until)?;
        }
        if !request.is_none() && !response.is_none() {
            let took = number(&response, intern!(py, "last_ns"))? - number(&request, intern!(py, "time_ns"))?;
            exchange.setattr(intern!(py, "duration_ns"), took)?;
        }
        open_until = open_until.max(ends(&exchange, &request, &response)?);
        exchange.setattr(intern!(py, "ordinal"), ordered.len() + 1)?;
        ordered.push(exchange);
    }
    PyList::new(py, ordered)
}

/// The time of the exchange's last frame.
fn ends(
    exchange: &Bound<'_, PyAny>,
    request: &Bound<'_, PyAny>,
    response: &Bound<'_, PyAny>,
) -> PyResult<i64> {
    let py = exchange.py();
    let (mut last, mut over) = (i64::MIN, !response.is_none());
    for message in [request, response] {
        if !message.is_none() {
            last = last.max(number(message, intern!(py, "last_ns"))?);
            over &= message.getattr(intern!(py, "complete"))?.is_truthy()?;
        }
    }
    let reset = exchange.getattr(intern!(py, "reset"))?;
    if !reset.is_none() {
        return Ok(last.max(number(&reset, intern!(py, "time_ns"))?));
    }
    if over {
        over = !response.getattr(intern!(py, "framing"))?.eq(intern!(py, "tunnel"))?;
    }
    Ok(if over { last } else { NEVER })
}

fn number(of: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<i64> {
    of.getattr(name)?.extract()
}

/// What exchanges take of a report's room, and whether each of them went plainly well: `_cost_of_exchange` and
/// `_is_plain` of `keeping.py`. `units`: an exchange, and a field; `errors`: the first status that is one.
#[pyfunction]
pub fn burden(exchanges: &Bound<'_, PyList>, units: (u64, u64), errors: u32) -> PyResult<(u64, bool)> {
    let py = exchanges.py();
    let (mut cost, mut healthy) = (0, true);
    for exchange in exchanges {
        cost += units.0;
        let request = exchange.getattr(intern!(py, "request"))?;
        let response = exchange.getattr(intern!(py, "response"))?;
        let interim = exchange.getattr(intern!(py, "interim"))?;
        for message in [&request, &response] {
            if !message.is_none() {
                cost += of_message(message, units.1, &mut healthy)?;
            } else {
                healthy = false;
            }
        }
        for message in interim.cast::<PyList>()? {
            cost += of_message(&message, units.1, &mut true)?;
        }
        if healthy {
            let status: u32 = response.getattr(intern!(py, "status"))?.extract()?;
            healthy =
                status < errors && exchange.getattr(intern!(py, "outcome"))?.eq(intern!(py, "complete"))?;
        }
    }
    Ok((cost, healthy))
}

fn of_message(message: &Bound<'_, PyAny>, of_field: u64, healthy: &mut bool) -> PyResult<u64> {
    let py = message.py();
    let defects = message.getattr(intern!(py, "defects"))?.len()?;
    *healthy &= defects == 0;
    let headers = message.getattr(intern!(py, "headers"))?.len()?;
    let trailers = message.getattr(intern!(py, "trailers"))?.len()?;
    let body = message.getattr(intern!(py, "body"))?;
    let kept = if body.is_none() { 0 } else { body.len()? };
    Ok(of_field * (headers + trailers + defects) as u64 + kept as u64)
}
