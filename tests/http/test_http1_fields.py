"""Header fields of HTTP/1: what is kept of them from message to message."""

from __future__ import annotations

import tracemalloc

from plainwire.http.http1_fields import FieldParser


def test_long_lines_are_not_kept_for_the_next_message() -> None:
    """Otherwise 4,096 of them, each a bit different, fill hundreds of megabytes."""
    parser = FieldParser()
    tracemalloc.start()
    try:
        for number in range(300):
            headers, _ = parser.parse(b"x-long: %d " % number + b"a" * 60_000)
            assert len(headers[0][1]) > 60_000
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
