"""Proxies that an environment or a command names."""

from __future__ import annotations

import pytest

from plainwire.acquire.proxies import in_command, named


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


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["curl", "-x", "u:p@proxy.example:3128", "https://a.test"], {"-x": "proxy.example:3128"}),
        (["/usr/bin/curl", "-xproxy.example:3128"], {"-x": "proxy.example:3128"}),
        (["curl", "--socks5-hostname", "192.0.2.1:9050"], {"--socks5-hostname": "192.0.2.1:9050"}),
        (["sh", "-c", "sleep 1; curl --proxy http://p:8080 $URL"], {"--proxy": "p:8080"}),
        (["wget", "-e", "https_proxy=http://p:8080/"], {"https_proxy": "p:8080"}),
        (["git", "-c", "http.proxy=socks5://p", "fetch"], {"http.proxy": "p:1080"}),
        (["npm", "--https-proxy=http://p:8080", "ci"], {"--https-proxy": "p:8080"}),
        (["java", "-Dhttps.proxyHost=p", "-Dhttps.proxyPort=3128", "T"], {"-Dhttps.proxyHost": "p:3128"}),
        (["java", "-DsocksProxyHost=p", "T"], {"-DsocksProxyHost": "p:1080"}),
        (["sh", "-x", "proxy.sh", "it's 1"], {}),
        (["curl", "https://a.test/?proxy=1", "--proxy", "$P:x"], {}),
    ],
)
def test_what_a_command_names(command: list[str], found: dict[str, str]) -> None:
    assert in_command(command) == found
