//! The first segments of TCP connections, where they are what most are: SYN, SYN-ACK, data in order, FINs
//! (RFC 9293). `streams/tcp_connection.py` takes whatever else comes, from there on.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The lines of the table, and how many of them stay: `streams/segment_columns.py`.
pub const LINES: usize = 13;
const KEPT: usize = 10;
pub const NUMBER: usize = 0;
pub const TIME: usize = 1;
pub const SOURCE: usize = 2;
const SEQ: usize = 3;
pub const ACKNOWLEDGED: usize = 4;
pub const FLAGS: usize = 5;
pub const LENGTH: usize = 6;
pub const WINDOW: usize = 7;
pub const TTL: usize = 8;
pub const IP_ID: usize = 9;
pub const AT: usize = 10;
const CAPTURED: usize = 11;
pub const CLOCK: usize = 12;

const FIN: i64 = 1;
const SYN: i64 = 2;
const RST: i64 = 4;
pub const ACK: i64 = 16;
const NUMBERS: i64 = 0xFFFF_FFFF;
const HALF: i64 = 0x8000_0000;

/// Segments that are taken here; a longer run is taken by columns.
const MOST: usize = 60;
/// So long a connection that ended is not over yet: `SETTLED_NS` of `streams/tcp_connection.py`.
const SETTLED_NS: i64 = 10_000_000_000;

pub type Row = [i64; LINES];

/// Offset, packet, time and acknowledgment number of a segment with data: as `Positions` has them.
pub type Place = (i64, i64, i64, i64);

/// Of a side: the number of its first byte, all its bytes, their places, `next`, `acked`, `acked_number`,
/// `last_step` and `fin`, as `Direction` has them.
type Flown<'py> = (i64, Bound<'py, PyBytes>, Vec<Place>, i64, i64, Option<i64>, i64, Option<i64>);

/// Side, time, packet, offset, acknowledged offset, flags, TTL, IP identification, window.
pub type Close = (u8, i64, i64, i64, Option<i64>, i64, i64, i64, i64);

/// Packet, time, flags, window, TTL, sequence number.
pub type Syn = (i64, i64, i64, i64, i64, i64);

/// How many segments were taken; whether the client acknowledged any; packet, time and clock of the last one;
/// both SYNs; the FINs; both sides; the kept lines of all segments, one behind the other.
type Opening<'py> =
    (usize, bool, (i64, i64, i64), (Syn, Syn), Vec<Close>, (Flown<'py>, Flown<'py>), Bound<'py, PyBytes>);

/// One direction.
pub struct Flow {
    pub base: i64,
    pub next: i64,
    acked: i64,
    acked_number: Option<i64>,
    last_step: i64,
    fin: Option<i64>,
    pub parts: Vec<(usize, usize)>,
    pub places: Vec<Place>,
}

/// The plain segments that a connection begins with: see `SegmentTable::opening`.
pub struct Begun {
    pub rows: Vec<Row>,
    pub flows: [Flow; 2],
    pub closes: Vec<Close>,
    pub established: bool,
}

impl Flow {
    fn new(syn: &Row) -> Flow {
        let base = (syn[SEQ] + 1) & NUMBERS;
        let (parts, places) = (Vec::new(), Vec::new());
        Flow { base, next: 0, acked: 0, acked_number: None, last_step: 0, fin: None, parts, places }
    }

    pub fn offset(&self, seq: i64) -> i64 {
        offset(seq, self.base, self.next)
    }

    /// Whether its FIN came, and was acknowledged.
    pub fn is_settled(&self) -> bool {
        self.fin.is_some_and(|fin| self.acked > fin)
    }

    /// What may be acknowledged of it: its bytes, and its FIN.
    fn end(&self) -> i64 {
        self.next + i64::from(self.fin.is_some())
    }

    fn acknowledge(&mut self, number: i64) {
        self.acked_number = Some(number);
        let offset = self.offset(number);
        if offset > self.acked {
            self.last_step = offset - self.acked;
            self.acked = offset;
        }
    }

    fn done<'py>(self, py: Python<'py>, data: &[u8]) -> Flown<'py> {
        let whole = match self.parts[..] {
            [(at, end)] => PyBytes::new(py, &data[at..end]),
            _ => {
                let parts: Vec<&[u8]> = self.parts.iter().map(|&(at, end)| &data[at..end]).collect();
                PyBytes::new(py, &parts.concat())
            }
        };
        let Flow { base, next, acked, acked_number, last_step, fin, places, .. } = self;
        (base, whole, places, next, acked, acked_number, last_step, fin)
    }
}

