"""``planted.py PORT AUTHORITY WHAT``: requests with one property, WHAT, that another run has not."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import sys


def main(port: int, authority: str, what: str) -> None:
    """Ask, and mind no failure."""
    context = ssl.create_default_context(cafile=authority)
    name: str | None = "localhost"
    if what == "hello":
        context.set_alpn_protocols([f"protocol-{number:03}-{'x' * 40}" for number in range(40)])
    if what == "alpn":
        context.set_alpn_protocols(["h2", "http/1.1"])
    if what == "sni":
        context.check_hostname, name = False, None
    headers = {} if what == "fields" else {"X-Needed": "yes"}
    with contextlib.suppress(OSError, http.client.HTTPException):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        client.connect()
        assert client.sock is not None
        client.sock = context.wrap_socket(client.sock, server_hostname=name)
        for _ in range(2 if what == "reuse" else 1):
            client.request("GET", "/object", headers={"Host": "localhost", **headers})
            client.getresponse().read()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
