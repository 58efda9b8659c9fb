"""A home-made HTTP client that writes a blank into the name of a header field, in every fourth request.

HOST PORT AUTHORITY COUNT
"""

import http.client
import socket
import ssl
import sys

host, port, authority, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    name = "Request-Id" if number % 4 else "Request Id"
    fields = f"Host: {host}\r\nConnection: close\r\n{name}: {number}\r\n"
    plain = socket.create_connection((host, int(port)), timeout=10)
    with context.wrap_socket(plain, server_hostname=host) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\n{fields}\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()
    if response.status != http.HTTPStatus.OK:
        failed += 1
        print(f"GET {target}: {response.status} {response.reason}")
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
