"""Proxies that an environment names."""

from __future__ import annotations

import pytest

from plainwire.acquire.proxies import named


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://proxy.example:3128", "proxy.example:3128"),
        ("http://user:secret@proxy.example:3128/", "proxy.example:3128"),
        ("proxy.example:8080", "proxy.example:8080"),
        ("socks5h://192.0.2.1", "192.0.2.1:1080"),
        ("https://[2001:db8::1]:3129", "2001:db8::1:3129"),
    ],
)
def test_host_and_port_without_credentials(text: str, place: str) -> None:
    assert named({"HTTPS_PROXY": text}) == {"HTTPS_PROXY": place}


@pytest.mark.parametrize("text", ["", "http://", "http://a:notaport", "//"])
def test_what_is_no_url_of_a_host_is_left_out(text: str) -> None:
    assert named({"https_proxy": text, "NO_PROXY": "a", "PATH": "/bin"}) == {}
