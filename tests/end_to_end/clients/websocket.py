"""Both ends of a WebSocket, by the ``websockets`` library; each says in one line of JSON what it got.

``serve DESCRIPTOR [CERTIFICATES]``: echoes; at ``bye`` it closes with 4001.
``listen URL AUTHORITY COUNT``: so many in a row, a word to each; prints how each ended.
``talk URL AUTHORITY WHO-CLOSES``: two texts, binary, a ping; WHO-CLOSES is ``server`` or ``client``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

MESSAGES: list[str | bytes] = ["a line of text\n" * 300, "short", bytes(range(256)) * 20]
CODES = {"server": 4001, "client": 4002}


def _echo(connection: ServerConnection) -> None:
    got = []
    try:
        for message in connection:
            got.append(len(message))
            if message == "bye":
                connection.close(CODES["server"], "as you wish")
                break
            connection.send(message)
    except ConnectionClosed:
        pass
    report = {"got": got, "sent_code": _sent(connection), "got_code": connection.close_code}
    print(json.dumps(report), flush=True)


def _sent(connection: object) -> int | None:
    close = getattr(connection, "protocol").close_sent  # noqa: B009 - of either end
    return None if close is None else int(close.code)


def _talk(url: str, authority: str, who_closes: str) -> None:
    context = ssl.create_default_context(cafile=authority) if url.startswith("wss") else None
    with connect(url, ssl=context, proxy=None) as connection:
        for message in MESSAGES:
            connection.send(message)
            if connection.recv() != message:
                sys.exit("another answer")
        connection.ping().wait(30)
        if who_closes == "server":
            connection.send("bye")
            with contextlib.suppress(ConnectionClosed):
                connection.recv()
        else:
            connection.close(CODES["client"])
    print(json.dumps({"sent_code": _sent(connection), "got_code": connection.close_code}))


def _listen(url: str, authority: str, count: str) -> None:
    context = ssl.create_default_context(cafile=authority)
    for _ in range(int(count)):
        with connect(url, ssl=context, proxy=None, ping_interval=None) as connection:
            connection.send("hello")
            try:
                while True:
                    connection.recv()
            except ConnectionClosed:
                print(connection.close_code)


def main() -> None:
    """See the module."""
    if sys.argv[1] == "talk":
        _talk(*sys.argv[2:5])
        return
    if sys.argv[1] == "listen":
        _listen(*sys.argv[2:5])
        return
    context = None
    if len(sys.argv) > 3:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[3])
    with serve(_echo, sock=socket.socket(fileno=int(sys.argv[2])), ssl=context) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
