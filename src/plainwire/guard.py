"""Where plainwire is killed while the program runs, what other programs sent does not stay in the case, and
what the program told by then gets into it.

A fork of plainwire waits for its end, by a pipe whose other end only plainwire holds. It holds nothing else
but the case's folder, and does nothing while plainwire lives. Once plainwire is gone without a word, the fork
empties the board (``acquire.board``) and takes the packets of others out of the capture, as ``recording``
would have done. The key log stays: whoever
reads the case needs it.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.acquire.board import Board
    from plainwire.case import Case

_STANDARD = 3  # input, output, errors


@contextlib.contextmanager
def guarded(case: Case, board: Board | None = None, *, keep_all: bool = False) -> Iterator[None]:
    """While the body runs, the case's board and capture are looked after; not the capture where all packets
    are to be kept.

    Nothing may run in another thread when it begins.
    """
    if keep_all and board is None:
        yield
        return
    folder = case.place.descriptor
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live(case, board, reading, folder, keep_all=keep_all)
    os.close(reading)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.write(writing, b".")  # there is nothing left to be done
        os.close(writing)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _live(case: Case, board: Board | None, reading: int, folder: int, *, keep_all: bool) -> None:
    """The life of the fork; never returns."""
    try:
        os.setsid()
        case.place.made.clear()
        hold_only(reading, folder)
        if os.read(reading, 1):
            return
        if board is not None:
            board.empty(last=True)
        if not keep_all:
            sift(case)
    finally:
        os._exit(0)


def hold_only(*descriptors: int) -> None:
    """In a fork: let go of all that was inherited but these. Hold nobody's pipe or terminal open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(_STANDARD):
        os.dup2(nothing, number)
    kept = sorted(descriptors)
    for low, high in zip([_STANDARD - 1, *kept], [*kept, os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)


def sift(case: Case) -> None:
    """Leave only the program's packets in the capture, where it can be told which they are; of a socket trace
    make the capture.

    A case that has no key log any more was completed.
    """
    from plainwire import traced  # noqa: PLC0415 - as below
    from plainwire.acquire import events  # noqa: PLC0415 - its imports would delay the program's start
    from plainwire.capture.pcapng import embed_secrets  # noqa: PLC0415 - as above
    from plainwire.keys import read_keys  # noqa: PLC0415 - as above
    from plainwire.sifting import own_packets  # noqa: PLC0415 - as above

    place = case.place
    if place.has(case.sockets.name):  # all of it is the program's
        traced.recover(case)
        return
    if not all(place.has(path.name) for path in (case.capture, case.keys, case.program)):
        return
    journal = place.appender(case.program.name)
    seen = events.read(place.open(case.program.name))
    if seen.unwatched:
        return
    kept = own_packets(place.open(case.capture.name), seen, read_keys([place.open(case.keys.name)]))
    if kept.left_out:
        events.append(journal, {"event": "left out", "packets": kept.left_out})
        embed_secrets(case.capture, b"", place, kept.flags)
