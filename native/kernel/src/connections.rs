//! The JSON of TCP connections, as `report/json.py` writes it, which says what it looks like.
//!
//! Those with anything rare (QUIC, tunnels, gaps, events, a program) are Python's.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::exchanges::{Written, done, duration, integer, seconds, text};

const SIZE: usize = 1100;
const ACK: i64 = 0x10;
const SIDES: [&str; 2] = ["\"client\"", "\"server\""];

/// One act of closing, as far as it says who was first.
struct Close<'py> {
    kind: Bound<'py, PyString>,
    side: usize,
    seq: i64,
    ack: Option<i64>,
}

/// The connections, with commas between them, and the size of each; `encoded` is the whole work for one.
#[pyfunction]
pub fn write_connections<'py>(
    connections: &Bound<'py, PyList>,
    encoded: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<usize>)> {
    let mut out = Vec::with_capacity(SIZE * connections.len());
    let mut sizes = Vec::with_capacity(connections.len());
    for connection in connections {
        if !sizes.is_empty() {
            out.push(b',');
        }
        let start = out.len();
        if !matches!(write(&mut out, &connection), Ok(Some(()))) {
            out.truncate(start);
            let text = encoded.call1((connection,))?;
            out.extend_from_slice(text.cast::<PyBytes>()?.as_bytes());
        }
        sizes.push(out.len() - start);
    }
    Ok((PyBytes::new(connections.py(), &out), sizes))
}

fn write<'py>(out: &mut Vec<u8>, connection: &Bound<'py, PyAny>) -> Written {
    let py = connection.py();
    let get = |name: &Bound<'py, PyString>| connection.getattr(name);
    if get(intern!(py, "transport"))?.cast::<PyString>()?.to_str()? != "tcp" {
        return Ok(None);
    }
    for name in [
        intern!(py, "inner_tls"),
        intern!(py, "tunnels"),
        intern!(py, "gaps"),
        intern!(py, "events"),
        intern!(py, "icmp_errors"),
        intern!(py, "conflicting"),
    ] {
        if !get(name)?.cast::<PyList>()?.is_empty() {
            return Ok(None);
        }
    }
    for name in [intern!(py, "quic"), intern!(py, "program"), intern!(py, "lookup")] {
        if !get(name)?.is_none() {
            return Ok(None);
        }
    }
    if get(intern!(py, "alike"))?.is_truthy()? || get(intern!(py, "duplicates"))?.is_truthy()? {
        return Ok(None);
    }
    let tls = get(intern!(py, "tls"))?;
    integer(out, "{\"id\":", &get(intern!(py, "id"))?)?;
    out.extend_from_slice(b",\"client\":");
    done!(endpoint(out, &get(intern!(py, "client"))?));
    out.extend_from_slice(b",\"server\":");
    done!(endpoint(out, &get(intern!(py, "server"))?));
    if tls.is_none() {
        out.extend_from_slice(b",\"server_name\":null,\"transport\":\"tcp\",\"tls\":null");
    } else {
        done!(optional(out, ",\"server_name\":", &tls.getattr(intern!(py, "server_name"))?));
        out.extend_from_slice(b",\"transport\":\"tcp\"");
        done!(session(out, &tls));
    }
    seconds(out, ",\"program\":null,\"opened\":", &get(intern!(py, "opened_ns"))?)?;
    duration(out, ",\"connected\":", &connected(connection)?)?;
    seconds(out, ",\"last\":", &get(intern!(py, "last_ns"))?)?;
    let acts = get(intern!(py, "closes"))?;
    let acts = acts.cast::<PyList>()?;
    let mut closes = Vec::with_capacity(acts.len());
    for act in acts {
        closes.push(Close {
            kind: act.getattr(intern!(py, "kind"))?.cast_into::<PyString>()?,
            side: act.getattr(intern!(py, "side"))?.extract()?,
            seq: act.getattr(intern!(py, "seq"))?.extract()?,
            ack: act.getattr(intern!(py, "ack"))?.extract()?,
        });
    }
    if acts.is_empty() {
        out.extend_from_slice(b",\"closed\":null");
    } else {
        seconds(out, ",\"closed\":", &acts.get_item(0)?.getattr(intern!(py, "time_ns"))?)?;
    }
    done!(how_it_ended(out, &closes));
    out.extend_from_slice(b",\"closes\":[");
    for (index, (act, close)) in acts.iter().zip(&closes).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        done!(closing(out, &act, close));
    }
    integer(out, "],\"packets\":", &get(intern!(py, "packets"))?)?;
    integer(out, ",\"first_packet\":", &get(intern!(py, "first_packet"))?)?;
    integer(out, ",\"last_packet\":", &get(intern!(py, "last_packet"))?)?;
    done!(of_sides(out, ",\"bytes\":[", &get(intern!(py, "sizes"))?));
    done!(of_sides(out, ",\"retransmissions\":[", &get(intern!(py, "retransmissions"))?));
    duration(out, ",\"round_trip\":", &get(intern!(py, "rtt_syn_ns"))?)?;
    out.extend_from_slice(b",\"gaps\":[]}");
    Ok(Some(()))
}

