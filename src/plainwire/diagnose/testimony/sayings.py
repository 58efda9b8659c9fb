"""From what a program wrote on its standard output and error to the single things that it said.

A thing said is a block of lines: a traceback with all that is chained to it, an error with the lines that
belong to it, or one line. A frame of a traceback shows source code, in which the names of exceptions stand
without having happened: only the lines that tell of exceptions count.

Standard output may be anything, and only lines of it are known that have the look of an error's: of these
the ones count that a table knows. What curl and wget print there is what they fetched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from . import call_words, further_words, java_words, native_words, other_words, python_words, script_words
from .named_tests import mark
from .wording import Line, Wire, Wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.model import Process, ProgramEvents, Words

MOST = 1000
"""Things said that are kept of one program."""
_ONE_WRITE_NS = 1_000_000
"""The same words within a millisecond are one message, written twice."""
_MOST_LINES = 200
_MOST_CHARACTERS = 2000

_PYTHON = (*python_words.PYTHON, *script_words.LIBCURL, *native_words.RUST)
_TABLES: dict[str, tuple[Wording, ...]] = {
    "python": _PYTHON,
    "pypy": _PYTHON,
    "node": other_words.NODE,
    "java": java_words.JAVA,
    "curl": other_words.CURL,
    "go": other_words.GO,
}
_ALL: tuple[Wording, ...] = (
    *(row for rows in dict.fromkeys(_TABLES.values()) for row in rows),
    *native_words.DOTNET,
    *script_words.SCRIPTS,
    *further_words.BUN,
    *further_words.GATEWAYS,
    *other_words.OTHERS,
    *call_words.KERNEL,
)
_FETCHERS = frozenset({"curl", "wget", "wget2"})
_GENERAL = frozenset({"python", "a C program", "a TLS library", "json"})
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_CONTINUED = re.compile(
    r"^(?:\s|\}|Caused by: |\.\.\. \d+ more|More details here: |curl failed to verify the legitimacy|"
    r"establish a secure connection to it\.|how to fix it, please visit)|^$"
)
_FRAME = re.compile(r"^\s+at\s|^\s*>?\s*\d{1,6} \|")
"""Places in source code, and the code itself as Bun, jest and Rust show it."""
_URL = re.compile(r"https?://[^\s'\"<>)]+")
_SUPPRESSED = re.compile(r"^\s+Suppressed: ")
_OTHER_ERROR = re.compile(
    r"^(?:Uncaught )?(?:[A-Za-z_][\w.]*\.)?_?[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b(?::|$)"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAILURE = re.compile(r"(?i)fail|error|exception")
_SIGNS = re.compile(
    r"rror|Errno|xception|eset|EOF|E[A-Z]{4,}|losed|broken|Broken|imeout|imed out|refused|Retrying|curl: \(|"
    r"Remote|NGHTTP2|HPE_|disconnected|hang up|aborted|terminated|StatusLine|IncompleteRead|<Stream|GOAWAY|"
    r"x509|PKIX|deadline|alert|Invalid|malformed|no bytes|No data|plaintext|fresh connect|certificate|"
    r"received|oo many open files|assign requested|buffer space|resol[uv]|service not known|getaddr|"
    r"rematur|IncompleteMessage|end of (?:file|stream)|stream was reset|os error|failed to respond|"
    r"ended early|response ended|Socket closed|not found: limit|actively refused|Empty reply|transfer closed|"
    r"bytes missing|read failed|read timeout|"
    r"hung up|too many concurrent|too_many_pings|Can't connect|to connect|"
    r"tunnel|Forbidden$|Bad Gateway$|Unavailable$|Required$|"
    r"ERR_|TIMEOUT|TLS handshake|Unable to connect|Tunnel|SYSCALL|record layer|EndOfStream|"
    r"attempts failed|fetch failed|Cannot connect|Hostname/IP|to verify the|"
    r"StatusCode|NAVAILABLE|DEADLINE|close frame|legitimacy|[Ss]tatus|HTTP|lost|nexpected|InvalidStatus|"
    r"nreachable|o route to host|bad port|doesn't match|NoRouteTo|SOCKS|[Ss]ocks|ProxyError|0x0[1-8]: |"
    r"UNABLE_TO_|_CERT|CERT_|cancell?ed|: lookup \S|UnresolvedAddress|UnknownHost"
)


class Said(Struct):
    """One thing said. ``wire``: all that the wire may have done for it; ``blurred`` of these only by a
    version that mixes things up, for the reason ``why``. Empty ``wordings``: an error that no table knows.
    """

    lines: list[Line]
    wordings: list[Wording] = field(default_factory=list)
    wire: frozenset[Wire] = frozenset()
    blurred: frozenset[Wire] = frozenset()
    why: str = ""
    told_by: str = ""
    """The line that says it best, cut to a bearable length."""

    @property
    def time_ns(self) -> int:
        """When it was said, as far as is known."""
        return self.lines[0].time_ns

    @property
    def pid(self) -> int:
        """By which process."""
        return self.lines[0].pid

    @property
    def afterwards(self) -> bool:
        """Whether it was read from a file when the program had ended: its process is a guess."""
        return self.lines[0].afterwards

    @property
    def output(self) -> str:
        """``stdout`` or ``stderr``."""
        return self.lines[0].output

    @property
    def test(self) -> str:
        """The test that failed so, where a report of failed tests says it."""
        return self.lines[0].test

    @property
    def untimed(self) -> bool:
        """Whether it is not known when: read from a file afterwards, or kept back in a buffer."""
        return any(line.afterwards or line.buffered for line in self.lines)

    @property
    def weak(self) -> bool:
        """Whether programs say so of other things as well."""
        return bool(self.wordings) and all(wording.weak for wording in self.wordings)

    @property
    def label(self) -> str:
        """Our name for it: that of the narrowest row."""
        return min(self.wordings, key=lambda w: len(w.wire)).label if self.wordings else "another error"

    @property
    def client(self) -> str:
        """Which library spoke: the most special one that had a word in it, the outermost of these."""
        named = [w.client for w in self.wordings if w.client not in _GENERAL]
        return named[-1] if named else self.wordings[-1].client if self.wordings else "the program"

    @property
    def notes(self) -> list[str]:
        """What misleads in it, of the rows that had a part in what it means."""
        return list(dict.fromkeys(w.note for w in self.wordings if w.note and self._fits(w)))

    def _fits(self, wording: Wording) -> bool:
        return bool(self.wire & wording.wire) or any(self.wire & blur.wire for blur in wording.blurs)


def read_messages(events: ProgramEvents) -> list[Said]:
    """What is told of failures, each once, in order of time."""
    return distinct(sayings(events))


def sayings(events: ProgramEvents) -> list[Said]:
    """Everything that tells of a failure, in order of time."""
    found = []
    for block in _blocks(list(lines_of(events))):
        said = _understood(block, events.processes.get(block[0].pid))
        if said is not None:
            found.append(said)
    return sorted(found, key=lambda said: said.time_ns)[:MOST]


def lines_of(events: ProgramEvents) -> Iterator[Line]:
    """What was written, each line once: what was read from a file afterwards may have been seen before."""
    words = [w for w in events.words if w.output == "stderr" or not _fetches(events.processes.get(w.pid))]
    lines = []
    for own in _by_process(words).values():
        written = list(_lines(own))
        mark(written)
        lines += written
    known = {line.text for line in lines if not line.afterwards}
    return (line for line in lines if not (line.afterwards and line.text in known))


def _fetches(process: Process | None) -> bool:
    return process is not None and process.command in _FETCHERS


def _by_process(words: Iterable[Words]) -> dict[tuple[int, str, bool], list[Words]]:
    found: dict[tuple[int, str, bool], list[Words]] = {}
    for each in words:
        found.setdefault((each.pid, each.output, each.afterwards), []).append(each)
    return found


def _lines(words: Sequence[Words]) -> Iterator[Line]:
    """The lines of one output of a process; a line may have come in several pieces."""
    begun: Line | None = None
    for piece in words:
        for part in piece.text.splitlines(keepends=True):
            if begun is None:
                begun = Line("", piece.time_ns, piece.pid, piece.afterwards, piece.output, piece.buffered)
            if len(begun.text) < _MOST_CHARACTERS:
                begun.text += _COLOUR.sub("", part.rstrip("\r\n"))
            if part.endswith("\n"):
                yield begun
                begun = None
    if begun is not None:
        yield begun


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        if block and (not _same_source(line, block[0]) or not _belongs(block, line.text)):
            yield block
            block = []
        if len(block) < _MOST_LINES:
            block.append(line)
        else:
            block[-1] = line  # of what is too long, the end
    if block:
        yield block


def _same_source(one: Line, other: Line) -> bool:
    return one.pid == other.pid and one.output == other.output and one.test == other.test


def _belongs(block: Sequence[Line], text: str) -> bool:
    """Whether a line goes on with what ``block`` says."""
    last = next((line.text for line in reversed(block) if line.text.strip()), "")
    if text == _TRACEBACK:
        return _CHAINED.match(last) is not None
    in_frames = last == _TRACEBACK or (last[:1].isspace() and any(ln.text == _TRACEBACK for ln in block))
    return in_frames or _CONTINUED.match(text) is not None or _CHAINED.match(text) is not None


def _understood(block: list[Line], process: Process | None) -> Said | None:
    python = any(line.text == _TRACEBACK for line in block)
    telling = [
        line.text.lstrip() if line.test and not python else line.text
        for line in _of_exceptions(block)
        if _SIGNS.search(line.text) and not _FRAME.match(line.text)
    ]
    if not telling:
        return None
    said = Said(block)
    known = [text for text in telling if _look_up(text, process, said)]
    if known:
        said.told_by = known[-1 if python else 0].strip()
        _narrow(said, process)
        return said
    if block[0].output == "stdout":
        return None  # it may be data
    said.told_by, said.wire = telling[-1].strip(), frozenset({Wire.LOCAL})
    return said if any(map(_OTHER_ERROR.match, telling)) else None


def _of_exceptions(block: Iterable[Line]) -> Iterator[Line]:
    """Without the frames of Python, and what Java tells as met on the way (closing what had failed).

    A message may have indented lines as well: they come behind its exception.
    """
    in_frames = in_suppressed = False
    for line in block:
        indented = line.text[:1].isspace()
        in_frames = line.text == _TRACEBACK or (in_frames and indented)
        in_suppressed = indented and (in_suppressed or _SUPPRESSED.match(line.text) is not None)
        if not in_frames and not in_suppressed:
            yield line


def _look_up(text: str, process: Process | None, said: Said) -> bool:
    """Add the rows that know this line; whether there were any. On standard output weak ones may be data."""
    table = _TABLES.get((process.runtime if process is not None else None) or "", _ALL)
    proxies = (*further_words.SOCKS, *further_words.TUNNELS)
    special = (*table, *native_words.TLS, *proxies, *other_words.SHORTAGES, *call_words.CALLS)
    rows = [wording for wording in special if wording.pattern.search(text)]
    if not rows:
        data = said.output == "stdout" and not _FAILURE.search(text)
        weak = () if data else call_words.WEAK
        rows = [wording for wording in (*call_words.KERNEL, *weak) if wording.pattern.search(text)][:1]
    said.wordings += [wording for wording in rows if wording not in said.wordings]
    return bool(rows)


def _narrow(said: Said, process: Process | None) -> None:
    """What all the rows agree on, the narrowest first; a row that does not agree at all adds nothing."""
    for wording in sorted(said.wordings, key=lambda w: len(w.wire)):
        blurs = [blur for blur in wording.blurs if blur.holds(process)]
        blurred = frozenset[Wire]().union(*(blur.wire for blur in blurs))
        wire = wording.wire | blurred
        if not said.wire:
            said.wire, said.blurred = wire, blurred - wording.wire
            said.why = blurs[0].why if blurs else ""
        elif said.wire & wire:
            said.wire &= wire
    said.blurred &= said.wire


def distinct(found: Iterable[Said]) -> list[Said]:
    """Without what says again within a moment what was just said: a warning, then the exception."""
    kept: list[Said] = []
    last: Said | None = None
    for said in found:
        if last is not None and _again(last, said):
            kept[-1].lines += said.lines
        else:
            kept.append(said)
        last = said
    return kept


def _again(before: Said, said: Said) -> bool:
    return (
        said.label == before.label
        and said.pid == before.pid
        and said.test == before.test
        and not said.lines[0].buffered
        and not _elsewhere(before, said)
        and said.time_ns - before.time_ns < _ONE_WRITE_NS
    )


def _elsewhere(before: Said, said: Said) -> bool:
    """Whether both name what they were about, and name different things."""
    named = [{url for line in each.lines for url in _URL.findall(line.text)} for each in (before, said)]
    return all(named) and not named[0] & named[1]
