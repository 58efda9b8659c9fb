"""Call a gRPC service again and again on one connection, over Python's own TLS.

HOST PORT AUTHORITY COUNT DEADLINE PINGS: DEADLINE in milliseconds; PINGS ahead of each call, 20 ms apart.
"""

import socket
import ssl
import sys
import time

from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

host, port, authority, count, deadline, pings = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.set_alpn_protocols(["h2"])
ENDS = (StreamEnded, StreamReset, ConnectionTerminated)


class GrpcChannel:
    """One connection, and calls on it one after another."""

    def __init__(self) -> None:
        plain = socket.create_connection((host, int(port)), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(plain, server_hostname=host)
        self.http = H2Connection()
        self.http.initiate_connection()
        self.send()

    def send(self) -> None:
        """What the library has to say."""
        self.tls.sendall(self.http.data_to_send())

    def call(self, target: str) -> str:
        """Make a call; its grpc-status, or what went wrong."""
        for _ in range(int(pings)):
            self.http.ping(b"lab ping")
            self.send()
            time.sleep(0.02)
        stream = self.http.get_next_available_stream_id()
        fields = [(":method", "POST"), (":scheme", "https"), (":authority", host), (":path", target)]
        fields += [("te", "trailers"), ("content-type", "application/grpc"), ("grpc-timeout", f"{deadline}m")]
        self.http.send_headers(stream, fields)
        self.http.send_data(stream, b"\0\0\0\0\x05hello", end_stream=True)
        self.send()
        return self.listen(stream)

    def listen(self, stream: int) -> str:
        """Read to the end of the stream."""
        status, message = "no status", b""
        while True:
            data = self.tls.recv(65536)
            if not data:
                return "the connection ended"
            over = False
            for event in self.http.receive_data(data):
                if isinstance(event, (ResponseReceived, TrailersReceived)) and event.stream_id == stream:
                    said = dict(event.headers or ()).get(b"grpc-status")
                    status = status if said is None else said.decode()
                if isinstance(event, DataReceived) and event.stream_id == stream:
                    message += event.data or b""
                over = over or isinstance(event, ENDS)
            self.send()
            if over:
                cut = status == "0" and len(message) - 5 != int.from_bytes(message[1:5], "big")
                return "13 INTERNAL: the message is cut" if cut else status


channel: GrpcChannel | None = None
failed = 0
for number in range(1, int(count) + 1):
    name = f"/shop.Orders/Get{number}"
    try:
        channel = channel or GrpcChannel()
        outcome = channel.call(name)
    except (OSError, KeyError) as error:
        outcome = f"{type(error).__name__}: {error}"
    if outcome != "0":
        failed += 1
        print(f"POST {name}: {outcome}")
    if channel is not None and channel.http.state_machine.state.name == "CLOSED":
        channel = None  # the next call opens another one
    time.sleep(0.05)
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
