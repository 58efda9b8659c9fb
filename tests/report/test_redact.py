"""The user's passwords, tokens and cookies stay out of reports."""

from __future__ import annotations

import pytest

from plainwire.report import redact


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "SET-COOKIE",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-Api-Key",
        "ApiKey",
        "X-Storage-Token",
        "Ocp-Apim-Subscription-Key",
        "X-CSRFToken",
        "accessToken",
    ],
)
def test_values_of_headers_that_carry_secrets_are_hidden(name: str) -> None:
    assert redact.headers([(name, "hunter2")]) == [(name, redact.HIDDEN)]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Type",
        "ETag",
        "Idempotency-Key",
        "X-Trans-Id",
        "WWW-Authenticate",
        "Author",
        "Connection",
    ],
)
def test_other_headers_stay(name: str) -> None:
    assert redact.headers([(name, "value")]) == [(name, "value")]


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?token=x&page=2", "/a?token=[redacted]&page=2"),
        ("/a?X-Amz-Signature=x&X-Amz-Date=1", "/a?X-Amz-Signature=[redacted]&X-Amz-Date=1"),
        ("/a?temp_url_sig=x&temp_url_expires=9", "/a?temp_url_sig=[redacted]&temp_url_expires=9"),
        ("/a?%74oken=x", "/a?%74oken=[redacted]"),
        ("https://user:pass@host/a", "https://[redacted]@host/a"),
        ("/mail/a@b.example", "/mail/a@b.example"),
        ("/plain", "/plain"),
        ("/a?flag", "/a?flag"),
    ],
)
def test_secrets_in_targets_are_hidden_and_the_rest_stays(target: str, shown: str) -> None:
    assert redact.target(target) == shown


def test_a_quote_from_the_wire_is_redacted_escaped_and_bounded() -> None:
    said = redact.quote("no\x1b[31m for token=hunter2 " + "x" * 10_000_000)
    assert said.startswith("no\\x1b[31m for token=[redacted] ")
    assert len(said) == redact.QUOTED
