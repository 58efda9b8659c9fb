"""Ways in which a secret may be written: each gives it away as well."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from plainwire.http import huffman

if TYPE_CHECKING:
    from collections.abc import Iterator


def forms(value: bytes) -> Iterator[tuple[bytes, str]]:
    """Ways in which a secret may be written, and what they are called."""
    text = value.decode("latin-1")
    yield value, "as it was"
    once = quote(value, safe="")
    for form in {once, once.lower(), quote_plus(value), quote(once, safe="")}:
        yield form.encode(), "percent-encoded"
    for shift in range(3):
        yield from ((form, "in base64") for form in _base64(value, shift))
    yield value.hex().encode(), "in hexadecimal digits"
    yield value.hex().upper().encode(), "in hexadecimal digits"
    yield json.dumps(text)[1:-1].encode(), "as in JSON"
    yield html.escape(text).encode("latin-1", "replace"), "as in HTML"
    yield text.encode("utf-16-le"), "in UTF-16"
    for shift in range(8):
        yield _huffman(value, shift), "in the Huffman code"


def _base64(value: bytes, shift: int) -> Iterator[bytes]:
    """What base64 makes of the value behind ``shift`` other bytes, without what these have a part in."""
    coded = base64.b64encode(bytes(shift) + value)
    first = (0, 2, 3)[shift]
    last = (shift + len(value)) * 8 // 6
    yield coded[first:last]
    yield coded[first:last].translate(bytes.maketrans(b"+/", b"-_"))


def _huffman(value: bytes, shift: int) -> bytes:
    """The whole bytes of what begins ``shift`` bits behind the start of a byte."""
    bits = sum(huffman.SYMBOL_BITS[byte] for byte in value)
    number = int.from_bytes(huffman.encode(value)) >> -bits % 8
    behind = -(bits + shift) % 8
    whole = (number << behind).to_bytes((bits + shift + behind) // 8)
    return whole[1 if shift else 0 : len(whole) - (1 if behind else 0)]
