"""How the rules put numbers into words. No text from the wire ever enters here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Request


_NAMES = {
    "close_notify": "close_notify (TLS)",
    "alert": "fatal TLS alert",
    "fin": "FIN",
    "rst": "RST",
    "connection_close": "CONNECTION_CLOSE",
    "stateless_reset": "stateless reset",
}


def span(nanoseconds: int) -> str:
    """A duration: ``0.97 ms``, ``81 ms``, ``2.000 s``."""
    if abs(nanoseconds) >= 1_000_000_000:
        return f"{nanoseconds / 1e9:.3f} s"
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds:.0f} ms" if abs(milliseconds) >= 10 else f"{milliseconds:.2f} ms"


def seconds(nanoseconds: int) -> str:
    """A round time: ``2 s``, ``1.5 s``, ``250 ms``."""
    return f"{nanoseconds / 1e9:g} s" if nanoseconds >= 1_000_000_000 else f"{nanoseconds / 1e6:g} ms"


def number(offset: int) -> int:
    """A stream offset as the relative sequence number that Wireshark shows (the SYN is number 0)."""
    return offset + 1


def run(request: Request) -> str:
    """The request's bytes as Wireshark numbers them."""
    return f"bytes {number(request.start)} to {number(request.end) - 1}"


def address(connection: Connection) -> str:
    """The server's end, as seen from the client: whatever ends TCP there."""
    return str(connection.server)


def act(close: CloseEvent) -> str:
    """The act of closing by its name, with the flag that tells the two kinds of RST apart."""
    if close.kind == "rst":
        if close.from_sockets:
            return "RST"
        return "RST, ACK" if close.ack is not None else "RST without ACK"
    if close.kind == "alert" and close.detail.replace("_", "").replace(" ", "").isalnum():
        return f"{_NAMES['alert']} ({close.detail})"
    return _NAMES[close.kind]


def long_span(nanoseconds: int) -> str:
    """A duration of minutes and more: ``12 minutes``, ``3.5 hours``, ``41 days``."""
    seconds = abs(nanoseconds) / 1e9
    if seconds < 120:
        return f"{seconds:.0f} s"
    for limit, unit, name in ((7_200, 60, "minutes"), (172_800, 3_600, "hours")):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 86_400:.0f} days"
