"""The flight recorder for some minutes, with failures planted at known times: is each saved, for how much.

    python bench/soak.py [--minutes 15] [--keep 8MB] [--every 20]

As root, in a network namespace of its own. The recorder writes to a file system of its own, an image on a
loop device. So at the end all of its bytes can be searched, also those of files that are gone, for secrets
that should be gone with them.

Printed: planted and saved failures and any that nobody planted, the largest memory of the recorder in each
quarter of the time, the largest size of ring and cases, secrets on the disk that belong to nothing any more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct, field

sys.path.insert(0, str(Path(__file__).parent.parent))

from plainwire.keys import lines_of
from plainwire.lab import namespaces
from plainwire.recorder import measures
from tests.end_to_end.misbehaving import Misbehaving, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPECTED = {
    "reset": {"reset-mid-request"},
    "close": {"close-mid-request"},
    "half-reset": {"reset-mid-response"},
    "busy": {"overload-5xx"},
}
"""What is asked for, and the codes that are right for it."""
IMAGE_MB = 512
BEFORE, AFTER, SEGMENT = 10.0, 3.0, 5.0
OKS = 20
"""Healthy requests between two failures, each on a connection of its own."""
STEADY = Path(__file__).parent.parent / "tests" / "recorder" / "steady.py"
KEY_LINE = re.compile(rb"[A-Z][A-Z0-9_]{2,39} [0-9a-f]{64} [0-9a-f]{64,96}")
QUARTERS = 4


class Measured(Struct):
    """What was seen while it ran."""

    planted: list[tuple[float, str]] = field(default_factory=list)
    answers: int = 0
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    """When, kB of the recorder, kB of the largest process that examines."""
    ring: int = 0
    cases: int = 0
    secrets: int = 0


def main() -> int:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=15.0)
    arguments.add_argument("--keep", default="8MB")
    arguments.add_argument("--every", type=float, default=20.0, help="seconds between two failures")
    given = arguments.parse_args()
    namespaces.enter_new(user=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _disk(folder) as (disk, image), serving(folder, as_service=True) as server:
            flight, measured = disk / "flight", Measured()
            said = _play(flight, server, given.minutes * 60, given.every, given.keep, measured)
            subprocess.run(["sync", "-f", str(disk)], check=True)
            good = _tell(flight, image, measured, measures.size(given.keep), said)
    return 0 if good else 1


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[tuple[Path, Path]]:
    """An ext4 of its own, and the image that it is in."""
    image, disk = folder / "image", folder / "disk"
    with image.open("wb") as file:
        file.truncate(IMAGE_MB << 20)
    disk.mkdir()
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(disk)], check=True)
    try:
        yield disk, image
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _play(
    flight: Path, server: Misbehaving, seconds: float, every: float, keep: str, measured: Measured
) -> list[str]:
    times = ["--segment", f"{SEGMENT}s", "--before", f"{BEFORE}s", "--after", f"{AFTER}s", "--rest", "1s"]
    command = [sys.executable, "-m", "plainwire", "record", "-o", str(flight), "--keep", keep, *times]
    command += ["--keep-cases", "300MB", "--"]
    command += [sys.executable, str(STEADY), str(server.port), str(server.authority)]
    pipe, over = subprocess.PIPE, threading.Event()
    said: list[str] = []
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        reading = threading.Thread(target=lambda: said.extend(process.stderr or ()))
        watching = threading.Thread(target=_watch, args=(process.pid, flight, measured, over))
        reading.start()
        watching.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _ask(process.stdin, process.stdout, seconds, every, measured)
        finally:
            over.set()
            watching.join()
            process.stdin.close()
            process.wait()
            reading.join()
    return said


def _ask(questions: IO[str], answers: IO[str], seconds: float, every: float, measured: Measured) -> None:
    end, faults = time.monotonic() + seconds, list(EXPECTED)

    def ask(path: str) -> None:
        questions.write(f"{path}\n")
        questions.flush()
        answers.readline()
        measured.answers += 1

    while time.monotonic() < end:
        for _ in range(OKS):
            ask("ok")
            time.sleep(every / OKS)
        fault = faults[len(measured.planted) % len(faults)]
        measured.planted.append((time.time(), fault))
        ask(fault)


def _watch(pid: int, flight: Path, measured: Measured, over: threading.Event) -> None:
    seen: set[bytes] = set()
    while not over.wait(0.5):
        below = _children(pid)
        examining = [_rss(each) for child in below for each in (child, *_children(child))]
        measured.memory.append((time.time(), _rss(pid), max(examining, default=0)))
        measured.ring = max(measured.ring, _size(flight / "ring"))
        measured.cases = max(measured.cases, _size(flight / "cases"))
        for file in (flight / "ring").glob("*.keys"):
            with contextlib.suppress(OSError):
                seen |= set(KEY_LINE.findall(file.read_bytes()))
        measured.secrets = len(seen)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _rss(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


# --- what came of it


def _tell(flight: Path, image: Path, measured: Measured, keep: int, said: list[str]) -> bool:
    rows = [json.loads(line) for line in (flight / "cases.jsonl").read_text().splitlines()]
    missed = [(at, fault) for at, fault in measured.planted if not _is_saved(at, fault, rows)]
    right = set().union(*EXPECTED.values())
    wrong = sorted({code for row in rows for code in row["findings"]} - right)
    living, left = _on_disk(flight, image)
    print(f"{len(measured.planted)} failures among {measured.answers} requests: "
          f"{len(measured.planted) - len(missed)} saved, in {len(rows)} cases")  # fmt: skip
    for at, fault in missed:
        print(f"  not saved: {fault} at {time.strftime('%H:%M:%S', time.localtime(at))}")
    print(f"codes that nobody planted: {', '.join(wrong) or 'none'}")
    _tell_memory(measured)
    largest, cases = measured.ring / 1e6, measured.cases / 1e6
    print(f"ring: at most {largest:.1f} of {keep / 1e6:.1f} MB; cases {cases:.1f} MB")
    print(f"lines with secrets: {measured.secrets} seen in the ring")
    print(f"on the whole disk, free room too: {living} that ring and cases still have, {left} others")
    print("".join(said[-1:]), end="")
    for line in said:
        if any(
            word in line for word in ("cannot keep", "could not", "no case", "no room", "lost", "made room")
        ):
            print(f"  {line}", end="")
    return not missed and not left and measured.ring <= keep


def _is_saved(at: float, fault: str, rows: list[dict[str, Any]]) -> bool:
    return any(
        row["at"] - BEFORE <= at <= row["at"] + AFTER and EXPECTED[fault] & set(row["findings"])
        for row in rows
        if row["case"]
    )


def _tell_memory(measured: Measured) -> None:
    count = len(measured.memory)
    for quarter in range(QUARTERS):
        part = measured.memory[count * quarter // QUARTERS : count * (quarter + 1) // QUARTERS]
        own, examining = max((m[1] for m in part), default=0), max((m[2] for m in part), default=0)
        shown = f"recorder {own / 1024:.1f} MB, examining {examining / 1024:.0f} MB"
        print(f"memory of its own (RssAnon), quarter {quarter + 1}: {shown}")


def _on_disk(flight: Path, image: Path) -> tuple[int, int]:
    """Lines with secrets anywhere on the disk: those that a file of ring or cases has, and all others."""
    allowed: set[bytes] = set()
    for path in (flight / "ring").glob("*.keys"):
        allowed |= {line.split()[2] for line in KEY_LINE.findall(path.read_bytes())}
    for path in (flight / "cases").glob("*/capture.pcapng"):
        allowed |= {line.split()[2] for line in lines_of([path])}
    with image.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = {match[0] for match in KEY_LINE.finditer(data)}
    living = sum(line.split()[2] in allowed for line in found)
    return living, len(found) - living


if __name__ == "__main__":
    sys.exit(main())
