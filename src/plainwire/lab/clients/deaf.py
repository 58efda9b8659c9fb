"""A home-made HTTP client that never looks at ``Connection: close`` and goes on using the connection."""

import http.client
import socket
import ssl
import sys

host, port, authority, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = None
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    try:
        if connection is None:
            plain = socket.create_connection((host, int(port)), timeout=10)
            connection = context.wrap_socket(plain, server_hostname=host)
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        failed += 1
        print(f"GET {target}: {type(error).__name__}: {error}")
        if connection is not None:
            connection.close()
        connection = None
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