/// The offset of a sequence number nearest to `next`.
fn offset(seq: i64, base: i64, next: i64) -> i64 {
    ((seq - (base + next) + HALF) & NUMBERS) - HALF + next
}

/// The segments of a batch.
#[pyclass(frozen)]
pub struct SegmentTable {
    data: Py<PyBytes>,
    columns: Vec<i64>,
    count: usize,
}

#[pymethods]
impl SegmentTable {
    /// `columns`: the table of `streams/segment_columns.py`.
    #[new]
    fn new(py: Python<'_>, data: Py<PyBytes>, columns: PyBuffer<i64>) -> PyResult<Self> {
        let columns = columns.to_vec(py)?;
        let count = columns.len() / LINES;
        Ok(SegmentTable { data, columns, count })
    }

    /// Take the first of a new connection's segments, which stand in these columns, up to the first that is
    /// unusual; None where that is one of the first two.
    fn opening<'py>(&self, py: Python<'py>, rows: PyBuffer<i64>) -> PyResult<Option<Opening<'py>>> {
        let rows = rows.to_vec(py)?;
        let data = self.data.bind(py).as_bytes();
        let Some(Begun { rows, flows, closes, established }) = self.begun(data, &rows, MOST) else {
            return Ok(None);
        };
        let (first, second, last) = (&rows[0], &rows[1], &rows[rows.len() - 1]);
        let mut kept = Vec::with_capacity(rows.len() * KEPT * 8);
        for row in &rows {
            keep(&mut kept, row);
        }
        let [client, server] = flows;
        Ok(Some((
            rows.len(),
            established,
            (last[NUMBER], last[TIME], last[CLOCK]),
            (syn(first), syn(second)),
            closes,
            (client.done(py, data), server.done(py, data)),
            PyBytes::new(py, &kept),
        )))
    }
}

impl SegmentTable {
    /// The bytes that the rows lie in.
    pub fn data<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        self.data.as_bytes(py)
    }

    /// The first of a new connection's segments, up to `most`, or to the first that is unusual; None where that
    /// is one of the first two.
    pub fn begun(&self, data: &[u8], rows: &[i64], most: usize) -> Option<Begun> {
        let (first, second) = (self.row(rows, 0)?, self.row(rows, 1)?);
        let syns = first[FLAGS] & (SYN | ACK | FIN | RST) == SYN
            && second[FLAGS] & (SYN | ACK | FIN | RST) == SYN | ACK
            && first[LENGTH] == 0
            && second[LENGTH] == 0
            && first[SOURCE] != second[SOURCE]
            && second[ACKNOWLEDGED] == (first[SEQ] + 1) & NUMBERS;
        if !syns {
            return None;
        }
        let mut flows = [Flow::new(&first), Flow::new(&second)];
        flows[0].acknowledge(second[ACKNOWLEDGED]);
        let (mut established, mut closes, mut taken) = (false, Vec::new(), Vec::with_capacity(16));
        taken.extend([first, second]);
        let mut last = second;
        while taken.len() < most
            && let Some(row) = self.row(rows, taken.len())
        {
            let side = usize::from(row[SOURCE] != first[SOURCE]);
            if !is_plain(&flows[side], &flows[1 - side], &row, &last, data) {
                break;
            }
            take(&mut flows, side, &row, &mut closes);
            established |= side == 0 && row[FLAGS] & ACK != 0;
            taken.push(row);
            last = row;
        }
        Some(Begun { rows: taken, flows, closes, established })
    }

    fn row(&self, rows: &[i64], index: usize) -> Option<Row> {
        let at = usize::try_from(*rows.get(index)?).ok().filter(|&at| at < self.count)?;
        Some(std::array::from_fn(|line| self.columns[line * self.count + at]))
    }
}

