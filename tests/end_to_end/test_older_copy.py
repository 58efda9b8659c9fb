"""One thing behind two entrances, of which one has a cache: haproxy's, in front of nginx."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tests.end_to_end import wires
from tests.end_to_end.recorded import record
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

HAPROXY = """
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
cache copies
    total-max-size 4
    max-age 600
frontend cached
    bind fd@{cached} ssl crt {pem}
    http-request cache-use copies
    http-response cache-store copies
    default_backend origin
frontend direct
    bind fd@{direct} ssl crt {pem}
    default_backend origin
backend origin
    server nginx 127.0.0.1:{origin}
"""


def test_older_copy_from_a_cache_after_a_newer_one_from_the_origin(tmp_path: Path) -> None:
    program, page = tool("haproxy"), tmp_path / "nginx" / "page"
    location = f"location / {{ root {page.parent}; add_header Cache-Control max-age=600; }}"
    with wires.nginx(tmp_path / "nginx", f"server {{ listen {{0}}; {location} }}") as nginx:
        page.write_text("first\n")
        cached, direct = wires.listening(), wires.listening()
        ports = cached.getsockname()[1], direct.getsockname()[1]
        pem = nginx.papers.bundle
        configuration = tmp_path / "haproxy.cfg"
        configuration.write_text(
            HAPROXY.format(cached=cached.fileno(), direct=direct.fileno(), pem=pem, origin=nginx.ports[0])
        )
        url = f"https://{wires.HOST}/page"
        asks = [
            shlex.join((
                tool("curl"), "-sS", "--cacert", str(nginx.papers.authority),
                "--connect-to", f"{wires.HOST}:443:{wires.HOST}:{port}", url,
            ))
            for port in ports
        ]  # fmt: skip
        steps = (asks[0], "sleep 2.5", f"echo second > {page}", asks[1], asks[0])
        with wires.started([program, "-db", "-f", configuration], tmp_path / "output", [cached, direct]):
            recorded = record(tmp_path, "/bin/sh", "-c", "; ".join(steps))
    assert recorded.stdout.split() == ["first", "second", "first"]
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["failure"]) == ("stale-or-poisoned-cache", False)
    (number,) = finding["exchanges"]
    answers = [e["id"] for e in recorded.report["exchanges"] if e["request"]["target"] == "/page"]
    assert number == answers[-1]
