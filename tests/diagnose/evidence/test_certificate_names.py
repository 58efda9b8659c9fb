"""Which names a certificate covers: the examples of RFC 9525 section 6.3 and RFC 6125 section 6.4.3."""

from __future__ import annotations

import pytest

from plainwire.diagnose.evidence.certificate_names import covers


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (("www.example.com",), "WWW.EXAMPLE.COM", True),
        (("*.example.com",), "foo.example.com", True),
        (("*.example.com",), "bar.foo.example.com", False),
        (("*.example.com",), "example.com", False),
        (("baz*.example.net",), "baz1.example.net", False),
        (("example.com",), "example.com.", True),
        (("192.0.2.1",), "192.0.2.1", True),
        (("*.0.2.1",), "192.0.2.1", False),
        (("2001:db8::1",), "2001:db8:0:0::1", True),
        ((), "example.com", False),
    ],
)
def test_a_wildcard_stands_for_the_whole_first_label_and_nothing_else(
    names: tuple[str, ...], host: str, *, expected: bool
) -> None:
    assert covers(names, host) is expected
