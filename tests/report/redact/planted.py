"""Secrets of many kinds, and where programs put them.

``PLANTS`` says for each kind what the secret looks like and where it stands; ``messages`` makes requests and
responses with a secret of its own for each plant and encoding.
"""

from __future__ import annotations

import base64
import random
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_BASE32 = string.ascii_uppercase + "234567"
_LOWER = string.ascii_lowercase + string.digits

Pairs = list[tuple[str, str]]


@dataclass
class Message:
    """A request with its response, as any version of HTTP can carry it. ``secrets``: what must not show."""

    target: str = "/ordinary"
    headers: Pairs = field(default_factory=list)
    body: str = ""
    answer: Pairs = field(default_factory=list)
    answer_body: str = ""
    trailers: Pairs = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plant:
    """A kind of secret in a place: ``target``, ``body``, ``answer body``, or the name of a header field,
    with ``<`` ahead of one of the response and ``.`` ahead of one of its trailers. ``{}`` in ``text`` is it.
    """

    kind: str
    place: str
    text: str
    make: Callable[[Dice], str]
    encoded: bool = False
    """Whether it is planted percent-encoded inside another URL as well, once and twice."""


class Dice:
    """Chance that falls the same way each time."""

    def __init__(self) -> None:
        self._random = random.Random(20240229)
        self._number = 0

    def word(self) -> str:
        """A password that looks like nothing else: only its place tells."""
        self._number += 1
        return f"Maulwurf{self._number:03d}Zebra"

    def token(self, length: int, alphabet: str = _ALNUM) -> str:
        return "".join(self._random.choice(alphabet) for _ in range(length))

    def data(self, size: int) -> bytes:
        return self._random.randbytes(size)


def _word(dice: Dice) -> str:
    return dice.word()


def _base64(size: int) -> Callable[[Dice], str]:
    return lambda dice: base64.b64encode(dice.data(size)).decode().rstrip("=")


def _run(prefix: str, length: int, alphabet: str = _ALNUM) -> Callable[[Dice], str]:
    return lambda dice: prefix + dice.token(length, alphabet)


def _jwt(dice: Dice) -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.{dice.token(40)}.{dice.token(43)}"


def _queries() -> Iterator[Plant]:
    for name in (
        *("token", "access_token", "id_token", "refresh_token", "api_key", "apikey", "apiKey", "password"),
        *("passwd", "pwd", "client_secret", "sig", "X-Amz-Signature", "X-Amz-Security-Token", "sessionid"),
        *("PHPSESSID", "jwt", "SAMLResponse", "SAMLRequest", "code_verifier", "csrf_token", "user[token]"),
        *("oauth_token", "otp", "private_key", "subscription-key", "client_assertion", "auth"),
    ):
        yield Plant(f"query {name}", "target", f"/a?page=2&{name}={{}}&x=1", _word, encoded=True)
    yield Plant("semicolons", "target", "/a?a=1;token={}", _word)
    yield Plant("encoded name", "target", "/a?%74oken={}", _word)
    yield Plant("name encoded twice", "target", "/a?%2574oken={}", _word)
    yield Plant("separator encoded", "target", "/a?x=1%26token%3D{}", _word)
    yield Plant("path parameter", "target", "/cart;jsessionid={}/items", _word)
    yield Plant("fragment", "target", "/app#access_token={}&token_type=bearer", _word)
    yield Plant("OAuth code", "target", "/callback?code={}&state=abc", _word, encoded=True)
    yield Plant("OAuth state", "target", "/x?client_id=app&state={}", _word)
    yield Plant("JSON in a query", "target", "/q?filter=%7B%22password%22%3A%22{}%22%7D", _word)
    yield Plant("user information", "target", "/fetch?from=https%3A%2F%2Fbob%3A{}%40db.example%2Fx", _word)


def _shapes() -> Iterator[Plant]:
    makes = {
        "JWT": _jwt,
        "GitHub": _run("ghp_", 36),
        "OpenAI": _run("sk-proj-", 48),
        "Stripe": _run("sk_live_", 24),
        "Slack": _run("xoxb-123456789012-", 24),
        "AWS id": _run("AKIA", 16, string.ascii_uppercase + string.digits),
        "AWS key": _base64(30),
        "Google": _run("AIza", 35),
        "Google OAuth": _run("ya29.a0", 60),
        "GitLab": _run("glpat-", 20),
        "SendGrid": lambda dice: f"SG.{dice.token(22)}.{dice.token(43)}",
        "npm": _run("npm_", 36),
        "long hex": _run("", 64, _HEX),
        "SHA-1 size hex": _run("", 40, _HEX),
        "long base64": _base64(48),
        "base36": _run("", 48, _LOWER),
        "Telegram": _run("123456789:", 35),
        "Discord": lambda dice: f"M{dice.token(23)}.{dice.token(6)}.{dice.token(27)}",
    }
    for kind, make in makes.items():
        yield Plant(
            f"{kind}, unnamed", "target", "/a?v9={}", make, encoded=kind not in {"AWS key", "long base64"}
        )
        yield Plant(f"{kind} in a header", "x-extra", "first, {}", make)
        if kind not in {"AWS key", "long base64"}:  # a slash in a path is no part of a segment
            yield Plant(f"{kind} in a path", "target", "/a/{}/b", make)
        yield Plant(f"{kind} in a response", "<x-answer", "{}", make)


