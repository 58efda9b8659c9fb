"""What of a text is hidden, and that the rest stays where it was."""

from __future__ import annotations

import base64

import pytest

from plainwire.report import redact
from plainwire.share.hiding import Hider, hidden_spans, is_telling
from plainwire.share.marks import Marker


def _hider(*known: str, names: tuple[str, ...] = ()) -> Hider:
    return Hider(Marker(b"k" * 32), known, names)


@pytest.mark.parametrize(
    ("target", "secrets"),
    [
        ("/a?page=2&token=hunter2zz&x=1", ["hunter2zz"]),
        ("/go?next=%2Fa%3Ftoken%3Dhunter2zz%26x%3D1", ["hunter2zz"]),
        ("/a?token=a%2Bb%2Fc12345%3D%3D", ["a%2Bb%2Fc12345"]),
        ("/a/b?page=2", []),
    ],
)
def test_of_a_target_the_secret_alone_is_hidden(target: str, secrets: list[str]) -> None:
    spans = hidden_spans(target, redact.target(target))
    assert [target[start:end] for start, end in spans] == secrets
    shown = _hider().target(target.encode()).decode()
    assert len(shown) == len(target)
    kept = [(a, b) for a, b in zip(shown, target, strict=True) if a == b]
    assert len(kept) >= len(target) - sum(map(len, secrets))
    assert all(secret not in shown for secret in secrets)


def test_of_a_field_its_structure_stays() -> None:
    shown = _hider().field("cookie", b"theme=dark; sid=abc123def456").decode()
    assert shown.startswith("theme=")
    assert "; sid=" in shown
    assert "dark" not in shown
    assert "abc123def456" not in shown
    assert _hider().field("Authorization", b"Bearer abc123def456").startswith(b"Bearer ")
    assert _hider().field("Content-Length", b"123") == b"123"


def test_what_is_known_to_be_a_secret_is_hidden_everywhere() -> None:
    hider = _hider("hunter2hunter2", "short", "shop")
    assert b"hunter2hunter2" not in hider.field("x-note", b"see hunter2hunter2 there")
    assert hider.field("x-note", b"a shop") == b"a shop"
    coded = base64.b64encode(b"id=hunter2hunter2!")
    assert coded[:8] not in hider.field("x-note", coded)


def test_names_that_the_user_gives_are_hidden_as_fields_parameters_and_members() -> None:
    hider = _hider(names=("Customer",))
    assert hider.field("customer", b"Smith Ltd") != b"Smith Ltd"
    assert b"smith" not in hider.target(b"/a?customer=smith&x=1")
    assert hider.target(b"/a?customer=smith&x=1").endswith(b"&x=1")
    assert b"smith" not in hider.field("x-context", b'{"customer": "smith"}')


@pytest.mark.parametrize(
    ("value", "telling"),
    [("abc12345", True), ("a1", False), ("application", False), ("correcthorsebattery", True)],
)
def test_only_what_is_no_word_is_looked_for(value: str, telling: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_telling(value) is telling
