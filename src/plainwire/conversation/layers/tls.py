"""A TLS session, and the channel of its plain text."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.conversation.layers.http1 import Http1Layer
from plainwire.conversation.shared import first_bytes, joined
from plainwire.http import http2_frames
from plainwire.model import Gap, Side, Text, TlsInfo
from plainwire.tls.at_once import WholeSession, begun
from plainwire.tls.session import TlsSession
from plainwire.tls.session_state import SessionState

if TYPE_CHECKING:
    from plainwire.conversation.shared import Pieces, StreamPair


_HELLO_HEAD = 9
"""The record's header, and that of the handshake message in it."""


class TlsLayer:
    """A TLS session, and the channel of its plain text.

    The session counts bytes. Where the channel's offsets are those of carriers (TLS inside TLS), it is given
    offsets of its own, and ``_carriers`` lead back from them.
    """

    def __init__(self, channel: StreamPair) -> None:
        self._shared = channel.shared
        self._info = TlsInfo()
        self._session: TlsSession | WholeSession | None = None  # until something comes
        self._carriers = None if channel.exact else (Carriers(), Carriers())
        self._inner = channel.inside(exact=False, tls=self._info)
        self._channel = channel
        self._answered = False  # the server has said something
        self._clear: Http1Layer | None = None  # for a server that does not speak TLS
        channel.shared.begin_tls(self._info)

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        if server and not self._answered:
            self._answered = True
            head = first_bytes(server, http2_frames.HEADER)
            if head.startswith(b"HTTP/"):
                self._clear = Http1Layer(self._channel, joined_late=False)
            self._info.answered_by_http2 = http2_frames.begins_settings(head)
        if self._clear is not None:
            self._clear.feed((), server)
        for side, pieces in ((Side.CLIENT, client), (Side.SERVER, server)):
            if pieces and self._info.starts[side] < 0:
                self._begin(side, pieces)
        whole = self._at_once(client, server) if self._session is None and self._carriers is None else None
        if whole is None:
            self._feed(self._going_on(), client, server)
        else:
            self._session = whole
            if whole.stopped:
                self._going_on().go_on()
        self._pass_on()

    def _at_once(self, client: Pieces, server: Pieces) -> WholeSession | None:
        """Read a whole session, where that can be done without a ``TlsSession``."""
        sent = joined(client), joined(server)
        if not (sent[0] and sent[1]):
            return None
        starts = self._info.starts
        return begun(self._shared.keys, self._info, sent, (starts[0], starts[1]))

    def _going_on(self) -> TlsSession:
        """The session that takes what comes."""
        session = self._session
        if session is None:
            keys = self._shared.keys
            session = TlsSession(keys, state=SessionState(keys, self._info))
        elif isinstance(session, WholeSession):
            session = session.continued()
        self._session = session
        return session

    def _feed(self, session: TlsSession, client: Pieces, server: Pieces) -> None:
        carriers = self._carriers
        for side, pieces in ((Side.CLIENT, client), (Side.SERVER, server)):
            for piece in pieces:
                if isinstance(piece, Gap):
                    session.gap(piece if carriers is None else carriers[side].gap(piece))
                elif carriers is None:
                    session.feed(side, piece[1], piece[0])
                else:
                    session.feed(side, carriers[side].add(piece), piece[0])
        session.advance()

    def _begin(self, side: Side, pieces: Pieces) -> None:
        """Note where the session begins, and how long the ClientHello is to be (RFC 8446 sections 4, 5.1)."""
        info, first = self._info, pieces[0]
        info.starts[side] = first.offset if isinstance(first, Gap) else first[1]
        if side != Side.CLIENT:
            return
        info.began_ns = self._shared.where[side].locate([info.starts[side]])[1][0] or None
        head = first_bytes(pieces, _HELLO_HEAD)
        if len(head) >= _HELLO_HEAD and head[:1] == b"\x16" and head[5] == 1:
            info.hello_size = _HELLO_HEAD + int.from_bytes(head[6:_HELLO_HEAD], "big")

    def _pass_on(self) -> None:
        session, carriers, shared, info = self._session, self._carriers, self._shared, self._info
        if session is None:
            return
        client, server = session.plain(Side.CLIENT), session.plain(Side.SERVER)
        if info.finished_ns is None and session.finished is not None:
            info.finished_ns = self._when_finished(session.finished)
        if client or server:
            shared.facts.decrypted = True
            talked = info.talked
            talked[0], talked[1] = talked[0] or bool(client), talked[1] or bool(server)
        for alert in session.alerts:
            outer = alert
            if carriers is not None:
                outer = alert._replace(start=carriers[alert.side].start_of(alert.start))
            shared.alert(outer, info)
        session.alerts.clear()
        if not isinstance(session, WholeSession):
            self._note(session)
        if session.joined:
            self._inner.begin_late()
        if carriers is not None:
            self._inner.feed(carriers[0].outer(client), carriers[1].outer(server))
        elif client or server:
            self._inner.feed(client, server)

    def _note(self, session: TlsSession) -> None:
        """What is unusual about the session."""
        carriers, shared, info = self._carriers, self._shared, self._info
        for reason in session.reasons:
            at = reason.offset if carriers is None else carriers[reason.side].start_of(reason.offset)
            shared.undecrypted(reason._replace(offset=at))
        session.reasons.clear()
        for reuse in session.reuses:
            at = reuse.start if carriers is None else carriers[reuse.side].start_of(reuse.start)
            shared.reused(info, reuse, at, reuse.first if carriers is None else None)
        session.reuses.clear()
        for later in session.later:
            at = later.offset if carriers is None else carriers[later.side].start_of(later.offset)
            shared.afterwards(info, later._replace(offset=at))
        session.later.clear()

    def _when_finished(self, offsets: tuple[int, int]) -> int | None:
        """When the later one of both sides' Finished was captured."""
        client, server = offsets
        if self._carriers is not None:
            client, server = self._carriers[0].start_of(client), self._carriers[1].start_of(server)
        of_client, of_server = self._shared.where
        return max(of_client.locate([client])[1][0], of_server.locate([server])[1][0]) or None

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return self._inner.needed()

    def close(self) -> None:
        """See ``Layer``."""
        if self._session is not None:
            self._session.close()
        self._pass_on()
        facts = self._shared.facts
        facts.decrypted = facts.decrypted or self._info.handshake_complete
        self._shared.settle_closes()
        self._inner.close()
        if self._clear is not None:
            self._clear.close()