def _hooks() -> Iterator[Plant]:
    yield Plant("Slack hook", "target", "/services/T0123ABCD/B0123ABCD/{}", _run("", 24))
    yield Plant("Discord hook", "target", "/api/webhooks/123456789012345678/{}", _run("", 68))
    yield Plant("Telegram bot", "target", "/bot{}/sendMessage", _run("123456789:", 35))
    teams = "/webhookb2/2e0c4b1a-0d2b-4d91-ae51-45bb9d6a8cb6@x/IncomingWebhook/{}/0d2b91d9"
    yield Plant("Teams hook", "target", teams, _run("", 32, _HEX))
    yield Plant("Zapier hook", "target", "/hooks/catch/1234567/{}/", _run("a1", 6, _LOWER))
    yield Plant("IFTTT key", "target", "/trigger/event/with/key/{}", _run("d4", 20))
    yield Plant("link in a mail", "target", "/reset-password/{}", _run("k7", 20))


def _fields() -> Iterator[Plant]:
    for name in (
        *("x-auth-token", "x-api-key", "private-token", "dpop", "x-amz-security-token", "x-csrf-token"),
        *("x-amz-server-side-encryption-customer-key", "x-goog-api-key", "x-functions-key", "x-session-id"),
        *("x-hub-signature-256", "x-custom-token-bin", "grpc-metadata-authorization", "x-password", "token"),
    ):
        yield Plant(f"field {name}", name, "{}", _word)
    yield Plant(
        "Basic", "authorization", "Basic {}", lambda dice: base64.b64encode(b"u:" + dice.data(9)).decode()
    )
    yield Plant("Bearer", "authorization", "Bearer {}", _word)
    yield Plant("AWS signature", "authorization", "AWS4-HMAC-SHA256 Credential=A/b, Signature={}", _word)
    yield Plant("other scheme", "proxy-authorization", "{}", _word)
    yield Plant("Bearer elsewhere", "x-upstream", "Bearer {}", _word)
    yield Plant("cookie", "cookie", "theme=dark; sid={}", _word)
    yield Plant("cookie set", "<set-cookie", "id={}; Path=/; HttpOnly", _word)
    yield Plant("subprotocol", "sec-websocket-protocol", "access_token, {}", _word)
    yield Plant("JWT as subprotocol", "sec-websocket-protocol", "v1, bearer.{}", _jwt)
    yield Plant(
        "gRPC metadata",
        "x-user-bin",
        "{}",
        lambda dice: base64.b64encode(f"token={dice.word()}".encode()).decode(),
    )
    for name in ("location", "content-location", "x-original-url", "sourcemap"):
        yield Plant(f"URL in {name}", f"<{name}", "https://h.example/cb?token={}&x=1", _word, encoded=True)
    for name in ("referer", "destination", "x-rewrite-url", "origin", "x-forwarded-uri"):
        yield Plant(f"URL in {name}", name, "https://h.example/x?api_key={}", _word)
    yield Plant("Refresh", "<refresh", "5; url=/next?token={}", _word)
    yield Plant("Link", "<link", "</p?page=2>; rel=next, </p?token={}>; rel=prev", _word)
    yield Plant("OAuth code in Location", "<location", "https://app.example/cb?code={}&state=q", _word)
    yield Plant("implicit grant", "<location", "app://cb#access_token={}&token_type=bearer", _word)
    yield Plant("password in a URL", "x-upstream", "redis://:{}@10.0.0.1:6379/0", _word)
    yield Plant("JSON in a header", "x-context", '{{"user": 1, "api_key": "{}"}}', _word)
    yield Plant("pairs in a header", "x-context", "a=1; token={}", _word)
    yield Plant("trailer", ".x-final-token", "{}", _word)
    yield Plant("URL in a trailer", ".x-next", "/more?token={}", _word)


def _bodies() -> Iterator[Plant]:
    yield Plant("form", "body", "user=bob&password={}&remember=1", _word)
    yield Plant("JSON", "body", '{{"user": {{"name": "bob", "password": "{}"}}}}', _word)
    yield Plant("JSON in JSON", "body", '{{"raw": "{{\\"token\\": \\"{}\\"}}"}}', _word)
    yield Plant("XML", "body", "<login><user>bob</user><password>{}</password></login>", _word)
    part = '--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n{}\r\n--x--\r\n'
    yield Plant("multipart", "body", part, _word)
    yield Plant("JSON response", "answer body", '{{"access_token":"{}","token_type":"Bearer"}}', _word)
    yield Plant("JWT in a response", "answer body", '["{}"]', _jwt)


PLANTS = [*_queries(), *_shapes(), *_hooks(), *_fields(), *_bodies()]


def messages() -> list[Message]:
    """One message for each plant and encoding, each with another secret."""
    dice = Dice()
    found = []
    for plant in PLANTS:
        for layers in (0, 1, 2) if plant.encoded else (0,):
            secret = plant.make(dice)
            found.append(_planted(plant, secret, layers))
    return found


def _planted(plant: Plant, secret: str, layers: int) -> Message:
    text = plant.text.format(secret)
    for _ in range(layers):
        text = f"/go?next={quote(text, safe='')}"
    message = Message(secrets=[secret])
    match plant.place:
        case "target":
            message.target = text
        case "body":
            message.body = text
        case "answer body":
            message.answer_body = text
        case place if place.startswith("<"):
            message.answer.append((place[1:], text))
        case place if place.startswith("."):
            message.trailers.append((place[1:], text))
        case place:
            message.headers.append((place, text))
    return message


def forms(secret: str) -> set[str]:
    """Ways to write a secret that give it away as well."""
    once = quote(secret, safe="")
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, once, quote(once, safe=""), encoded, quote(encoded, safe="")}
