"""A home-made HTTP client that sends two requests at a time on one connection, and then reads two responses.

HOST PORT AUTHORITY COUNT
"""

import http.client
import socket
import ssl
import sys

host, port, authority, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = None
failed = 0
for first in range(1, int(count) + 1, 2):
    targets = [f"/container/object-{number}" for number in (first, first + 1)]
    if connection is None:
        plain = socket.create_connection((host, int(port)), timeout=10)
        connection = context.wrap_socket(plain, server_hostname=host)
    connection.sendall("".join(f"GET {each} HTTP/1.1\r\nHost: {host}\r\n\r\n" for each in targets).encode())
    lines = connection.makefile("rb")
    for target in targets:
        try:
            if not lines.readline():
                message = "the connection ended without a response"
                raise http.client.RemoteDisconnected(message)
            lines.read(int(http.client.parse_headers(lines)["Content-Length"]))
        except (OSError, http.client.HTTPException) as error:
            failed += 1
            print(f"GET {target}: {type(error).__name__}: {error}")
            connection.close()
            connection = None
            break
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
