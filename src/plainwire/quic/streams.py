"""The streams of one connection: frames in, ordered bytes out. RFC 9000 sections 2 and 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.quic.ended_streams import EndedStreams
from plainwire.quic.reassembly import LARGEST, MOST_STREAMS, Reassembly, Room, Share, StreamPositions

if TYPE_CHECKING:
    from plainwire.model import Gap, Side, Text
    from plainwire.quic.frames import ResetStream, Stream

_UNIDIRECTIONAL = 2


class StreamText(NamedTuple):
    """What one side sent on one stream since the last time. Offsets are the stream's.

    ``fin``: all was sent, and this ends with the last of it (holes are ``Gap``s). ``reset_code``: the sender
    gave the stream up here; no more follows. ``where`` leads from offsets to packets.
    """

    stream_id: int
    side: Side
    texts: list[Text | Gap]
    fin: bool
    reset_code: int | None
    where: StreamPositions


class QuicStreams:
    """Sorts STREAM frames. ``out`` is the outbox; whoever reads it empties it."""

    def __init__(self, room: Room | None = None) -> None:
        self.out: list[StreamText] = []
        self.sizes = [0, 0]
        self.repeated = [0, 0]
        self.gaps: list[Gap] = []
        self.refused = 0
        """Frames of streams beyond ``MOST_STREAMS``."""
        self._share = Share(room or Room(MOST_STREAMS))
        self._room = Room()
        self._open: dict[tuple[int, Side], Reassembly] = {}
        self._done = EndedStreams(), EndedStreams()

    def feed(self, frame: Stream, side: Side, packet: int, time_ns: int) -> None:
        """Take a STREAM frame that ``side`` sent."""
        key = frame.stream, side
        stream = self._open.get(key) or self._opened(key)
        if stream is None:
            self.repeated[side] += frame.stream in self._done[side]
            return
        stream.feed(frame.offset, frame.data, packet, time_ns, fin=frame.fin)
        if stream.texts or stream.complete:
            self._deliver(key, stream)

    def _opened(self, key: tuple[int, Side]) -> Reassembly | None:
        if key[0] in self._done[key[1]]:
            return None
        if not self._share.take():
            self.refused += 1
            return None
        stream = self._open[key] = Reassembly(key[1], self._room)
        return stream

    def _deliver(self, key: tuple[int, Side], stream: Reassembly, reset_code: int | None = None) -> None:
        texts, stream.texts = stream.texts, []
        for text in texts:
            if isinstance(text, tuple):
                self.sizes[key[1]] += len(text[0])
            else:
                self.gaps.append(text)
        fin = stream.complete and reset_code is None
        self.out.append(StreamText(*key, texts, fin, reset_code, stream.where))
        if fin or reset_code is not None:
            self.repeated[key[1]] += stream.repeated
            del self._open[key]
            self._share.give_back()
            self._done[key[1]].add(key[0])

    def reset(self, frame: ResetStream, side: Side) -> bool:
        """``side`` gives up a stream; False where that was known, or all had been sent."""
        key = frame.stream, side
        stream = self._open.get(key) or self._opened(key)
        if stream is None or frame.final_size >= LARGEST:
            return False
        stream.drop()
        self._deliver(key, stream, frame.code)
        return True

    def finish(self, packet: int, time_ns: int) -> None:
        """No more frames will come: what waits is delivered, and holes become gaps.

        Streams in one direction come first: they carry what HTTP/3 needs to understand the others.
        """
        for key in sorted(self._open, key=lambda k: (not k[0] & _UNIDIRECTIONAL, k)):
            stream = self._open[key]
            stream.finish(packet, time_ns)
            if stream.texts:
                self._deliver(key, stream)
            if key in self._open:
                self.repeated[key[1]] += stream.repeated
        self._share.give_back(len(self._open))
        self._open.clear()
