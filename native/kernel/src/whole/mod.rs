//! Whole plain connections: from the segments of a batch to what a report has of them.
//!
//! Plain is a connection that begins and ends within the batch, in order and without loss (`segments`), and
//! carries whole HTTP/1.1 messages that answer each other, in clear text or in TLS 1.3 with a plain handshake
//! (`tls`), or nothing in that. `conversation/whole.py` asks; `streams/`, `conversation/` and what they ask read
//! all else, and are the reference.

mod secure;
mod tcp;

use std::num::NonZero;
use std::thread;

use pyo3::buffer::PyBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::heads::{Heads, Message};
use crate::segments::{Place, SOURCE, SegmentTable, Syn, syn};
use secure::{Secrets, Secure};
use tcp::{Ending, Opened};

/// Plain text, and where what carried it begins and ends.
type Text = (Vec<u8>, i64, i64);

/// By side.
type Pair<T, U = T> = (T, U);

/// Of messages: how many, their fields, and the characters of those.
type Sizes = (usize, usize, usize);

/// The segments: numbers of client and server; how many; whether the client acknowledged any; packet, time and
/// clock of the last one; both SYNs; whether each side has all of the other's; bytes by side; as `Segments` has
/// them.
type Carried<'py> =
    (Pair<i64>, usize, bool, (i64, i64, i64), Pair<Syn>, bool, Pair<i64>, Bound<'py, PyBytes>);

/// The lines of all segments, line by line, and the bytes in which they say that theirs are.
type Held<'py> = Pair<Bound<'py, PyBytes>>;

/// Client random, name of the server, protocols offered and chosen, newest version offered; whether OCSP stapling
/// and later authentication were offered; suite; whether it is resumed; certificate, how many there are, whether
/// a response of OCSP came; times of the ClientHello and of the later Finished; size of the ClientHello; by side
/// whether it said anything.
type Session<'py> = (
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyString>>,
    Pair<Vec<String>, Option<String>>,
    u16,
    Pair<bool>,
    u16,
    bool,
    (Bound<'py, PyBytes>, usize, bool),
    Pair<i64>,
    usize,
    Pair<bool>,
);

type Made<'py> =
    (Carried<'py>, Vec<Ending>, Option<Session<'py>>, (Bound<'py, PyList>, Pair<Sizes>), Held<'py>);

/// A connection that was read, but for its messages.
struct Whole {
    opened: Opened,
    secure: Option<Secure>,
}

/// Fewer connections are not worth another thread.
const FEWEST: usize = 64;
const MOST_THREADS: usize = 8;

/// Does the work on all items, in threads where they are many. What a thread does not give is None.
fn parallel<T: Send, U: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> Option<U> + Sync,
) -> Vec<Option<U>> {
    let threads = threads.min(items.len() / FEWEST);
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let (count, each) = (items.len(), items.len().div_ceil(threads));
    let (mut items, work) = (items.into_iter(), &work);
    let mut found = Vec::with_capacity(count);
    thread::scope(|scope| {
        let mut started = Vec::with_capacity(threads);
        for _ in 0..threads {
            let part: Vec<T> = items.by_ref().take(each).collect();
            let size = part.len();
            let task = move || part.into_iter().map(work).collect::<Vec<_>>();
            started.push((size, thread::Builder::new().spawn_scoped(scope, task)));
        }
        for (size, thread) in started {
            match thread.map(|thread| thread.join()) {
                Ok(Ok(part)) => found.extend(part),
                _ => found.extend(std::iter::repeat_with(|| None).take(size)),
            }
        }
    });
    found
}

/// The connections of a batch.
#[pyclass]
pub struct WholeBatch {
    found: Vec<Option<Whole>>,
}

#[pymethods]
impl WholeBatch {
    /// Of each group the number under which it was read, or -1.
    fn numbers(&self) -> Vec<i64> {
        (0..).zip(&self.found).map(|(number, found)| if found.is_some() { number } else { -1 }).collect()
    }
}

/// Reads whole connections. `secrets`: by client random, as `_OF_TLS13` of `tls/keylog.py` lists them.
#[pyclass]
pub struct WholeReader {
    heads: Py<Heads>,
    exchange: Py<PyAny>,
    secrets: [Py<PyDict>; 4],
    certificate: Py<PyBytes>,
    threads: usize,
}

#[pymethods]
impl WholeReader {
    #[new]
    fn new(py: Python<'_>, heads: Py<Heads>, exchange: Py<PyAny>, secrets: [Py<PyDict>; 4]) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        WholeReader { heads, exchange, secrets, certificate: PyBytes::new(py, b"").unbind(), threads }
    }

    /// Read what can be read of groups of segments, which are those of a pair of endpoints each: their columns
    /// in `table`, one group behind the other, and where in `rows` each of them begins.
    fn read(
        &self,
        py: Python<'_>,
        table: Bound<'_, SegmentTable>,
        rows: PyBuffer<i64>,
        begins: PyBuffer<i64>,
    ) -> PyResult<WholeBatch> {
        let (rows, begins) = (rows.to_vec(py)?, begins.to_vec(py)?);
        let mut groups: Vec<&[i64]> = Vec::with_capacity(begins.len());
        for (index, &begin) in begins.iter().enumerate() {
            let end = begins.get(index + 1).map_or(rows.len(), |&end| end as usize);
            groups.push(rows.get(begin as usize..end).unwrap_or_default());
        }
        let (table, threads) = (table.get(), self.threads);
        let data = table.data(py);
        let opened = py.detach(|| parallel(groups, threads, |group| Opened::read(table, data, group)));
        let mut candidates = Vec::with_capacity(opened.len());
        for opened in opened {
            candidates.push(match opened {
                Some(opened) if secure::begins(opened.sent()) => {
                    self.of_client(py, opened.sent()[0])?.map(|secrets| (opened, Some(secrets)))
                }
                Some(opened) => may_be_messages(opened.sent()).then_some((opened, None)),
                None => None,
            });
        }
        let found = py.detach(|| {
            parallel(candidates, threads, |candidate| {
                let (opened, secrets) = candidate?;
                let secure = match secrets {
                    Some(secrets) => Some(Secure::read(opened.sent(), &secrets)?),
                    None => None,
                };
                Some(Whole { opened, secure })
            })
        });
        Ok(WholeBatch { found })
    }

    /// All of a connection, which has this identity; None where its messages are unusual.
    fn take<'py>(
        &mut self,
        py: Python<'py>,
        mut batch: PyRefMut<'py, WholeBatch>,
        index: usize,
        identity: u64,
    ) -> PyResult<Option<Made<'py>>> {
        let Some(Whole { opened, secure }) = batch.found.get_mut(index).and_then(Option::take) else {
            return Ok(None);
        };
        let sent = opened.sent();
        let (session, texts, notified) = match secure {
            Some(mut secure) => {
                let texts = std::mem::take(&mut secure.texts);
                let notified = std::mem::take(&mut secure.notified);
                let talked = (!texts[0].is_empty(), !texts[1].is_empty());
                (Some(self.session(py, &opened, secure, talked)), texts, notified)
            }
            None => (None, sent.map(|data| vec![(data.to_vec(), 0, data.len() as i64)]), Vec::new()),
        };
        let Some(messages) = self.messages(py, &opened, &texts, identity)? else { return Ok(None) };
        let last = opened.last();
        let syns = (syn(&opened.rows[0]), syn(&opened.rows[1]));
        let carried = (
            (opened.rows[0][SOURCE], opened.rows[1][SOURCE]),
            opened.rows.len(),
            opened.established,
            last,
            syns,
            opened.is_settled(),
            (opened.flows[0].next, opened.flows[1].next),
            PyBytes::new(py, &opened.placed()),
        );
        let held = (PyBytes::new(py, &opened.held()), PyBytes::new(py, opened.payload()));
        Ok(Some((carried, opened.endings(&notified), session, messages, held)))
    }
}

