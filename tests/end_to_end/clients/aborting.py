"""A request whose answer stays unread, so that the close is a reset; a refused connect: HOST PORT REFUSED."""

import select
import socket
import sys

host, port, refused = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with socket.create_connection((host, port), timeout=60) as connection:
    connection.sendall(b"GET /half-close HTTP/1.1\r\nHost: a\r\n\r\n")
    select.select([connection], [], [], 60)
try:
    socket.create_connection((host, refused), timeout=60)
except OSError as error:
    print(f"failed: {error}", file=sys.stderr)
