"""Upload objects, each body only after the server's 100 (Continue), or after a second of waiting for it.

HOST PORT AUTHORITY COUNT SIZE
"""

import http.client
import select
import socket
import ssl
import sys

host, port, authority, count, size = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
plain = socket.create_connection((host, int(port)), timeout=10)
connection = context.wrap_socket(plain, server_hostname=host)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    head = f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head.encode())
    select.select([connection], [], [], 1.0)
    connection.sendall(b"x" * int(size))
    response = http.client.HTTPResponse(connection, method="PUT")
    response.begin()
    response.read()
    if response.status != http.HTTPStatus.OK:
        failed += 1
        print(f"PUT {target}: {response.status} {response.reason}")
connection.close()
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
