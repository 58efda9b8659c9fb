//! The attributes of exchanges and messages, all of an object by one call.

use pyo3::Borrowed;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// What is read of exchanges and messages, by these numbers.
const EXCHANGE: [&str; 17] = [
    "protocol",
    "request",
    "response",
    "stream",
    "via",
    "interim",
    "stopped",
    "id",
    "connection",
    "ordinal",
    "outcome",
    "idle_before_ns",
    "duration_ns",
    "grpc",
    "pushed",
    "reset",
    "websocket",
];
pub const PROTOCOL: usize = 0;
pub const REQUEST: usize = 1;
pub const RESPONSE: usize = 2;
pub const STREAM: usize = 3;
pub const VIA: usize = 4;
pub const INTERIM: usize = 5;
pub const STOPPED: usize = 6;
pub const ID: usize = 7;
pub const CONNECTION: usize = 8;
pub const ORDINAL: usize = 9;
pub const OUTCOME: usize = 10;
pub const IDLE_BEFORE: usize = 11;
pub const DURATION: usize = 12;
pub const GRPC: usize = 13;
pub const PUSHED: usize = 14;
pub const RESET: usize = 15;
pub const WEBSOCKET: usize = 16;
const OF_BOTH: [&str; 13] = [
    "version",
    "headers",
    "body_size",
    "declared_size",
    "framing",
    "time_ns",
    "last_ns",
    "packet",
    "last_packet",
    "complete",
    "trailers",
    "defects",
    "content",
];
pub const VERSION: usize = 0;
pub const HEADERS: usize = 1;
pub const BODY_SIZE: usize = 2;
pub const DECLARED_SIZE: usize = 3;
pub const FRAMING: usize = 4;
pub const TIME: usize = 5;
pub const LAST: usize = 6;
pub const PACKET: usize = 7;
pub const LAST_PACKET: usize = 8;
pub const COMPLETE: usize = 9;
pub const TRAILERS: usize = 10;
pub const DEFECTS: usize = 11;
pub const CONTENT: usize = 12;
const OF_REQUEST: [&str; 2] = ["method", "target"];
pub const METHOD: usize = 13;
pub const TARGET: usize = 14;
const OF_RESPONSE: [&str; 3] = ["status", "reason", "event_stream"];
pub const STATUS: usize = 13;
pub const REASON: usize = 14;
pub const EVENT_STREAM: usize = 15;

/// Where the attributes of a class stand in what `astuple` of msgspec gives of its objects: one call for all of
/// them costs as much as reading two.
pub struct Class {
    class: Py<PyAny>,
    places: Vec<usize>,
}

impl Class {
    fn new(class: &Bound<'_, PyAny>, names: &[&[&str]]) -> PyResult<Class> {
        let fields: Vec<String> = class.getattr("__struct_fields__")?.extract()?;
        let mut places = Vec::new();
        for name in names.iter().copied().flatten() {
            let place = fields.iter().position(|field| field == name);
            places.push(place.ok_or_else(|| PyValueError::new_err(format!("nothing has a {name}")))?);
        }
        Ok(Class { class: class.clone().unbind(), places })
    }
}

pub struct Classes {
    pub exchange: Class,
    pub request: Class,
    pub response: Class,
    astuple: Py<PyAny>,
}

impl Classes {
    /// `classes`: those of exchanges, requests and responses; `astuple` is msgspec's.
    pub fn new(
        classes: &(Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>),
        astuple: Py<PyAny>,
    ) -> PyResult<Classes> {
        Ok(Classes {
            exchange: Class::new(&classes.0, &[&EXCHANGE])?,
            request: Class::new(&classes.1, &[&OF_BOTH, &OF_REQUEST])?,
            response: Class::new(&classes.2, &[&OF_BOTH, &OF_RESPONSE])?,
            astuple,
        })
    }

    /// The attributes of an object; None if it is of another class.
    pub fn row<'a, 'py>(
        &self,
        class: &'a Class,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Row<'a, 'py>>> {
        if !object.get_type().is(&class.class) {
            return Ok(None);
        }
        let values = self.astuple.bind(object.py()).call1((object,))?.cast_into::<PyTuple>()?;
        Ok(Some(Row { values, places: &class.places }))
    }
}

/// The attributes of one object.
pub struct Row<'a, 'py> {
    values: Bound<'py, PyTuple>,
    places: &'a [usize],
}

impl<'py> Row<'_, 'py> {
    pub fn py(&self) -> Python<'py> {
        self.values.py()
    }

    pub fn get(&self, number: usize) -> PyResult<Borrowed<'_, 'py, PyAny>> {
        self.values.get_borrowed_item(self.places[number])
    }
}