/// Whether a segment carries on where its side stands, and acknowledges what the other one has sent.
fn is_plain(mine: &Flow, theirs: &Flow, row: &Row, last: &Row, data: &[u8]) -> bool {
    let (flags, length) = (row[FLAGS], row[LENGTH]);
    if flags & (SYN | RST) != 0 {
        return false;
    }
    if length != 0 || flags & FIN != 0 {
        let end = row[AT].checked_add(length).and_then(|end| usize::try_from(end).ok());
        let there = row[CAPTURED] == length || length == 0;
        if length < 0 || !there || mine.fin.is_some() || mine.offset(row[SEQ]) != mine.next {
            return false;
        }
        if length > 0 && (row[AT] < 0 || end.is_none_or(|end| end > data.len())) {
            return false;
        }
    }
    if flags & ACK != 0 && !(theirs.acked..=theirs.end()).contains(&theirs.offset(row[ACKNOWLEDGED])) {
        return false;
    }
    let ended = mine.fin.is_some() && theirs.fin.is_some();
    !(ended && row[CLOCK] - last[CLOCK] > SETTLED_NS)
}

fn take(flows: &mut [Flow; 2], side: usize, row: &Row, closes: &mut Vec<Close>) {
    let (flags, length) = (row[FLAGS], row[LENGTH]);
    let acknowledged = (flags & ACK != 0).then_some(row[ACKNOWLEDGED]);
    let mine = &mut flows[side];
    if length > 0 {
        mine.places.push((mine.next, row[NUMBER], row[TIME], acknowledged.unwrap_or(-1)));
        mine.parts.push((row[AT] as usize, (row[AT] + length) as usize));
        mine.next += length;
    }
    if let Some(number) = acknowledged {
        flows[1 - side].acknowledge(number);
    }
    if flags & FIN != 0 {
        let seq = flows[side].next;
        let ack = acknowledged.map(|number| flows[1 - side].offset(number));
        flows[side].fin = Some(seq);
        closes.push((side as u8, row[TIME], row[NUMBER], seq, ack, flags, row[TTL], row[IP_ID], row[WINDOW]));
    }
}

fn keep(kept: &mut Vec<u8>, row: &Row) {
    for value in &row[..KEPT] {
        kept.extend_from_slice(&value.to_ne_bytes());
    }
}

pub fn syn(row: &Row) -> Syn {
    (row[NUMBER], row[TIME], row[FLAGS], row[WINDOW], row[TTL], row[SEQ])
}

/// The kept lines of segments, one segment behind the other, as `Segments` has them: column by column, with
/// sides and offsets in place of endpoints and numbers. `client` is that one's number; `bases` and `nexts` are
/// those of both directions.
#[pyfunction]
pub fn place_segments<'py>(
    py: Python<'py>,
    rows: PyBuffer<i64>,
    client: i64,
    bases: (i64, i64),
    nexts: (i64, i64),
) -> PyResult<Bound<'py, PyBytes>> {
    let rows = rows.to_vec(py)?;
    Ok(PyBytes::new(py, &placed(rows.chunks_exact(KEPT), client, bases, nexts)))
}

/// The same of lines of which the kept ones are the first.
pub fn placed<'a>(
    rows: impl Iterator<Item = &'a [i64]> + Clone,
    client: i64,
    bases: (i64, i64),
    nexts: (i64, i64),
) -> Vec<u8> {
    let mut columns: Vec<u8> = Vec::new();
    let of_client = |number: i64| offset(number, bases.0, nexts.0);
    let of_server = |number: i64| offset(number, bases.1, nexts.1);
    for line in [NUMBER, TIME, SOURCE, SEQ, ACKNOWLEDGED, LENGTH, FLAGS, WINDOW, TTL, IP_ID] {
        columns.extend(rows.clone().flat_map(|row| {
            let by_client = row[SOURCE] == client;
            let value = match line {
                SOURCE => i64::from(!by_client),
                SEQ if by_client => of_client(row[SEQ]),
                SEQ => of_server(row[SEQ]),
                ACKNOWLEDGED if row[FLAGS] & ACK == 0 => -1,
                ACKNOWLEDGED if by_client => of_server(row[ACKNOWLEDGED]),
                ACKNOWLEDGED => of_client(row[ACKNOWLEDGED]),
                _ => row[line],
            };
            value.to_ne_bytes()
        }));
    }
    columns
}
