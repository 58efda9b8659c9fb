"""Flow control of HTTP/2 (RFC 9113 sections 5.2 and 6.9): when a sender had to wait for its receiver.

Windows are counted for the connection and for each stream. A window that was used up while there was more to
send is reported when an update opens it, or when the connection ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from plainwire.http.http2_frames import END_STREAM

if TYPE_CHECKING:
    from plainwire.http.http2_frames import FramePart
    from plainwire.model import StreamEvent

INITIAL = 65_535
LARGEST = (1 << 31) - 1
MOST_STREAMS = 50_000
"""Most streams of one side whose windows are counted at a time."""

_CONNECTION = 0
_KIND = "window exhausted"


class Tell(Protocol):
    """Called with an event."""

    def __call__(
        self, kind: str, part: FramePart, *, stream: int | None = None, detail: str = ""
    ) -> StreamEvent:
        """Note it."""


class Windows:
    """The windows of both senders. ``initial`` is a stream's initial window, by sender."""

    def __init__(self) -> None:
        self.initial = [INITIAL, INITIAL]
        self._balance: list[dict[int, int]] = [{}, {}]  # credit minus what was sent
        self._stalled: dict[tuple[int, int], FramePart] = {}
        self._known = True  # every frame was seen

    def sent(self, part: FramePart) -> None:
        """A part of a DATA frame: padding counts as well (section 6.1)."""
        balance = self._balance[part.side]
        more = not (part.last and part.flags & END_STREAM)
        for stream in (part.stream, _CONNECTION):
            if stream not in balance and len(balance) >= MOST_STREAMS:
                continue
            left = balance.get(stream, 0) - part.size
            balance[stream] = left
            if left + self._initial(part.side, stream) <= 0 and more and self._known:
                self._stalled.setdefault((part.side, stream), replace(part, payload=b""))
        if not more:
            self._stalled.pop((part.side, part.stream), None)

    def opened(self, part: FramePart) -> None:
        """A message has begun whose body is to come: its window may be closed before any of it."""
        if self._known and self._balance[part.side].get(part.stream, 0) + self.initial[part.side] <= 0:
            self._stalled.setdefault((part.side, part.stream), replace(part, payload=b""))

    def _initial(self, side: int, stream: int) -> int:
        return self.initial[side] if stream else INITIAL

    def update(self, part: FramePart, tell: Tell) -> bool:
        """A WINDOW_UPDATE from the receiver; whether the window is larger now than one can be."""
        sender = part.side.peer
        balance = self._balance[sender]
        if part.stream not in balance and len(balance) >= MOST_STREAMS:
            return False
        balance[part.stream] = balance.get(part.stream, 0) + (int.from_bytes(part.payload[:4]) & 0x7FFFFFFF)
        window = balance[part.stream] + self._initial(sender, part.stream)
        if window <= 0:
            return False
        since = self._stalled.pop((sender, part.stream), None)
        if since is not None:
            waited = (part.time_ns - since.last_ns) / 1_000_000
            _told(tell, since, part.stream, f"until packet {part.packet}, {waited:.3f} ms later")
        return window > LARGEST and self._known

    def forget(self, stream: int) -> None:
        """The stream has ended."""
        for side in (0, 1):
            self._balance[side].pop(stream, None)
            self._stalled.pop((side, stream), None)

    def forget_all(self) -> None:
        """Frames were missed: nothing more can be said about windows."""
        self._known = False
        self._stalled.clear()

    def close(self, tell: Tell) -> None:
        """The connection has ended: windows that are still closed stay closed."""
        for (_, stream), since in self._stalled.items():
            _told(tell, since, stream, "and never opened again")
        self._stalled.clear()


def _told(tell: Tell, since: FramePart, stream: int, detail: str) -> None:
    what = "of the stream" if stream else "of the connection"
    tell(_KIND, since, stream=stream or None, detail=f"{what}, {detail}")
