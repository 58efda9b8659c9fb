"""A password that looks like a word: only its place, or the name beside it, tells."""

from __future__ import annotations

import json

import pytest

from plainwire.report import redact
from plainwire.report.redact import HIDDEN

WORD = "Maulwurf042Zebra"
FIELDS = [
    ("cookie", f"__Host-x!#$%={WORD}"),
    ("cookie", WORD),
    ("set-cookie", f"__Secure-weird.name[0]={WORD}; Max-Age=3"),
    ("location", f"https://app.example/#/login?token={WORD}"),
    ("location", f"/page#!/auth/{WORD}?a=1"),
    ("x-creds-bin", WORD),
    ("authentication", WORD),
    ("x-wsse", f'UsernameToken Username="b", PasswordDigest="{WORD}"'),
    ("x-debug", f"password is {WORD}"),
    ("user-agent", f"app/1 (token={WORD})"),
    ("accept", f"application/json; token={WORD}"),
    ("content-disposition", f'attachment; filename="x"; token={WORD}'),
    ("content-security-policy", f"report-uri https://r.example/?api_key={WORD}"),
    ("report-to", json.dumps({"endpoints": [{"url": f"https://r.example/?token={WORD}"}]})),
    ("server-timing", f'a;desc="token={WORD}"'),
    ("access-control-allow-origin", f"https://u:{WORD}@h.example"),
]
BODIES = [
    json.dumps({"headers": [["Authorization", WORD]]}),
    json.dumps([{"name": "token", "value": WORD}]),
    json.dumps({"key": "password", "value": WORD}),
    json.dumps({"token": {"value": WORD}}),
    json.dumps({"password": WORD}).replace("ss", "\\u0073s"),
    json.dumps({"url": f"https://u:{WORD}@h.example/"}).replace("/", "\\/"),
    json.dumps({"url": f"/x?a=1&token={WORD}"}).replace("&", "\\u0026"),
    f'<input type="password" value="{WORD}">',
    f"<input value='{WORD}' name='csrf'>",
    f'<meta name="csrf-token" content="{WORD}">',
    f'<wsse:Password Type="x">{WORD}</wsse:Password>',
    f"machine h.example login u password {WORD}",
    f"[default]\naws_secret_access_key = {WORD}",
]
LINES = [
    f"Error: invalid password '{WORD}'",
    f"password for bob is {WORD}",
    f"Incorrect API key provided: {WORD}. You can find yours",
    f'token "{WORD}" expired',
    f"login failed for user u with password {WORD}",
    f"jdbc:oracle:thin:scott/{WORD}@h:1521/x",
    f"headers: [('X-Api-Key', '{WORD}'), ('Accept', '*/*')]",
    f"[b'authorization', b'{WORD}']",
]
COMMANDS = [
    ["curl", f"-HX-Api-Key: {WORD}"],
    ["curl", f"-bsid={WORD}"],
    ["curl", "--cert", f"cert.pem:{WORD}"],
    ["http", "--auth-type=bearer", "--auth", WORD],
    ["docker", "login", "-u", "bob", "-p", WORD],
    ["vault", "login", WORD],
    ["smbclient", "-U", f"bob%{WORD}"],
]
TARGETS = [
    f"/magic-link/{WORD}x9",
    f"/verify-email/{WORD}x9",
    f"/announce?passkey={WORD}",
    f"/x?wskey={WORD}",
]


@pytest.mark.parametrize(("name", "value"), FIELDS)
def test_fields(name: str, value: str) -> None:
    _assert_hidden(redact.field(name, value))


@pytest.mark.parametrize("text", BODIES)
def test_bodies(text: str) -> None:
    _assert_hidden(redact.body(text))


@pytest.mark.parametrize("text", LINES)
def test_words(text: str) -> None:
    _assert_hidden(redact.line(text))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: list[str]) -> None:
    _assert_hidden(" ".join(redact.arguments(command)))


@pytest.mark.parametrize("text", TARGETS)
def test_targets(text: str) -> None:
    _assert_hidden(redact.target(text))


def _assert_hidden(shown: str) -> None:
    assert (WORD in shown, HIDDEN in shown) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        "invalid password for user",
        "the token 'expired'",
        "secret sharing with two parties",
        'token "Bearer" is unknown',
        "password must be at least 8 characters",
        "API key was not given",
        '("name", "value")',
        '{"name": "color", "value": "blue-42"}',
        '<input name="city" value="Lyon 2">',
        '<p class="x">text 1</p>',
        "access key ids: none",
    ],
)
def test_sentences_and_ordinary_pairs_stay(text: str) -> None:
    assert redact.line(text) == text
    assert redact.body(text) == text


@pytest.mark.parametrize(
    "command",
    [
        ["docker", "run", "-p", "8080:80", "image"],
        ["curl", "-b", "jar.txt", "https://h.example/"],
        ["curl", "-Hostname"],
        ["curl", "-E", "cert.pem", "--key", "key.pem"],
        ["docker", "login", "registry.example"],
    ],
)
def test_ordinary_commands_stay(command: list[str]) -> None:
    assert redact.arguments(command) == command
