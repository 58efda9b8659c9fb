"""Fetch objects with a small buffer, and read nothing of every third for some time.

HOST PORT AUTHORITY COUNT PAUSE
"""

import http.client
import socket
import ssl
import sys
import time

host, port, authority, count, pause = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    plain.settimeout(20)
    plain.connect((host, int(port)))
    with context.wrap_socket(plain, server_hostname=host) as connection:
        try:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            if number % 3 == 0:
                time.sleep(float(pause))
            response.read()
        except (OSError, http.client.HTTPException) as error:
            failed += 1
            print(f"GET {target}: {type(error).__name__}: {error}")
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
