"""Who sent what, in order: the steps of a sequence diagram for one exchange, or for a connection without any.

A step is one packet, named by what it carries: a request, a response, a handshake, an act of closing, bytes,
a bare acknowledgment. Of long runs of packets that nothing names only the number and the bytes stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire.model import ACK, FIN, RST, SYN
from plainwire.plurals import count
from plainwire.report import program_account, redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Connection, Exchange, Finding, Report

MOST_STEPS = 40
"""Steps of one diagram (chosen: what fits on two screens)."""

_NEAR = 1
"""Packets to either side of a deciding one that are shown whatever they carry: what answers it."""
_TARGET = 60
_CLOSES = {
    "close_notify": "close_notify (TLS)",
    "alert": "TLS alert",
    "fin": "FIN",
    "rst": "RST",
    "connection_close": "CONNECTION_CLOSE (QUIC)",
    "stateless_reset": "stateless reset (QUIC)",
}
_SIDES = ("client", "server")

Step = dict[str, Any]


def diagram(report: Report, finding: Finding, connection: Connection, exchange: Exchange | None) -> Step:
    """Return what the page draws of one exchange, or of a whole connection.

    ``steps`` are in order of time (us since the epoch); a step with ``skipped`` stands for that many packets.
    """
    says: dict[int, list[str]] = {}
    for evidence in finding.evidence:
        says.setdefault(evidence.packet, []).append(printable(evidence.says))
    marks = _marks(connection)
    steps = _segments(connection, marks) if connection.segments is not None else []
    have = {step["packet"] for step in steps}
    steps += [mark for number, mark in marks.items() if number not in have and mark["time"]]
    steps.sort(key=lambda step: (step["time"], step["packet"]))
    for step in steps:
        if step["packet"] in says:
            step["says"] = says[step["packet"]]
            if finding.fault == "path" and step.get("flags", 0) & RST:
                step["from"] = "path"
    rtt = connection.rtt_syn_ns
    return {
        "connection": connection.id,
        "exchange": exchange.id if exchange is not None else None,
        "rtt": None if rtt is None else rtt // 1000,
        "steps": list(_few(_window(steps, connection, exchange))),
        "said": _said(report, exchange),
    }


def _said(report: Report, exchange: Exchange | None) -> list[Step]:
    """The moments at which the program spoke of it."""
    if report.testimony is None or exchange is None:
        return []
    return [
        {
            "time": None if saying.untimed else saying.time_ns // 1000,
            "label": printable(saying.label),
            "text": program_account.quoted(saying),
        }
        for saying in report.testimony.sayings
        if saying.exchange == exchange.id
    ][:3]


def _marks(connection: Connection) -> dict[int, Step]:
    """What packets are known to carry, by their number; the first meaning of a packet counts."""
    marks: dict[int, Step] = {}
    for exchange in connection.exchanges:
        for packet, time_ns, side, label, kind in _messages(exchange):
            _mark(marks, packet, time_ns, side, label, kind)
    for close in connection.closes:
        again = " again" if close.repeated else ""
        detail = f" {printable(close.detail, 40)}" if close.detail else ""
        _mark(marks, close.packet, close.time_ns, _SIDES[close.side], f"{_CLOSES[close.kind]}{detail}{again}",
              "close")  # fmt: skip
    for event in connection.events:
        if event.kind in ("goaway", "rst_stream", "reset_stream", "stop_sending", "connection_close"):
            name = f" {printable(event.name, 40)}" if event.name else ""
            label = f"{event.kind.upper()}{name}"
            _mark(marks, event.packet, event.time_ns, _SIDES[event.side], label, "close")
    for error in connection.icmp_errors[:10]:
        _mark(marks, error.packet, error.time_ns, "path", f"ICMP: {printable(error.says, 60)}", "close")
    return marks


def _mark(marks: dict[int, Step], packet: int, time_ns: int, side: str, label: str, kind: str) -> None:
    if packet in marks:
        if label not in marks[packet]["label"]:
            marks[packet]["label"] += f", {label}"
            marks[packet]["kind"] = kind
    elif packet:
        marks[packet] = {
            "packet": packet,
            "time": time_ns // 1000,
            "from": side,
            "label": label,
            "kind": kind,
        }


def _messages(exchange: Exchange) -> Iterator[tuple[int, int, str, str, str]]:
    request, response = exchange.request, exchange.response
    if request is not None:
        line = printable(f"{request.method} {redact.target(request.target)}", _TARGET)
        yield request.packet, request.time_ns, "client", line, "request"
        if request.last_packet != request.packet:
            yield request.last_packet, request.last_ns, "client", "end of the request", "request"
    for interim in exchange.interim[:4]:
        yield interim.packet, interim.time_ns, "server", f"{interim.status}", "response"
    if response is not None:
        reason = printable(redact.line(response.reason), 40)
        yield response.packet, response.time_ns, "server", f"{response.status} {reason}".strip(), "response"
        if response.last_packet != response.packet:
            end = "end of the response" if response.complete else "last bytes of the response"
            yield response.last_packet, response.last_ns, "server", end, "response"


def _segments(connection: Connection, marks: dict[int, Step]) -> list[Step]:
    segments, tls = connection.segments, connection.tls
    if segments is None:
        return []
    began, finished = (tls.began_ns or 0, tls.finished_ns or 0) if tls is not None else (0, 0)
    columns = (segments.number, segments.time_ns, segments.side, segments.seq, segments.ack)
    more = (segments.length, segments.flags, segments.window, segments.ttl)
    reached = [-1, -1]
    steps = []
    for number, time_ns, side, seq, ack, length, flags, window, ttl in zip(
        *(column.tolist() for column in (*columns, *more)), strict=True
    ):
        step = {
            "packet": number, "time": time_ns // 1000, "from": _SIDES[side], "flags": flags,
            "seq": seq + 1, "length": length, "window": window, "ttl": ttl,
        }  # fmt: skip
        if flags & ACK:
            step["ack"] = ack + 1
        mark = marks.get(number)
        shaking = began <= time_ns <= finished
        step["label"], step["kind"] = (
            (mark["label"], mark["kind"]) if mark else _unnamed(flags, length, shaking=shaking)
        )
        if length and seq < reached[side]:
            step["label"] += ", sent again"
        reached[side] = max(reached[side], seq + length)
        steps.append(step)
    return steps


def _unnamed(flags: int, length: int, *, shaking: bool) -> tuple[str, str]:
    """What to call a segment of which nothing else is known."""
    if flags & (SYN | FIN | RST):
        names = [
            name for bit, name in ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK")) if flags & bit
        ]
        return ", ".join(names), "close" if flags & (FIN | RST) else "setup"
    if length:
        size = count(length, "byte")
        return (f"TLS handshake, {size}", "setup") if shaking else (size, "data")
    return "ACK", "ack"


def _window(steps: list[Step], connection: Connection, exchange: Exchange | None) -> list[Step]:
    """From the end of the exchange before to the end of this one; to that of its connection for the last."""
    if exchange is None or exchange.request is None:
        return steps
    before = [e for e in connection.exchanges if e.ordinal < exchange.ordinal]
    after = [e for e in connection.exchanges if e.ordinal > exchange.ordinal]
    first = 0
    if before:
        last = before[-1].response or before[-1].request
        first = (
            min(last.last_packet, exchange.request.packet) if last is not None else exchange.request.packet
        )
    end = exchange.response.last_ns if exchange.response is not None else 0
    later = [e.request.time_ns for e in after if e.request is not None and e.request.time_ns >= end]
    until = min(later) // 1000 if later and exchange.response is not None else None
    return [
        step
        for step in steps
        if step["packet"] >= first and (until is None or step["time"] < until or "says" in step)
    ]


def _few(steps: list[Step]) -> Iterator[Step]:
    """The same with long runs of what nothing names left out, at most about MOST_STEPS."""
    keep = set(_worth(steps, _NEAR))
    if len(keep) > MOST_STEPS:
        keep = set(_worth(steps, 0))
    if len(keep) > MOST_STEPS:
        told = [place for place in sorted(keep) if "says" in steps[place]]
        others = [place for place in sorted(keep) if "says" not in steps[place]]
        half = max(4, (MOST_STEPS - len(told)) // 2)
        keep = {*told[:MOST_STEPS], *others[:half], *others[-half:]}
    skipped: list[Step] = []
    for place, step in enumerate(steps):
        if place not in keep:
            skipped.append(step)
            continue
        yield from _run(skipped)
        skipped = []
        yield step
    yield from _run(skipped)


def _run(skipped: list[Step]) -> Iterator[Step]:
    if len(skipped) <= 1:
        yield from skipped
        return
    sizes = [sum(step.get("length", 0) for step in skipped if step["from"] == side) for side in _SIDES]
    yield {"skipped": len(skipped), "time": skipped[0]["time"], "until": skipped[-1]["time"], "bytes": sizes}


def _worth(steps: list[Step], near: int) -> Iterable[int]:
    """Places of the steps that say something, with the ``near`` ones around what decides."""
    for place, step in enumerate(steps):
        if step["kind"] not in ("data", "ack") or "again" in step["label"]:
            yield place
        if "says" in step:
            yield from range(max(0, place - near), min(len(steps), place + near + 1))
