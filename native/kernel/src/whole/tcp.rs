//! The segments of one connection, from its SYN to both FINs.

use crate::segments::{
    ACK, ACKNOWLEDGED, AT, Begun, CLOCK, Close, FLAGS, Flow, IP_ID, LENGTH, LINES, NUMBER, Place, Row,
    SOURCE, SegmentTable, TIME, TTL, WINDOW, placed,
};

/// More are packed, in a report, as `model/segments.py` does it.
const MOST_SEGMENTS: usize = 32;
/// Of payload, which is held for segments that come later.
const MOST_BYTES: usize = 1 << 16;

/// Whether it is a close_notify, or else a FIN; side, time, packet, offset, acknowledged offset, flags, TTL, IP
/// identification, window.
pub type Ending = (bool, u8, i64, i64, i64, Option<i64>, i64, i64, i64, i64);

/// A connection that begins and ends with these segments.
pub struct Opened {
    pub rows: Vec<Row>,
    pub flows: [Flow; 2],
    pub established: bool,
    closes: Vec<Close>,
    /// What both sides sent, the client's first.
    payload: Vec<u8>,
}

impl Opened {
    /// None where it is not all of a connection, or an unusual one.
    pub fn read(table: &SegmentTable, data: &[u8], rows: &[i64]) -> Option<Opened> {
        if rows.len() > MOST_SEGMENTS {
            return None;
        }
        let Begun { rows: taken, flows, closes, established } = table.begun(data, rows, MOST_SEGMENTS)?;
        let size = flows.iter().map(|flow| flow.next).sum::<i64>();
        if taken.len() < rows.len() || closes.len() != 2 || size > MOST_BYTES as i64 {
            return None;
        }
        let mut payload = Vec::with_capacity(size as usize);
        for flow in &flows {
            for &(at, end) in &flow.parts {
                payload.extend_from_slice(data.get(at..end)?);
            }
        }
        Some(Opened { rows: taken, flows, established, closes, payload })
    }

    /// What each side sent.
    pub fn sent(&self) -> [&[u8]; 2] {
        let (client, server) = self.payload.split_at(self.flows[0].next as usize);
        [client, server]
    }

    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether both sides have all of the other's, FIN included.
    pub fn is_settled(&self) -> bool {
        self.flows.iter().all(Flow::is_settled)
    }

    /// The segment that brought the byte at an offset of a side's stream.
    pub fn locate(&self, side: usize, offset: i64) -> Place {
        let places = &self.flows[side].places;
        let behind = places.partition_point(|place| place.0 <= offset);
        places.get(behind.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// As `Segments` has them.
    pub fn placed(&self) -> Vec<u8> {
        let [client, server] = &self.flows;
        let rows = self.rows.iter().map(|row| &row[..]);
        placed(rows, self.rows[0][SOURCE], (client.base, server.base), (client.next, server.next))
    }

    /// All lines, line by line, with places in `payload`.
    pub fn held(&self) -> Vec<u8> {
        let mut held = Vec::with_capacity(self.rows.len() * LINES * 8);
        for line in 0..LINES {
            let mut next = [0, self.flows[0].next];
            for row in &self.rows {
                let side = usize::from(row[SOURCE] != self.rows[0][SOURCE]);
                let value = if line == AT { next[side] } else { row[line] };
                next[side] += row[LENGTH];
                held.extend_from_slice(&value.to_ne_bytes());
            }
        }
        held
    }

    /// How both sides ended it, by time; `notified`: side and offset of each close_notify.
    pub fn endings(&self, notified: &[(usize, i64)]) -> Vec<Ending> {
        let of_tcp = self.closes.iter().map(|&(side, time, number, seq, ack, flags, ttl, ip_id, window)| {
            (false, side, time, number, seq, ack, flags, ttl, ip_id, window)
        });
        let of_tls = notified.iter().map(|&(side, offset)| self.notify(side, offset));
        let mut found: Vec<Ending> = of_tcp.chain(of_tls).collect();
        found.sort_by_key(|ending| (ending.2, ending.3, !ending.0));
        found
    }

    fn notify(&self, side: usize, offset: i64) -> Ending {
        let (_, number, time, _) = self.locate(side, offset);
        let none = [0; LINES];
        let row = self.rows.iter().find(|row| row[NUMBER] == number).unwrap_or(&none);
        let from = usize::from(row[SOURCE] != self.rows[0][SOURCE]);
        let ack = (row[FLAGS] & ACK != 0)
            .then(|| self.flows[1 - from].offset(row[ACKNOWLEDGED]))
            .filter(|&offset| offset >= 0);
        (true, side as u8, time, number, offset, ack, row[FLAGS], row[TTL], row[IP_ID], row[WINDOW])
    }

    /// The clock at its last segment, packet and time of that.
    pub fn last(&self) -> (i64, i64, i64) {
        let last = &self.rows[self.rows.len() - 1];
        (last[NUMBER], last[TIME], last[CLOCK])
    }
}