class Carriers:
    """The way from the offsets of a session inside a session to those of the TCP stream."""

    def __init__(self) -> None:
        self._size = 0
        self._starts: list[int] = []
        self._outer: list[tuple[int, int]] = []

    def add(self, text: Text) -> int:
        """Take the next text; its own offset."""
        at = self._size
        self._starts.append(at)
        self._outer.append((text[1], text[2]))
        self._size += len(text[0])
        return at

    def gap(self, gap: Gap) -> Gap:
        """The same hole at the session's own offset."""
        return Gap(gap.side, self._size, gap.length, gap.packet)

    def _find(self, offset: int) -> tuple[int, int]:
        if not self._outer:
            return 0, 0
        return self._outer[max(bisect_right(self._starts, offset) - 1, 0)]

    def start_of(self, offset: int) -> int:
        """Where what carried the byte at ``offset`` begins in the TCP stream."""
        return self._find(offset)[0]

    def outer(self, texts: Pieces) -> list[Text | Gap]:
        """Texts with the offsets of the TCP stream."""
        moved: list[Text | Gap] = []
        for text in texts:
            if isinstance(text, Gap):
                moved.append(Gap(text.side, self.start_of(text.offset), text.length, text.packet))
            else:
                moved.append((text[0], self._find(text[1])[0], self._find(text[2] - 1)[1]))
        if moved:
            self._forget(texts[-1])
        return moved

    def _forget(self, last: Text | Gap) -> None:
        """What lies before the last text that came out is not asked for again."""
        at = bisect_right(self._starts, last.offset if isinstance(last, Gap) else last[1]) - 1
        if at > 0:
            del self._starts[:at], self._outer[:at]
