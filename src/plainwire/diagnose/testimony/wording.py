"""How clients word what the wire did: the types of the tables beside this file, and their look-up.

One row is one way of saying something: a pattern, and all that the wire may have done where a client says
so. Most say the same of several things; that is what the tables are for. A ``Blur`` adds what only some
versions of a runtime mix up.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Discreet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Process


class Wire(enum.Enum):
    """What the wire did, as far as a client's words can tell it; the value goes into a sentence."""

    NAME = "a name that was not resolved"
    REFUSED = "a refused connect"
    UNREACHABLE = "a host that cannot be reached"
    NO_CONNECT = "a connect that nobody answered"
    HELLO_RESET = "a reset in the TLS handshake"
    HELLO_CLOSE = "a close in the TLS handshake"
    HELLO_SILENCE = "a TLS handshake that the server did not go on with"
    ALERT = "a fatal TLS alert of the server"
    CERTIFICATE = "a certificate that the client itself refused"
    NOT_TLS = "an answer without TLS"
    PROXY = "a proxy that refused the tunnel"
    CORRUPT = "a TLS record that does not authenticate"
    CUT_SENDING = "an end of the connection while the request was being sent"
    RESET = "a reset before any byte of the response"
    CLOSE = "a close before any byte of the response"
    RESET_INSIDE = "a reset in mid-response"
    CLOSE_INSIDE = "a close in mid-response"
    SILENCE = "no answer until the client gave up"
    STALL = "a response that stood still until the client gave up"
    NONSENSE = "bytes that are no HTTP"
    STREAM_REFUSED = "a refused stream"
    STREAM_RESET = "a stream that the server reset"
    GOAWAY = "a GOAWAY"
    CALL_STATUS = "a call whose own status is an error"
    WEBSOCKET_CUT = "a WebSocket that ended without a Close frame"
    WEBSOCKET_CLOSED = "a WebSocket that was closed with an error code"
    EVENT_ERROR = "an error in a stream of events"
    CONTENT = "contents that cannot be decoded"
    STATUS = "a whole response whose status is an error"
    WHOLE = "a whole response"
    LOCAL = "nothing: it is the client's own"


LARGE_HEADER = "a response's header that is too large"
"""The tables' name for what clients say of it."""

CLOSED = "a close by the server"
"""What websockets says of a Close frame of the server, but for one with code 1000, which is no error."""

CROWDED = "too many concurrent streams"
"""What the JDK's client says where the server's limit is reached."""

RESETS = (Wire.RESET, Wire.RESET_INSIDE, Wire.HELLO_RESET, Wire.CUT_SENDING)
HELLO = (Wire.HELLO_RESET, Wire.HELLO_CLOSE, Wire.ALERT, Wire.NOT_TLS)
ENDS = (Wire.HELLO_CLOSE, Wire.CUT_SENDING, Wire.CLOSE, Wire.CLOSE_INSIDE)
"""Ends of the connection without a reset, as TLS libraries meet them."""
TIMEOUTS = (Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE, Wire.NO_CONNECT)
CONNECTING = (
    Wire.NAME,
    Wire.REFUSED,
    Wire.UNREACHABLE,
    Wire.NO_CONNECT,
    Wire.HELLO_RESET,
    Wire.HELLO_CLOSE,
    Wire.HELLO_SILENCE,
    Wire.ALERT,
    Wire.CERTIFICATE,
    Wire.NOT_TLS,
)
CUT = (*RESETS, Wire.CLOSE, Wire.CLOSE_INSIDE, Wire.GOAWAY, Wire.CORRUPT)


class Line(Struct):
    """A line of standard output or error. ``time_ns`` is that of its beginning."""

    text: str
    time_ns: int
    pid: int
    afterwards: bool
    output: str = "stderr"
    buffered: bool = False
    test: str = ""
    """The test that a report of failed tests speaks of in this line."""


Version = tuple[int, ...]


class Blur(Struct, frozen=True):
    """Versions of ``runtime`` from ``since`` to before ``before`` say the same of ``wire`` too."""

    runtime: str
    since: Version
    before: Version
    wire: frozenset[Wire]
    why: str

    def holds(self, process: Process | None) -> bool:
        """Whether the process is one of these versions; not where its version is not known."""
        if process is None or process.runtime != self.runtime or not process.version:
            return False
        version = tuple(int(part) for part in process.version.split(".")[:3] if part.isdigit())
        return self.since <= version < self.before


class Wording(Discreet, Struct, frozen=True):
    """One row: ``client`` says ``label`` (ours; no text of the program's) of any of ``wire``.

    ``note`` is a sentence about words that mislead. ``weak``: programs say so of other things as well,
    so that it counts only beside a failure that it fits.
    """

    unshown = ("pattern",)

    client: str
    label: str
    pattern: re.Pattern[str]
    wire: frozenset[Wire]
    blurs: tuple[Blur, ...] = ()
    note: str = ""
    weak: bool = False


def row(
    client: str,
    label: str,
    pattern: str,
    *wire: Wire,
    blurs: Iterable[Blur] = (),
    note: str = "",
    weak: bool = False,
) -> Wording:
    """One row of a table."""
    return Wording(client, label, re.compile(pattern), frozenset(wire), tuple(blurs), note, weak)
