"""Puts objects into a container of Swift and gets each one: LIBRARY URL AUTHORITY COUNT."""

import http.client
import ssl
import sys
import urllib.parse

import swiftclient

library, base, authority, count = sys.argv[1:]
names = [f"object-{number}" for number in range(1, int(count) + 1)]


def with_swiftclient() -> int:
    """All through python-swiftclient, which repeats what failed."""
    storage = swiftclient.Connection(
        preauthurl=f"{base}/v1/AUTH_story", preauthtoken="token", cacert=authority
    )
    storage.put_container("swiftclient")
    for name in names:
        storage.put_object("swiftclient", name, name.encode())
        _, body = storage.get_object("swiftclient", name)
        assert body == name.encode()
    return 0


def with_http_client() -> int:
    """All over one persistent connection, as long as it lasts; what fails is told."""
    place = urllib.parse.urlsplit(base)
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(str(place.hostname), place.port, context=context, timeout=30)
    failed = 0
    for method, name in [("PUT", ""), *((method, name) for name in names for method in ("PUT", "GET"))]:
        target = f"/v1/AUTH_story/plain/{name}".rstrip("/")
        try:
            connection.request(method, target, body=b"data" if method == "PUT" else None)
            connection.getresponse().read()
        except (http.client.HTTPException, OSError) as error:
            failed += 1
            connection.close()
            print(f"{method} {target}: {type(error).__name__}: {error}", file=sys.stderr)
    return 1 if failed else 0


sys.exit(with_swiftclient() if library == "swiftclient" else with_http_client())
