//! HTTP/2 (RFC 9113) where nothing is unusual about it.

mod connection;
mod fields;
mod frames;
mod hpack;
mod huffman;
mod streams;

pub use connection::Streams;
pub use frames::{FrameRun, cut_frames};
pub use hpack::Hpack;
