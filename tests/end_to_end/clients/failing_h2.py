"""An HTTPS server that speaks HTTP/2 only and ends streams as the target says: DESCRIPTOR CHAIN KEY."""

import contextlib
import socket
import ssl
import sys
import threading
import time

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes

OK = [(":status", "200"), ("content-type", "text/plain")]
CODES = {
    "/refused": ErrorCodes.REFUSED_STREAM,
    "/failed": ErrorCodes.INTERNAL_ERROR,
    "/accused": ErrorCodes.PROTOCOL_ERROR,
}


def answer(http: h2.connection.H2Connection, stream: int, target: str) -> bool:
    """Do what the target says; whether the connection is over then."""
    if target in CODES:
        http.reset_stream(stream, CODES[target])
    elif target == "/half":
        http.send_headers(stream, OK)
        http.send_data(stream, b"half of it")
        http.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    elif target == "/left-out" and stream > 1:
        http.close_connection(last_stream_id=stream - 2)
    elif target == "/promised":
        http.close_connection(last_stream_id=stream)
    elif target == "/angry":
        http.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings", stream)
    elif target == "/trailers":
        http.send_headers(stream, OK)
        http.send_data(stream, b"whole")
        http.send_headers(stream, [("x-checksum", "1")], end_stream=True)
    elif target != "/gone":
        http.send_headers(stream, OK)
        http.send_data(stream, b"whole", end_stream=True)
    return target in {"/promised", "/angry", "/gone"} or (target == "/left-out" and stream > 1)


def serve(plain: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
        http = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        http.initiate_connection()
        tls.sendall(http.data_to_send())
        over = False
        while not over and (data := tls.recv(65536)):
            for event in http.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    fields = {str(name): str(value) for name, value in event.headers or ()}
                    over = answer(http, event.stream_id or 0, fields[":path"]) or over
            tls.sendall(http.data_to_send())
        if over:
            time.sleep(0.2)  # the client reads first what was said
            tls.unwrap()


def main() -> None:
    descriptor, chain, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["h2"])
    with socket.socket(fileno=int(descriptor)) as listener:
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=serve, args=(plain, context), daemon=True).start()


main()
