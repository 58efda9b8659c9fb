from array import array
from collections.abc import Callable, Sequence
from typing import TypeAlias

from plainwire.http.http1 import Locator
from plainwire.http.http1_reader import Message
from plainwire.http.http2 import Http2
from plainwire.http.http2_frames import FramePart
from plainwire.model import Connection, Exchange, Gap, Grpc, Int64s, Request, Response, Side, Text

VERSION: str

Whole: TypeAlias = tuple[list[Message], int, int, bool]
"""Whole messages, how many fields they have, of how many characters, and whether they have their packets."""

class Heads:
    def __init__(
        self,
        request: type[Request],
        response: type[Response],
        learn: Callable[[str], tuple[tuple[str, str], int]],
        framing: Callable[[list[tuple[tuple[str, str], int]]], object],
    ) -> None: ...
    def requests(
        self, texts: list[Text | Gap], at: int, locate: Callable[[list[int]], tuple[list[int], list[int]]]
    ) -> Whole[Request]: ...
    def responses(
        self, texts: list[Text | Gap], at: int, locate: Callable[[list[int]], tuple[list[int], list[int]]]
    ) -> Whole[Response]: ...

Flown: TypeAlias = tuple[int, bytes, list[tuple[int, int, int, int]], int, int, int | None, int, int | None]
"""See native/kernel/src/segments.rs."""

class SegmentTable:
    def __init__(self, data: bytes, columns: Int64s) -> None: ...
    def opening(
        self, rows: Int64s
    ) -> (
        tuple[
            int,
            bool,
            tuple[int, int, int],
            tuple[tuple[int, int, int, int, int, int], tuple[int, int, int, int, int, int]],
            list[tuple[int, int, int, int, int | None, int, int, int, int]],
            tuple[Flown, Flown],
            bytes,
        ]
        | None
    ): ...

def place_segments(
    rows: array[int], client: int, bases: tuple[int, int], nexts: tuple[int, int]
) -> bytes: ...

class Tls13:
    server_name: str | None
    protocols: list[str]
    newest: int
    status_requested: bool
    post_handshake_auth: bool
    suite: int
    resumed: bool
    protocol: str | None
    certificate: bytes
    chain: int
    stapled: bool
    finished: tuple[int, int]
    taken: tuple[int, int]
    texts: tuple[list[Text | Gap], list[Text | Gap]]
    alerts: list[tuple[int, int, bool, int, int]]
    stopped: bool
    def left(self, side: int) -> tuple[int, int, list[tuple[int, int, int, bytes]]]: ...

class Tls13Reader:
    def read(
        self,
        client: bytes,
        server: bytes,
        starts: tuple[int, int],
        secrets: tuple[bytes, bytes, bytes, bytes],
    ) -> Tls13 | None: ...

class RecordRun:
    def __init__(self, key: bytes, iv: bytes) -> None: ...
    def open(self, buffer: bytes, at: int, base: int, sequence: int) -> tuple[list[Text], int, int]: ...

class RecordRun12:
    def __init__(self, key: bytes, salt: bytes) -> None: ...
    def open(self, buffer: bytes, at: int, base: int, sequence: int) -> tuple[list[Text], int, int]: ...

class Hpack:
    allowed: int | None
    def __init__(self, statics: list[tuple[str, str]], limit: int) -> None: ...
    def decode(self, block: bytes) -> list[tuple[str, str]] | None: ...
    def leave(self) -> tuple[list[tuple[str, str]], int, int]: ...

class FrameRun: ...

Pair: TypeAlias = tuple[int, int]
Syn: TypeAlias = tuple[int, int, int, int, int, int]
Ending: TypeAlias = tuple[bool, int, int, int, int, int | None, int, int, int, int]
Session: TypeAlias = tuple[
    bytes,
    str | None,
    tuple[list[str], str | None],
    int,
    tuple[bool, bool],
    int,
    bool,
    tuple[bytes, int, bool],
    Pair,
    int,
    tuple[bool, bool],
]
"""See native/kernel/src/whole."""

class KeyLines:
    def __init__(
        self, tables: list[tuple[bytes, dict[bytes, bytes | tuple[bytes, ...]], list[int]]], most: int
    ) -> None: ...
    def take(self, text: bytes, at: int, most: int, randoms: set[bytes] | None) -> tuple[int, int]: ...

class WholeBatch:
    def numbers(self) -> list[int]: ...

class WholeReader:
    def __init__(
        self,
        heads: Heads,
        exchange: type[Exchange],
        secrets: Sequence[dict[bytes, bytes | tuple[bytes, ...]]],
    ) -> None: ...
    def read(self, table: SegmentTable, rows: Int64s, begins: Int64s) -> WholeBatch: ...
    def take(
        self, batch: WholeBatch, number: int, identity: int
    ) -> (
        tuple[
            tuple[Pair, int, bool, tuple[int, int, int], tuple[Syn, Syn], bool, Pair, bytes],
            list[Ending],
            Session | None,
            tuple[list[Exchange], tuple[tuple[int, int, int], tuple[int, int, int]]],
            tuple[bytes, bytes],
        ]
        | None
    ): ...

class Streams:
    def __init__(
        self,
        messages: tuple[type[Exchange], type[Request], type[Response], type[Grpc]],
        part: type[FramePart],
        sides: tuple[Side, ...],
        digest: Callable[[bytes, int], int],
        has_events: Callable[[str], object],
    ) -> None: ...
    def take(
        self,
        http: Http2,
        client: Sequence[FramePart | FrameRun],
        server: Sequence[FramePart | FrameRun],
        places: tuple[Locator, Locator],
    ) -> None: ...
    def leave(self, http: Http2) -> None: ...

def enhanced_blocks(data: bytes, position: int, little: bool) -> tuple[bytes, int]: ...
def cut_frames(
    texts: list[Text | Gap], side: int, index: int, at: int
) -> tuple[FrameRun | None, int, int]: ...

class ExchangeWriter:
    def __init__(
        self,
        classes: tuple[type[Exchange], type[Request], type[Response]],
        astuple: Callable[[object], tuple[object, ...]],
        shown: Callable[[tuple[str, str]], tuple[str, str]],
        identifies: Callable[[str], bool],
        is_open: Callable[[str], bool],
        line: Callable[[str], str],
        target: Callable[[str], str],
        encoded: Callable[[Exchange], bytes],
    ) -> None: ...
    def write(self, exchanges: list[Exchange]) -> tuple[bytes, list[int]]: ...

def write_connections(
    connections: list[Connection], encoded: Callable[[Connection], bytes]
) -> tuple[bytes, list[int]]: ...
def place_first(
    messages: Sequence[Request | Response], locate: Callable[[list[int]], tuple[list[int], list[int]]]
) -> None: ...
def place_last(
    messages: Sequence[Request | Response], locate: Callable[[list[int]], tuple[list[int], list[int]]]
) -> None: ...
def time(exchanges: list[Exchange]) -> None: ...
def in_order(exchanges: list[Exchange]) -> list[Exchange]: ...
def burden(exchanges: list[Exchange], units: tuple[int, int], errors: int) -> tuple[int, bool]: ...
