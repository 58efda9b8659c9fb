"""What looks like a secret by itself."""

from __future__ import annotations

import random
import string

import pytest

from plainwire.report.redact.shapes import HIDDEN, is_random, unnamed


@pytest.mark.parametrize(
    "alphabet",
    [string.ascii_letters + string.digits, string.ascii_lowercase + string.digits, "0123456789abcdef"],
)
def test_what_chance_has_made_is_told(alphabet: str) -> None:
    dice = random.Random(1)
    runs = ["".join(dice.choice(alphabet) for _ in range(40)) for _ in range(2000)]
    assert sum(map(is_random, runs)) > 0.98 * len(runs)


@pytest.mark.parametrize(
    "run",
    [
        "GetSpecificPortMappingEntryByDescription2",
        "org-apache-kafka-connect-runtime-distributed-v2",
        "2024-02-29-12-34-56-report-of-the-quarter-final",
        "0d2b91d9-ae51-45bb-9d6a-8cb6c09dbb98_0d2b91d9-ae51-45bb-9d6a-8cb6c09dbb98",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "1234567890123456789012345678901234567890",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "AllWorkAndNoPlayMakesJackADullBoyOrAGirl",
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "AAABAAABAAAAAAABA3d3dwdnc3RhdGljA2NvbQAAAQABAAApEAAAAAAAAFQADABQ",
        "VGhpcyBpcyBub3RoaW5nIGJ1dCBhIHNlbnRlbmNlIGluIGJhc2U2NA",
    ],
)
def test_what_people_and_programs_write_for_its_meaning_is_not(run: str) -> None:
    assert not is_random(run)


def test_a_password_in_base64_is_told() -> None:
    assert is_random("bG9uZy51c2VyLm5hbWU6YS1sb25nLXBhc3N3b3Jk")  # long.user.name:a-long-password


def test_a_private_key_is_hidden_whole() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
    assert unnamed(f"it is {key} then") == f"it is {HIDDEN} then"