/// Whether this can be a request and a response.
fn may_be_messages(sent: [&[u8]; 2]) -> bool {
    sent[0].first().is_some_and(u8::is_ascii_uppercase) && sent[1].starts_with(b"HTTP/")
}

impl WholeReader {
    /// The secrets of the client whose ClientHello this begins with; None unless each is there once.
    fn of_client(&self, py: Python<'_>, sent: &[u8]) -> PyResult<Option<Secrets>> {
        let Some(random) = secure::random(sent) else { return Ok(None) };
        let random = PyBytes::new(py, random);
        let mut found = Secrets::default();
        for (known, secret) in self.secrets.iter().zip(&mut found) {
            let Some(value) = known.bind(py).get_item(&random)? else { return Ok(None) };
            let Ok(value) = value.cast::<PyBytes>() else { return Ok(None) };
            *secret = value.as_bytes().to_vec();
        }
        Ok(Some(found))
    }

    fn session<'py>(
        &mut self,
        py: Python<'py>,
        opened: &Opened,
        secure: Secure,
        talked: (bool, bool),
    ) -> Session<'py> {
        let [client, _] = opened.sent();
        if secure.certificate != self.certificate.as_bytes(py) {
            self.certificate = PyBytes::new(py, &secure.certificate).unbind();
        }
        let asked = secure.asked;
        let finished = [0, 1].map(|side| opened.locate(side, secure.finished[side]).2);
        (
            PyBytes::new(py, secure::random(client).unwrap_or_default()),
            asked.server_name.map(|name| PyString::new(py, &name)),
            (asked.protocols, secure.protocol),
            asked.newest,
            (asked.status_requested, asked.post_handshake_auth),
            secure.answered.suite,
            secure.answered.resumed,
            (self.certificate.bind(py).clone(), secure.chain, secure.stapled),
            (opened.locate(0, 0).2, finished[0].max(finished[1])),
            secure::hello_size(client),
            talked,
        )
    }

    /// The exchanges that the texts are, with the sizes of requests and responses; None where one of them is no
    /// plain message, or where it is not plain what answers what.
    fn messages<'py>(
        &self,
        py: Python<'py>,
        opened: &Opened,
        texts: &[Vec<Text>; 2],
        identity: u64,
    ) -> PyResult<Option<(Bound<'py, PyList>, Pair<Sizes>)>> {
        let [asked, answered] = texts;
        if asked.len() != answered.len() {
            return Ok(None);
        }
        let exchanges = PyList::empty(py);
        let (mut of_requests, mut of_responses) = (Sizes::default(), Sizes::default());
        let mut heads = self.heads.bind(py).borrow_mut();
        let mut before: Option<i64> = None;
        for (index, (request, response)) in asked.iter().zip(answered).enumerate() {
            let (first, last) = ends(opened, 0, request);
            let (begin, end) = ends(opened, 1, response);
            if first.1 > begin.1 {
                return Ok(None); // it answers nothing that was seen
            }
            let Some(asking) = heads.one_request(py, &request.0, &place(py, request)?)? else {
                return Ok(None);
            };
            let Some(answer) = heads.one_response(py, &response.0, &place(py, response)?)? else {
                return Ok(None);
            };
            count(&asking, &mut of_requests);
            count(&answer, &mut of_responses);
            let asking = heads.request_of(py, asking, between(first, last))?;
            let answer = heads.response_of(py, answer, between(begin, end))?;
            let exchange = self.exchange.bind(py).call1((
                0,
                identity,
                index + 1,
                asking,
                answer,
                intern!(py, "complete"),
            ))?;
            if let Some(before) = before {
                exchange.setattr(intern!(py, "idle_before_ns"), (first.2 - before).max(0))?;
            }
            exchange.setattr(intern!(py, "duration_ns"), (end.2 - first.2).max(0))?;
            before = Some(before.unwrap_or(0).max(last.2).max(end.2));
            exchanges.append(exchange)?;
        }
        Ok(Some((exchanges, (of_requests, of_responses))))
    }
}

/// The segments that brought the first and the last byte of what carried a text.
fn ends(opened: &Opened, side: usize, text: &Text) -> (Place, Place) {
    (opened.locate(side, text.1), opened.locate(side, text.2 - 1))
}

fn place<'py>(py: Python<'py>, text: &Text) -> PyResult<Bound<'py, PyTuple>> {
    (py.None(), text.1, text.2).into_pyobject(py)
}

fn count(message: &Message<'_>, sizes: &mut Sizes) {
    *sizes = (sizes.0 + 1, sizes.1 + message.fields(), sizes.2 + message.size);
}

/// The packets of the first and the last byte, and their times.
fn between((_, packet, time, _): Place, (_, last_packet, last, _): Place) -> [i64; 4] {
    [packet, last_packet, time, last]
}
