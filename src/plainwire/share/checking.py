"""A second look at a finished bundle: whether anything that was to be hidden is in it, however encoded.

What was to be hidden is told from the case (``secrets_of``), not from what was hidden. It is looked for in
the bytes of every file, and in all that these hold once they are decrypted, decoded and decompressed: the
streams of the connections, header fields, bodies. A secret is looked for as it was, percent-encoded, in
base64 (at each of its three alignments), in hexadecimal digits, as JSON and HTML escape it, and in HPACK's
Huffman code (at each bit).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.model import Gap, SecretsBlock, Side
from plainwire.share import bundle as bundles
from plainwire.share import segments
from plainwire.share.encodings import forms
from plainwire.share.hiding import is_telling
from plainwire.share.needles import Needles
from plainwire.share.resealing import MadeUpSecrets, ResealedTls
from plainwire.share.wire_text import WireText
from plainwire.tls.keylog import KeyLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Exchange, Text
    from plainwire.share.bundle import Bundle
    from plainwire.share.segments import KeptConnection

_MOST_LEAKS = 1000


class Leak(Struct, frozen=True):
    """A secret that the bundle holds: where it stood in the case, and where it is; never the secret."""

    origin: str
    place: str
    encoding: str


class Checked(Struct):
    """What came of it. ``too_short``: secrets that cannot be told from ordinary words."""

    leaks: list[Leak] = field(default_factory=list)
    looked_for: int = 0
    too_short: int = 0


def check(bundle: Bundle, secrets: dict[str, str]) -> Checked:
    """Look for ``secrets`` (values, and where they stood) in a bundle; not in the original packets.

    Raises:
        UserError: a capture in it cannot be read.

    """
    telling = {value: place for value, place in secrets.items() if is_telling(value)}
    checked = Checked(looked_for=len(telling), too_short=len(secrets) - len(telling))
    needles = Needles(
        (form, (origin, name))
        for value, origin in telling.items()
        for form, name in forms(value.encode("latin-1", "replace"))
    )
    seen: set[Leak] = set()
    for place, data in _contents(bundle):
        for _, _, (origin, name) in needles.found(data):
            leak = Leak(origin, place, name)
            if leak not in seen and len(seen) < _MOST_LEAKS:
                seen.add(leak)
                checked.leaks.append(leak)
    return checked


def _contents(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    """Every file but the original packets, and what is in it once it is opened."""
    for name, data in bundle.files.items():
        if name == bundles.ORIGINAL:
            continue
        yield name, data
        if name.endswith(".pcapng"):
            with tempfile.TemporaryDirectory(prefix="plainwire-") as folder:
                path = Path(folder) / name
                path.write_bytes(data)
                yield from ((f"{name}, {place}", text) for place, text in _opened(path))


def _opened(path: Path) -> Iterator[tuple[str, bytes]]:
    report = pipeline.analyze([path], keep_bodies=True)
    for exchange in report.exchanges:
        yield f"exchange {exchange.id}", b"\n".join(_texts(exchange))
    keys = KeyLog()
    for item in reader.read([path]):
        if isinstance(item, SecretsBlock):
            keys.add(item.data)
    for connection in segments.collect([path], report.connections).connections:
        yield from _streams(connection, keys)


def _texts(exchange: Exchange) -> Iterator[bytes]:
    for message in (exchange.request, *exchange.interim, exchange.response):
        if message is not None:
            for name, value in (*message.headers, *message.trailers):
                yield f"{name}: {value}".encode("latin-1", "replace")
            yield message.body or b""
    if exchange.request is not None:
        yield exchange.request.target.encode("latin-1", "replace")


def _streams(connection: KeptConnection, keys: KeyLog) -> Iterator[tuple[str, bytes]]:
    """What each side sent, with holes closed; where it is TLS, also what was in the records."""
    wires = WireText(Side.CLIENT, connection.pieces[0]), WireText(Side.SERVER, connection.pieces[1])
    opened = ResealedTls(wires, MadeUpSecrets(keys, b""))
    for side in Side:
        place = f"the {side.name.lower()}'s stream on port {connection.facts.client.port}"
        yield place, wires[side].data
        yield f"{place}, decrypted", _joined(opened.plain[side])


def _joined(pieces: Iterable[Text | Gap]) -> bytes:
    return b"".join(piece[0] for piece in pieces if not isinstance(piece, Gap))
