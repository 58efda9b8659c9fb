"""``plainwire explain``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from plainwire.cli.main import plainwire
from plainwire.diagnose import CAUSES
from plainwire.model import UserError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(
        plainwire, ["explain", *arguments], catch_exceptions=False, standalone_mode=False
    )
    return result.output


@pytest.mark.parametrize("code", CAUSES)
def test_every_code_is_explained_with_the_fix(code: str) -> None:
    text = run(code)
    assert text.startswith(f"{code}: ")
    assert "Established by" in text
    assert "Refuted by" in text
    assert "hat the client's side can do" in text


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("tls-alert-unknown_ca", "tls-alert-unknown-ca"),
        ("h2-stream-reset-INTERNAL_ERROR", "h2-stream-reset-internal-error"),
    ],
)
def test_a_code_is_understood_as_it_was_spelled_before(typed: str, code: str) -> None:
    assert run(typed).startswith(f"{code}: ")


@pytest.mark.parametrize("stem", ["tls-alert", "h2-stream-reset", "h3-stream-reset", "goaway-error"])
def test_the_stem_of_a_family_lists_its_codes(stem: str) -> None:
    codes = [line.split()[0] for line in run(stem).splitlines()]
    assert len(codes) > 10
    assert codes == [code for code in CAUSES if code.startswith(f"{stem}-")]


def test_a_family_tells_apart_who_sent_the_code() -> None:
    by_server, by_client = run("tls-alert-unknown-ca").split("Where the client sends it")
    assert "client's certificate" in by_server
    assert "client's certificate" not in by_client


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("RemoteDisconnected", {"keepalive-idle-race", "close-mid-request", "reset-mid-request"}),
        ("ECONNRESET", {"reset-mid-request", "reset-mid-response", "handshake-reset"}),
        ("104", {"reset-mid-request", "reset-mid-response"}),
        ("socket hang up", {"keepalive-idle-race", "reset-mid-request"}),
        ("52", {"keepalive-idle-race", "close-mid-request"}),
        ("IncompleteRead(50 bytes read, 50 more expected)", {"response-truncated", "reset-mid-response"}),
        ("getaddrinfo ENOTFOUND api.example", {"dns-failure"}),
        ("fetch failed", set()),
    ],
)
def test_words_of_a_program_lead_to_the_findings_behind_them(said: str, codes: set[str]) -> None:
    text = run(*said.split())
    named = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert codes <= named
    assert "packets do: plainwire run" in text


def test_words_that_wrap_others_do_not_hide_what_these_tell() -> None:
    wrapped = "error sending request for url (https://a/): connection closed before message completed"
    told = run(*wrapped.split())
    assert "keepalive-idle-race" in told
    assert "connection-refused" not in told
    assert "connection-refused" in run(*wrapped.partition("): ")[0].split())


def test_without_a_code_all_are_listed() -> None:
    assert [line.split()[0] for line in run().splitlines()] == list(CAUSES)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("race", "keepalive-idle-race"),
        ("reset-midrequest", "reset-mid-request"),
        ("truncated", "response-truncated"),
    ],
)
def test_an_unknown_code_names_those_that_may_be_meant(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match=meant):
        run(typed)


def test_an_unknown_code_without_likeness_says_where_to_look() -> None:
    with pytest.raises(UserError, match="plainwire explain lists them"):
        run("zzzzzz")


def test_the_help_ends_with_an_example() -> None:
    assert run("--help").rstrip().splitlines()[-1].strip().startswith("Example: plainwire explain")
