// Calls itself until its stack ends: the runtime's handler, on a stack of its own, says so and aborts.
#[inline(never)]
fn deeper(depth: u64, seen: &mut Vec<u64>) -> u64 {
    let mut room = [depth; 200];
    seen[0] += 1;
    std::hint::black_box(&mut room);
    if seen[0] == u64::MAX {
        return 0;
    }
    let below = deeper(depth + 1, seen);
    below.wrapping_add(room[(below % 200) as usize])
}

fn main() {
    println!("{}", deeper(1, &mut vec![0]));
}
