//! The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B), four bits at a time.

use std::sync::OnceLock;

/// The length in bits of each symbol's code, symbols 0 to 255 and then EOS, as one base-36 digit each.
const LENGTHS: &[u8; 257] = b"dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca\
d67777777777777777777777878djde6f56565666577666567655677777fbeds\
kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn\
qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";
const EOS: u16 = 256;
const BROKEN: u16 = u16::MAX;
const INNER: u16 = 512;
/// An end within a padding of ones, which is shorter than a byte.
const MOST_PADDING: usize = 7;

/// One step: the state behind four bits, and the symbol that ended within them, if one did.
#[derive(Clone, Copy)]
struct Step {
    next: u16,
    symbol: Option<u8>,
}

struct Machine {
    /// By state and four bits; states are inner nodes of the code's tree, 0 is its root.
    steps: Vec<[Step; 16]>,
    /// Whether a string may end there.
    ends: Vec<bool>,
}

static MACHINE: OnceLock<Machine> = OnceLock::new();

/// The tree: of each inner node what a 0 and a 1 lead to, a symbol, or `INNER` and the number of a node.
fn tree() -> Vec<[u16; 2]> {
    let length = |symbol: u16| char::from(LENGTHS[usize::from(symbol)]).to_digit(36).unwrap_or(0);
    let mut symbols: Vec<u16> = (0..=EOS).collect();
    symbols.sort_by_key(|&symbol| (length(symbol), symbol));
    let mut nodes = vec![[BROKEN; 2]];
    let (mut code, mut before) = (0u32, 0);
    for symbol in symbols {
        code <<= length(symbol) - before;
        before = length(symbol);
        let mut node = 0;
        for shift in (1..before).rev() {
            let bit = (code >> shift & 1) as usize;
            if nodes[node][bit] == BROKEN {
                nodes[node][bit] = INNER + nodes.len() as u16;
                nodes.push([BROKEN; 2]);
            }
            node = usize::from(nodes[node][bit] - INNER);
        }
        nodes[node][(code & 1) as usize] = symbol;
        code += 1;
    }
    nodes
}

fn machine() -> Machine {
    let nodes = tree();
    let steps = (0..nodes.len()).map(|state| {
        std::array::from_fn(|bits| {
            let (mut node, mut symbol) = (state, None);
            for shift in (0..4).rev() {
                match nodes[node][bits >> shift & 1] {
                    EOS | BROKEN => return Step { next: BROKEN, symbol: None },
                    inner if inner > EOS => node = usize::from(inner - INNER),
                    found => (node, symbol) = (0, u8::try_from(found).ok()),
                }
            }
            Step { next: node as u16, symbol }
        })
    });
    let mut ends = vec![false; nodes.len()];
    let mut node = 0;
    for _ in 0..=MOST_PADDING {
        ends[node] = true;
        match nodes[node][1] {
            inner if inner > EOS && inner != BROKEN => node = usize::from(inner - INNER),
            _ => break,
        }
    }
    Machine { steps: steps.collect(), ends }
}

/// Decode into `out`; false if there is EOS in it, or it ends with anything but a padding of ones.
pub fn decode(data: &[u8], out: &mut Vec<u8>) -> bool {
    let machine = MACHINE.get_or_init(machine);
    let mut state = 0;
    for &byte in data {
        for bits in [byte >> 4, byte & 15] {
            let step = machine.steps[state][usize::from(bits)];
            if step.next == BROKEN {
                return false;
            }
            out.extend(step.symbol);
            state = usize::from(step.next);
        }
    }
    machine.ends[state]
}