fn session(out: &mut Vec<u8>, tls: &Bound<'_, PyAny>) -> Written {
    let py = tls.py();
    for name in [intern!(py, "early_data"), intern!(py, "hello_retry"), intern!(py, "renegotiations")] {
        if tls.getattr(name)?.is_truthy()? {
            return Ok(None);
        }
    }
    done!(optional(out, ",\"tls\":{\"version\":", &tls.getattr(intern!(py, "version"))?));
    done!(optional(out, ",\"cipher_suite\":", &tls.getattr(intern!(py, "cipher_suite"))?));
    done!(optional(out, ",\"alpn\":", &tls.getattr(intern!(py, "alpn"))?));
    done!(optional(out, ",\"server_name\":", &tls.getattr(intern!(py, "server_name"))?));
    let resumed = tls.getattr(intern!(py, "resumed"))?;
    if resumed.is_none() {
        out.extend_from_slice(b",\"resumed\":null");
    } else {
        truth(out, ",\"resumed\":", &resumed)?;
    }
    duration(out, ",\"began\":", &tls.getattr(intern!(py, "began_ns"))?)?;
    duration(out, ",\"finished\":", &tls.getattr(intern!(py, "finished_ns"))?)?;
    out.push(b'}');
    Ok(Some(()))
}

/// Who closed first, and by which act of TCP's: `closed_by` and `close` of `model/connection.py`.
fn how_it_ended(out: &mut Vec<u8>, closes: &[Close]) -> Written {
    out.extend_from_slice(b",\"closed_by\":");
    let Some(first) = closes.first() else {
        out.extend_from_slice(b"null,\"close\":\"open\"");
        return Ok(Some(()));
    };
    let mut known = false;
    let mut word = "open";
    for close in closes {
        let kind = close.kind.to_str()?;
        if close.side > 1 || !matches!(kind, "fin" | "close_notify" | "alert" | "rst") {
            return Ok(None);
        }
        known |= close.side != first.side && kind != "rst" && first.ack.is_some_and(|ack| ack > close.seq);
        if word == "open" && matches!(kind, "fin" | "rst") {
            word = kind;
        }
    }
    out.extend_from_slice(SIDES[if known { 1 - first.side } else { first.side }].as_bytes());
    out.extend_from_slice(b",\"close\":\"");
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
    Ok(Some(()))
}

fn closing(out: &mut Vec<u8>, act: &Bound<'_, PyAny>, close: &Close) -> Written {
    let py = act.py();
    done!(text(out, "{\"kind\":", close.kind.as_any()));
    out.extend_from_slice(b",\"from\":");
    out.extend_from_slice(SIDES[close.side].as_bytes());
    seconds(out, ",\"time\":", &act.getattr(intern!(py, "time_ns"))?)?;
    integer(out, ",\"packet\":", &act.getattr(intern!(py, "packet"))?)?;
    out.extend_from_slice(b",\"offset\":");
    out.extend_from_slice(itoa::Buffer::new().format(close.seq).as_bytes());
    out.extend_from_slice(b",\"acknowledges\":");
    match close.ack {
        Some(ack) => out.extend_from_slice(itoa::Buffer::new().format(ack).as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    let detail = act.getattr(intern!(py, "detail"))?;
    if detail.is_truthy()? {
        done!(text(out, ",\"detail\":", &detail));
    }
    if act.getattr(intern!(py, "repeated"))?.is_truthy()? {
        out.extend_from_slice(b",\"repeated\":true");
    }
    out.push(b'}');
    Ok(Some(()))
}

/// When the server's SYN-ACK came, or None.
fn connected<'py>(connection: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = connection.py();
    for syn in connection.getattr(intern!(py, "syns"))?.cast::<PyList>()? {
        let flags: i64 = syn.getattr(intern!(py, "flags"))?.extract()?;
        let side: i64 = syn.getattr(intern!(py, "side"))?.extract()?;
        if flags & ACK != 0 && side == 1 {
            return syn.getattr(intern!(py, "time_ns"));
        }
    }
    Ok(py.None().into_bound(py))
}

/// `str` of an endpoint.
fn endpoint(out: &mut Vec<u8>, endpoint: &Bound<'_, PyAny>) -> Written {
    let py = endpoint.py();
    let address = endpoint.getattr(intern!(py, "address"))?;
    let start = out.len();
    done!(text(out, "", &address));
    out.pop();
    if out[start..].contains(&b':') {
        out.insert(start + 1, b'[');
        out.push(b']');
    }
    integer(out, ":", &endpoint.getattr(intern!(py, "port"))?)?;
    out.push(b'"');
    Ok(Some(()))
}

fn of_sides(out: &mut Vec<u8>, key: &str, numbers: &Bound<'_, PyAny>) -> Written {
    let numbers = numbers.cast::<PyList>()?;
    if numbers.len() != 2 {
        return Ok(None);
    }
    integer(out, key, &numbers.get_item(0)?)?;
    integer(out, ",", &numbers.get_item(1)?)?;
    out.push(b']');
    Ok(Some(()))
}

fn optional(out: &mut Vec<u8>, key: &str, value: &Bound<'_, PyAny>) -> Written {
    if value.is_none() {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"null");
        return Ok(Some(()));
    }
    text(out, key, value)
}

fn truth(out: &mut Vec<u8>, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(if value.is_truthy()? { b"true" } else { b"false" });
    Ok(())
}
