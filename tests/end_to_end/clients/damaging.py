"""Three requests through a relay that damages one record of the client's: PORT AUTHORITY RECORD.

RECORD counts the client's writes that begin with a record of application data, from 1.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import sys
import threading

HOST = "127.0.0.1"
_LONGEST = 60
_APPLICATION_DATA = b"\x17"


def _pump(source: socket.socket, target: socket.socket, damaged: int) -> None:
    seen = 0
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            seen += data[:1] == _APPLICATION_DATA
            if seen == damaged:
                data, damaged = data[:-3] + bytes((data[-3] ^ 1,)) + data[-2:], 0
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _relay(listener: socket.socket, port: int, damaged: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection((HOST, port), _LONGEST)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for arguments in ((near, far, damaged), (far, near, -1)):
                threading.Thread(target=_pump, args=arguments, daemon=True).start()


def main() -> None:
    """See the module."""
    port, authority, record = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_relay, args=(listener, port, record), daemon=True).start()
        context = ssl.create_default_context(cafile=authority)
        connection = http.client.HTTPSConnection(
            HOST, listener.getsockname()[1], context=context, timeout=_LONGEST
        )
        for number in range(3):
            try:
                connection.request("GET", f"/{number}")
                print(number, connection.getresponse().read())
            except (OSError, http.client.HTTPException) as error:
                print(number, repr(error), file=sys.stderr)
                connection.close()


if __name__ == "__main__":
    main()
