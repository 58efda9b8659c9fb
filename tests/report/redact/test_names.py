"""Names that introduce secrets, and names that only sound like it."""

from __future__ import annotations

import pytest

from plainwire.report.redact.names import Kind, kind, kind_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("X-Amz-Security-Token", Kind.SECRET),
        ("user%5Bapi_key%5D", Kind.SECRET),
        ("PHPSESSID", Kind.SECRET),
        ("clientSecret", Kind.SECRET),
        ("__RequestVerificationToken", Kind.SECRET),
        ("state", Kind.DOUBTFUL),
        ("key", Kind.DOUBTFUL),
        ("max_tokens", Kind.PLAIN),
        ("token_type", Kind.PLAIN),
        ("X-Auth-User", Kind.PLAIN),
        ("author", Kind.PLAIN),
        ("secretary", Kind.PLAIN),
        ("partition-key", Kind.OPAQUE),
        ("trace_id", Kind.OPAQUE),
        ("", Kind.PLAIN),
    ],
)
def test_names_are_read_as_words(name: str, expected: Kind) -> None:
    assert kind(name) == expected


def test_a_sid_that_counts_is_no_session() -> None:
    assert kind_of("ga_sid", "1413745941") == Kind.PLAIN
    assert kind_of("sid", "lv_VI97HAXpY6yYWAAAC") == Kind.SECRET
