"""Hostile captures: what their analysis costs, at two sizes, so that growth can be seen.

Each kind is what a sender could write to wear out whoever reads along. The larger capture of a kind has about
60 MB, or a million of whatever it is made of. For that size the aim is 60 s of processor time and 600 MB of
memory, and no more than twice the time of half as many.

    python bench/hostile.py [--part 1] [KIND ...]

``--part 10`` makes captures of a tenth. Each analysis has a limit of memory and of time, so that the machine
lives. Exit status: 1 where a kind goes beyond the aim, or ends otherwise than with a report.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostility import contents, http1, http2, http3, quic, tls, transport
from hostility.wire import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[int], Iterator[bytes]]

AIM_SECONDS, AIM_MEGABYTES = 60, 600
_MOST_SECONDS, _MOST_BYTES = 240, 4 << 30
_REPORTS = (0, 1, 3)
"""Exit statuses of an analysis that came to a report, none of it lost."""

SIZES: dict[Make, int] = {
    transport.syns: 1_000_000,
    transport.refused: 400_000,
    transport.resets: 150_000,
    transport.connections: 100_000,
    transport.unclosed: 200_000,
    transport.tiny_segments: 1_000_000,
    transport.tiny_head: 1_000_000,
    transport.backwards: 1_000_000,
    transport.shuffled: 900_000,
    transport.holes: 1_000_000,
    transport.overlapping: 20_000,
    transport.retransmitted: 1_000_000,
    transport.fragments: 1_000_000,
    transport.overlapping_fragments: 1_000_000,
    transport.icmp_errors: 800_000,
    transport.questions: 1_000_000,
    transport.pointing_names: 40_000,
    transport.nested_tunnels: 30_000,
    http1.pipeline: 1_000_000,
    http1.exchanges: 400_000,
    http1.failing_exchanges: 400_000,
    http1.responses: 1_000_000,
    http1.interim: 1_000_000,
    http1.defects: 600_000,
    http1.bad_lines: 60,
    http1.folded_lines: 60,
    http1.many_fields: 500,
    http1.endless_head: 60_000_000,
    http1.long_targets: 75,
    http1.chunks: 10_000_000,
    http1.endless_chunk_line: 60_000_000,
    http1.junk: 6_000_000,
    http1.events: 1_200_000,
    http1.websocket_frames: 2_000_000,
    http1.websocket_pings: 1_000_000,
    http1.websocket_defects: 1_000_000,
    http1.mail_lines: 4_000_000,
    contents.gzip_bombs: 100,
    contents.gzip_in_gzip: 1000,
    contents.brotli_bombs: 1000,
    contents.zstd_bombs: 1000,
    contents.zstd_windows: 20_000,
    contents.brotli_windows: 20_000,
    contents.websocket_bombs: 100,
    http2.cancelled: 1_000_000,
    http2.refused_streams: 1_000_000,
    http2.accused: 1_000_000,
    http2.answered: 1_000_000,
    http2.open_streams: 1_000_000,
    http2.pushed: 1_000_000,
    http2.interim_headers: 1_000_000,
    http2.trailers: 1_000_000,
    http2.pings: 1_000_000,
    http2.settings: 1_000_000,
    http2.goaways: 1_000_000,
    http2.window_updates: 1_000_000,
    http2.data_of_a_byte: 1_000_000,
    http2.data_of_none: 1_000_000,
    http2.unknown_frames: 2_000_000,
    http2.continuations: 2_000_000,
    http2.long_continuations: 6000,
    http2.header_bombs: 3700,
    http2.small_header_bombs: 500_000,
    http2.large_tables: 400_000,
    tls.tiny_records: 1_000_000,
    tls.empty_records: 2_000_000,
    tls.empty_handshake: 2_000_000,
    tls.handshake_of_a_byte: 2_000_000,
    tls.hello_requests: 600_000,
    tls.alerts: 1_000_000,
    tls.hellos: 150_000,
    tls.certificates: 50_000,
    tls.long_certificates: 100,
    tls.plain_after_hello: 100_000,
    quic.initials: 50_000,
    quic.junk_initials: 50_000,
    quic.ids_on_one_path: 50_000,
    quic.small_initials: 600_000,
    quic.unanswered_short: 600_000,
    quic.odd_versions: 500_000,
    quic.crypto_in_pieces: 50_000,
    http3.requests: 1_000_000,
    http3.answered: 1_000_000,
    http3.cancelled: 1_000_000,
    http3.resets: 1_000_000,
    http3.stops: 1_000_000,
    http3.open_streams: 1_000_000,
    http3.empty_streams: 1_000_000,
    http3.open_everywhere: 1_000_000,
    http3.odd_streams: 1_000_000,
    http3.pushed: 400_000,
    http3.data_of_a_byte: 1_000_000,
    http3.data_of_none: 1_000_000,
    http3.unknown_frames: 1_000_000,
    http3.stream_of_a_byte: 1_000_000,
    http3.stream_backwards: 1_000_000,
    http3.repeated_frames: 1_000_000,
    http3.insertions: 1_000_000,
    http3.blocked: 1_000_000,
    http3.priorities: 1_000_000,
    http3.acknowledgments: 1_000_000,
    http3.challenges: 1_000_000,
    http3.challenges_everywhere: 1_000_000,
    http3.limits: 1_000_000,
    http3.connection_ids: 1_000_000,
    http3.closes: 600_000,
    http3.packets: 600_000,
    http3.connections: 30_000,
}
"""How many of a kind make the larger capture."""


class Cost(NamedTuple):
    """Of one analysis: exit status, processor time, peak memory, and bytes of the report."""

    status: int
    seconds: float
    megabytes: float
    report: int


def name_of(make: Make) -> str:
    """``http2.cancelled``."""
    return f"{make.__module__.rpartition('.')[2]}.{make.__name__}"


def analysed(capture: Path, keys: Path) -> Cost:
    """What the analysis of a capture costs, in a process of its own."""
    command = [sys.executable, "-m", "plainwire", "analyze", "--json", str(capture), "--keys", str(keys)]
    out = capture.with_suffix(".json")
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL, preexec_fn=_limited)  # noqa: PLW1509 - no threads here
        _, ended, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(ended)
    size = out.stat().st_size
    out.unlink()
    return Cost(process.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, size)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))


def _line(make: Make, count: int, folder: Path) -> bool:
    """Print one kind's line; whether it is within the aim."""
    keys, capture = folder / "keys.log", folder / "hostile.pcap"
    keys.write_text(tls.KEY_LOG)
    size = 0
    costs: list[Cost] = []
    for of in (2, 1):
        size = write(capture, make(max(1, count // of)))
        costs.append(analysed(capture, keys))
        capture.unlink()
    half, whole = costs
    fine = whole.status in _REPORTS and whole.seconds <= AIM_SECONDS and whole.megabytes <= AIM_MEGABYTES
    print(
        f"{name_of(make):32}{size / 1e6:7.1f}{half.seconds:8.1f}{whole.seconds:8.1f}"
        f"{whole.seconds / max(half.seconds, 0.01):7.2f}{half.megabytes:8.0f}{whole.megabytes:7.0f}"
        f"{whole.report / 1e6:8.1f}{whole.status:5}{'' if fine else '  !'}",
        flush=True,
    )
    return fine


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="these only, as the table names them")
    parser.add_argument("--part", type=int, default=1, help="make captures of that part of the size")
    options = parser.parse_args()
    chosen = {m: n for m, n in SIZES.items() if not options.kinds or name_of(m) in options.kinds}
    print(f"{'':39}{'s':>16}{'MB of memory':>22}{'':>8}")
    print(
        f"{'kind':32}{'MB':>7}{'half':>8}{'whole':>8}{'ratio':>7}{'half':>8}{'whole':>7}{'report':>8}{'exit':>5}"
    )
    with tempfile.TemporaryDirectory(prefix="plainwire-hostile-") as made:
        results = [_line(make, count // options.part, Path(made)) for make, count in chosen.items()]
    print(f"{len(results)} kinds, {results.count(False)} beyond the aim")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
