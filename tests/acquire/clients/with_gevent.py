"""gevent: http.client in eight greenlets at a time."""

from gevent import monkey  # type: ignore[import-untyped]

monkey.patch_all()

import http.client  # noqa: E402
import ssl  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402


def fetch() -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(sys.argv[2])
    connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
    connection.request("GET", "/")
    return connection.getresponse().status


for greenlet in gevent.joinall([gevent.spawn(fetch) for _ in range(8)], raise_error=True):
    print(greenlet.value)
