//! Where packets stand in a pcapng file (draft-ietf-opsawg-pcapng, section 4.3).

use pyo3::prelude::*;
use pyo3::types::PyBytes;

const ENHANCED: u32 = 6;
const SHORTEST: usize = 32;

/// The positions of the Enhanced Packet Blocks that stand one behind the other from `position` on, as the bytes of
/// 64-bit numbers, and the position behind the last: that of a block that is cut, damaged, or of another type.
#[pyfunction]
pub fn enhanced_blocks<'py>(
    py: Python<'py>,
    data: &[u8],
    position: usize,
    little: bool,
) -> (Bound<'py, PyBytes>, usize) {
    let (mut found, mut position) = (Vec::new(), position);
    while let Some((kind, length)) = head(data, position, little) {
        let Ok(length) = usize::try_from(length) else { break };
        if kind != ENHANCED || length % 4 != 0 || length < SHORTEST || length > data.len() - position {
            break;
        }
        found.extend_from_slice(&(position as i64).to_ne_bytes());
        position += length;
    }
    (PyBytes::new(py, &found), position)
}

/// The type and the length of the block at `position`, if its first 12 bytes are there.
fn head(data: &[u8], position: usize, little: bool) -> Option<(u32, u32)> {
    let bytes: &[u8; 12] = data.get(position..position.checked_add(12)?)?.try_into().ok()?;
    let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    let read = if little { u32::from_le_bytes } else { u32::from_be_bytes };
    Some((read(word(0)), read(word(4))))
}
