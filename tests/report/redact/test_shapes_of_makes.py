"""Keys of known makes, with nothing beside them that tells, wherever they stand."""

from __future__ import annotations

import pytest

from plainwire.report import redact
from plainwire.report.redact import HIDDEN

LETTERS = "Xw4Kq9TnB2vLmZ7rHs5YpD8fGj3CkQ6aEuV1xRbWtNoM0iUyPzScAdFgJhLe2k4Qm9"
HEX = "5d32cbe54014c2b54b95523cf6941fa17e0b8842"
UUID = "1584d8c4-fa28-45d2-8028-27283e0ad841"
MAKES = {
    "Fireworks": f"fw_{LETTERS[:24]}",
    "Tavily": f"tvly-dev-{LETTERS[:32]}",
    "Langfuse": f"sk-lf-{UUID}",
    "Resend": f"re_{LETTERS[:8]}_{LETTERS[8:32]}",
    "Docker Hub": f"dckr_pat_{LETTERS[:27]}",
    "Asana": f"2/3993158279401995/3055203409305652:{HEX[:32]}",
    "Mailchimp": f"{HEX[:32]}-us12",
    "Alibaba Cloud": f"LTAI5t{LETTERS[:18]}",
    "Tencent Cloud": f"AKID{LETTERS[:32]}",
    "Heroku": f"HRKU-{UUID}",
    "New Relic inserts": f"NRII-{LETTERS[:32]}",
    "Flutterwave": f"FLWSECK-{HEX[:32]}-X",
    "Infracost": f"ico-{LETTERS[:32]}",
    "Tailscale": f"tskey-auth-{LETTERS[:12]}CNTRL-{LETTERS[12:44]}",
    "Adafruit": f"aio_{LETTERS[:28]}",
    "GitLab's runner": f"GR1348941{LETTERS[:20]}",
    "Bitbucket": f"ATBB{LETTERS[:32]}",
    "Atlassian": f"ATCTT3xFfG{LETTERS}",
    "crates.io": f"cio{LETTERS[:32]}",
    "Plaid": f"access-sandbox-{UUID}",
    "Lichess": f"lip_{LETTERS[:20]}",
    "Modal": f"ak-{LETTERS[:22]}",
    "LaunchDarkly": f"sdk-{UUID}",
    "Checkly": f"cu_{HEX[:32]}",
    "Statsig": f"secret-{LETTERS[:40]}",
    "Databento": f"db-{LETTERS[:29]}",
    "Gemfury": f"fury_{LETTERS[:30]}",
    "Vault, old": f"s.{LETTERS[:24]}",
    "Razorpay": f"rzp_live_{LETTERS[:14]}",
    "Mollie": f"live_{LETTERS[:30]}",
    "Zuplo": f"zpka_{HEX[:32]}_{HEX[:8]}",
    "Unkey": f"unkey_{LETTERS[:24]}",
    "Supabase": f"sbp_{HEX}",
    "Groq": f"gsk_{LETTERS[:52]}",
    "Azure AD": f"{LETTERS[:3]}8Q~{LETTERS[3:37]}",
    "OpenShift": f"sha256~{LETTERS[:43]}",
    "Terraform Cloud": f"{LETTERS[:14]}.atlasv1.{LETTERS}",
}


@pytest.mark.parametrize("key", MAKES.values(), ids=MAKES)
def test_keys_of_known_makes_are_hidden_everywhere(key: str) -> None:
    shown = {
        "query": redact.target(f"/search?q={key}&p=1"),
        "fragment": redact.target(f"/app#{key}"),
        "field": redact.field("x-extra", key),
        "body": redact.body(f'{{"value": "{key}", "n": 1}}'),
        "words": redact.line(f"sent {key} to the server"),
        "command": redact.arguments(["tool", "run", key])[2],
    }
    if "/" not in key:
        shown["path"] = redact.target(f"/v1/{key}/items")
    assert {
        place: HIDDEN in text and key[-12:] not in text for place, text in shown.items()
    } == dict.fromkeys(shown, True)


@pytest.mark.parametrize(
    "text",
    [
        "/re_calculate_the_totals_of_the_year",
        "/unit_test_results/integration_test_report",
        "/api-v2/db-backups-of-2024-02-29",
        "/live_streams/test_live_broadcasts",
        "/s.example/as-of-2024/ak-47",
        "/ATBBQ/LTAIR/cioffi",
        "/secret-gardens-of-the-world-2024",
        "/sdk-release-notes/api-reference-2024-01",
        "/2/1234567890/comments",
        "/wheel/my_pkg_test_data-1.0-py3-none-any.whl",
    ],
)
def test_words_that_begin_alike_stay(text: str) -> None:
    assert redact.target(text) == text
    assert redact.line(text) == text
