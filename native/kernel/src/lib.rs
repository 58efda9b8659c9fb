//! The compiled kernel of plainwire: what most messages and exchanges of a capture are, without Python in between.
//!
//! It knows the plain case only. Whatever is unusual it leaves to the readers and writers in Python, which are
//! complete, and which it must agree with to the byte: `tests/streams/test_plain_run.py`, `tests/tls/test_at_once.py`, `tests/tls/test_keylog.py`,
//! `tests/conversation/test_whole.py`, `tests/http/test_http1_compiled.py`, `tests/http/test_http2_compiled.py` and
//! `tests/report/test_json_compiled.py` hold both against each other. There is no unsafe code in it.

use pyo3::prelude::*;

mod attributes;
mod blocks;
mod connections;
mod exchanges;
mod h2;
mod heads;
mod keys;
mod messages;
mod segments;
mod tls;
mod whole;

/// `plainwire._kernel`.
#[pymodule]
#[pyo3(name = "_kernel")]
fn kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<heads::Heads>()?;
    module.add_class::<exchanges::ExchangeWriter>()?;
    module.add_class::<segments::SegmentTable>()?;
    module.add_class::<tls::Tls13>()?;
    module.add_class::<tls::Tls13Reader>()?;
    module.add_class::<tls::RecordRun>()?;
    module.add_class::<tls::RecordRun12>()?;
    module.add_class::<keys::KeyLines>()?;
    module.add_class::<whole::WholeReader>()?;
    module.add_class::<whole::WholeBatch>()?;
    module.add_class::<h2::FrameRun>()?;
    module.add_class::<h2::Streams>()?;
    module.add_class::<h2::Hpack>()?;
    module.add_function(wrap_pyfunction!(blocks::enhanced_blocks, module)?)?;
    module.add_function(wrap_pyfunction!(connections::write_connections, module)?)?;
    module.add_function(wrap_pyfunction!(h2::cut_frames, module)?)?;
    module.add_function(wrap_pyfunction!(messages::in_order, module)?)?;
    module.add_function(wrap_pyfunction!(messages::burden, module)?)?;
    module.add_function(wrap_pyfunction!(messages::place_first, module)?)?;
    module.add_function(wrap_pyfunction!(messages::place_last, module)?)?;
    module.add_function(wrap_pyfunction!(segments::place_segments, module)?)?;
    module.add_function(wrap_pyfunction!(messages::time, module)?)?;
    Ok(())
}
