"""Targets, URLs and free text: what is hidden, and that the rest is as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.report import redact
from plainwire.report.redact import HIDDEN, text
from tests.report.redact import planted


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?token=x&page=2", "/a?token=[redacted]&page=2"),
        ("/a?X-Amz-Signature=x&X-Amz-Date=1", "/a?X-Amz-Signature=[redacted]&X-Amz-Date=1"),
        ("/a?temp_url_sig=x&temp_url_expires=9", "/a?temp_url_sig=[redacted]&temp_url_expires=9"),
        ("/a?%74oken=x", "/a?%74oken=[redacted]"),
        ("https://user:pass@host/a", "https://[redacted]@host/a"),
        ("https://user:pa/ss@host/a", "https://[redacted]@host/a"),
        ("bob:hunter2@host:443", "[redacted]@host:443"),
        ("/go?next=%2Fa%3Ftoken%3Dx%26page%3D2", "/go?next=/a?token=[redacted]&page=2"),
        ("/callback?code=4%2F0AX&state=af0i&scope=x", "/callback?code=[redacted]&state=[redacted]&scope=x"),
        ("/services/T0123/B0123/AbCdEfGhIjKlMnOpQrSt12", "/services/T0123/[redacted]/[redacted]"),
    ],
)
def test_secrets_in_targets_are_hidden_and_the_rest_stays(target: str, shown: str) -> None:
    assert redact.target(target) == shown


@pytest.mark.parametrize(
    "target",
    [
        "/plain",
        "/a?flag",
        "*",
        "/mail/a@b.example",
        "/issues?state=open&code=404&key=PROJ-123",
        "/s3?list-type=2&prefix=photos%2F2024%2F&max-keys=1000",
        "/v1/objects/0d2b91d9-ae51-45bb-9d6a-8cb6c09dbb98",
        "/v1.41/containers/cc4fc8e49cadbb8bc41437dc2f9979a72293eabc3f0ea5ce48b77f43cb1f1d5e/resize?h=69",
        "/repos/o/r/commits/33a64df551425fcc55e4d42a148795d9f25f89d4",
        "/v2/library/nginx/blobs/sha256:cc4fc8e49cadbb8bc41437dc2f9979a72293eabc3f0ea5ce48b77f43cb1f1d5e",
        "/static/app-3f2a9c7be1d04c5f8a6b9d2e7c1f0a3b.js?v=9a0364b9e99bb480dd25e1f0284c8555",
        "/images/2024/02/29/holiday.jpg",
        "/soap/GetSpecificPortMappingEntryByDescription2",
        "/search?q=what+is+a+token&lang=en",
        "/chat?max_tokens=100&token_type=bearer",
        "/MFMwUTBPME0wSzAJBgUrDgMCGgUABBRI2smg%2ByvTLU%2Fw3mjS9We3NfmzxAQUFC6zF7dYVsuuUAlA5h%2BvnYsUwsYCEgSQ",
        "registry.example:443",
    ],
)
def test_ordinary_targets_stay(target: str) -> None:
    assert redact.target(target) == target


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "(host='h', port=443): Max retries exceeded with url: /x?api_key=k1 (Caused by E)",
            "(host='h', port=443): Max retries exceeded with url: /x?api_key=[redacted] (Caused by E)",
        ),
        ("> Authorization: Basic dTpw", "> Authorization: [redacted]"),
        ("{'X-Auth-Token': 'abc', 'Accept': '*/*'}", "{'X-Auth-Token': '[redacted]', 'Accept': '*/*'}"),
        ('{"password": "a \\"b\\" c", "n": 1}', '{"password": "[redacted]", "n": 1}'),
        ("auth=('bob', 'hunter2')", "auth=([redacted])"),
        ("could not log in as bob:hunter2@db.example", "could not log in as [redacted]@db.example"),
        ("got token AbCdEf0123456789AbCdEf0123456789AbCd=", "got token [redacted]"),
        ("curl -u bob:hunter2 https://h", "curl -u bob:[redacted] https://h"),
        ("\x1b[31mBearer hunter2\x1b[0m", "Bearer [redacted]"),
        ("\x1b[32mtoken\x1b[0m=\x1b[33mhunter2\x1b[0m ok", "\x1b[32mtoken\x1b[0m=[redacted] ok"),
        ("\x9b36mBearer hunter2", "Bearer [redacted]"),
    ],
)
def test_secrets_in_a_programs_words_are_hidden(text: str, shown: str) -> None:
    assert redact.line(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http.client.RemoteDisconnected: Remote end closed connection without response",
        "SSLError(SSLZeroReturnError(6, 'TLS/SSL connection has been closed (EOF) (_ssl.c:1006)'))",
        "Bearer token expired; Basic authentication failed",
        "session: expired",
        "\x1b[31msession\x1b[0m: expired",
        "pulling nginx:1.25@sha256:abcdef",
        "mailto:bob@storage.example at 12:34:56",
        "java.net.SocketException: Connection reset at sun.nio.ch.SocketChannelImpl.throwConnectionReset",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact.line(text) == text


def test_what_is_hidden_once_stays_as_it_is() -> None:
    for message in planted.messages():
        for said in (message.target, message.body, *(value for _, value in message.headers)):
            once = redact.line(said)
            assert redact.line(once) == once
            assert redact.target(redact.target(said)) == redact.target(said)


@given(st.text(alphabet="a1Z=&?%25;:/@\"'[](){}<>\\ -_.#,\ntokenkyu", max_size=80))
def test_any_text_has_an_answer_no_longer_than_its_secrets_make_it(text: str) -> None:
    for shown in (redact.line(text), redact.target(text)):
        assert len(shown) <= 9 * len(text) + 9 * len(HIDDEN)


@pytest.mark.parametrize(
    "piece", ["key=", "//a:", "a=", "%25", "?", "token=(", '\\"', "eyJ", "/hook", "u:p@", "a[a-"]
)
def test_long_hostile_texts_have_an_answer(piece: str) -> None:
    """A pattern that goes back over what it has read would not come to an end within the tests' timeout."""
    text = piece * (200_000 // len(piece))
    assert redact.quote(text)
    assert redact.target(text)


def test_a_quote_from_the_wire_is_redacted_escaped_and_bounded() -> None:
    said = redact.quote("no\x1b[31m for token=hunter2 " + "x" * 10_000_000)
    assert said.startswith("no\\x1b[31m for token=[redacted] ")
    assert len(said) == redact.QUOTED


PIECES = [
    *(
        "ghp_",
        "glpat-",
        "sk-live-",
        "sk-",
        "xoxb-",
        "xapp-",
        "AKIA",
        "AIza",
        "ya29.",
        "1//0",
        "GOCSPX-",
        "SG.",
    ),
    *(
        "key-",
        "npm_",
        "pypi-",
        "hf_",
        "dop_v1_",
        "shpat_",
        "sq0atp-",
        "hvs.",
        "ATATT3x",
        "sl.",
        "dapi",
        "ntn_",
    ),
    *("lin_api_", "glsa_", "NRAK-", "sntrys_", "dp.pt.", "fo1_", "PMAK-", "AGE-SECRET-KEY-1", "figd_", "fw_"),
    *("rubygems_", "tskey-auth-", "GR1348941", "FLWSECK-", "eyJ", "bot", "reset-password", "invite", "token"),
    *("services", "oauth2", "2fa", "hooks", "v1", "objects", "sha256", "T0123", "0", "12345678", "3f2a9c"),
    *("abcdefgh", ".js", "backup", "-", "_", ".", "~", "/", "//", "/1/", "a", "Z"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_a_path_whose_form_is_open_has_nothing_to_hide(path: str) -> None:
    made = f"/{path}"
    if text._PATH.fullmatch(made) and text.is_open(text._form(made)):
        assert text._target(made, text._depth(made)) == made
