"""Values of header fields: passwords, tokens and cookies of the user stay out of reports, the rest stays."""

from __future__ import annotations

import pytest

from plainwire.report.redact import HIDDEN, headers


def shown(name: str, value: str) -> str:
    ((same, text),) = headers([(name, value)])
    assert same == name
    return text


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-Api-Key",
        "ApiKey",
        "X-Storage-Token",
        "Ocp-Apim-Subscription-Key",
        "X-CSRFToken",
        "accessToken",
        "DPoP",
        "x-amz-server-side-encryption-customer-key",
        "X-Hub-Signature-256",
    ],
)
def test_values_of_headers_that_carry_secrets_are_hidden(name: str) -> None:
    assert shown(name, "hunter2") == HIDDEN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "storage.example:8443"),
        ("Content-Type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("ETag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
        ("If-None-Match", 'W/"67ab43Zx8Kq0Vb7Yw2Nn5Rr9Tt4Uu1Ii6Oo3Pp"'),
        ("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X-Request-Id", "9fzua73cxt8hdfrcd91xc8cgqc9fzua73cxt8h"),
        ("X-Amz-Cf-Id", "rG-_XQTiyi1l07lhzFNTqvyS1kHp0qKwLiX5EgPm2obDOBJsajD2VA=="),
        ("Content-MD5", "g+POIsmMmQJyoWL1NDgmEA=="),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("WWW-Authenticate", 'Bearer realm="api", error="invalid_token"'),
        ("WWW-Authenticate", 'Basic realm="user and password"'),
        ("Access-Control-Allow-Headers", "Authorization, X-Auth-Token"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Date", "Thu, 29 Feb 2024 12:34:56 GMT"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"),
        ("Cache-Control", "public, max-age=31536000, immutable"),
        ("X-Auth-User", "bob"),
        ("X-Request-Start", "t=1700000000.123"),
        ("Location", "https://storage.example/objects/0d2b91d9-ae51-45bb-9d6a-8cb6c09dbb98?page=2"),
        ("Sec-WebSocket-Protocol", "v12.stomp, graphql-ws"),
        ("grpc-trace-bin", "AAAKr3ZRkWzUPdhEjrIRyAMZwBt61rkgMzEBAQ=="),
    ],
)
def test_what_describes_or_identifies_stays(name: str, value: str) -> None:
    assert shown(name, value) == value


def test_of_credentials_the_scheme_stays() -> None:
    assert shown("Authorization", "Bearer hunter2") == f"Bearer {HIDDEN}"
    assert shown("Authorization", "correct horse battery") == HIDDEN


def test_of_cookies_names_and_attributes_stay() -> None:
    assert shown("Cookie", "theme=dark; sid=hunter2; flag=") == f"theme={HIDDEN}; sid={HIDDEN}; flag="
    assert shown("Set-Cookie", "id=hunter2; Path=/; Max-Age=60; HttpOnly") == (
        f"id={HIDDEN}; Path=/; Max-Age=60; HttpOnly"
    )
    assert shown("Cookie", "hunter2") == HIDDEN


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (":path", "/a?token=hunter2", f"/a?token={HIDDEN}"),
        (":authority", "bob:hunter2@h", f"{HIDDEN}@h"),
        ("Referer", "https://h/a?api_key=hunter2", f"https://h/a?api_key={HIDDEN}"),
        ("Refresh", "5; url=/next?token=hunter2", f"5; url=/next?token={HIDDEN}"),
        ("Link", "</p?token=hunter2>; rel=next", f"</p?token={HIDDEN}>; rel=next"),
        ("X-Backend", "redis://:hunter2@10.0.0.1:6379/0", f"redis://{HIDDEN}@10.0.0.1:6379/0"),
        ("X-Context", "a=1; token=hunter2; b=2", f"a=1; token={HIDDEN}; b=2"),
    ],
)
def test_urls_and_pairs_in_any_field_are_read(name: str, value: str, expected: str) -> None:
    assert shown(name, value) == expected


def test_a_token_among_subprotocols_is_hidden() -> None:
    assert shown("Sec-WebSocket-Protocol", "access_token, hunter2") == f"access_token, {HIDDEN}"
    assert (
        shown("Sec-WebSocket-Protocol", "graphql-ws, eyJhbGciOiJIUzI1NiJ9.e30.x1") == f"graphql-ws, {HIDDEN}"
    )


def test_metadata_of_grpc_is_decoded_to_be_looked_at() -> None:
    assert shown("user-bin", "dG9rZW49aHVudGVyMg==") == HIDDEN  # token=hunter2
    assert shown("user-bin", "aGVsbG8=") == "aGVsbG8="
