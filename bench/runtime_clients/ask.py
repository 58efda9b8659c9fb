"""Python's clients, and libraries with a TLS of their own: one request, or what they are told.

ask.py LIBRARY PORT CERTIFICATE [told | PATH...]

Told, it does as ``tests/acquire/clients/driven.py``: ``new`` makes a connection and asks, ``again`` asks on
it once more; it prints the answer's status each time. PATHs are of libraries, for ``libssl``.
"""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import io
import os
import socket
import ssl
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Ask = Callable[[], object]

LIBRARY, PORT, CERTIFICATE, *MORE = sys.argv[1:]
URL = f"https://localhost:{PORT}/"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _status(read: Callable[[int], bytes]) -> int:
    answer = b""
    while not answer.endswith(b"hello\n"):
        piece = read(4096)
        if not piece:
            break
        answer += piece
    return int(answer.split()[1])


def of_urllib() -> Ask:
    context = ssl.create_default_context(cafile=CERTIFICATE)
    return lambda: urllib.request.urlopen(URL, context=context).status


def http_client() -> Ask:
    connection = http.client.HTTPSConnection("localhost", int(PORT), context=_unverified())

    def ask() -> int:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    return ask


def memory_bio() -> Ask:
    """As frameworks do that read and write themselves."""
    plain = socket.create_connection(("localhost", int(PORT)))
    arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _unverified().wrap_bio(arrived, leaving)

    def does(step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                plain.sendall(leaving.read())
                arrived.write(plain.recv(16384))
            finally:
                plain.sendall(leaving.read())

    does(tls.do_handshake)

    def ask() -> int:
        does(lambda: tls.write(REQUEST))
        return _status(lambda size: does(lambda: tls.read(size)))

    return ask


def requests(verify: str | bool = CERTIFICATE) -> Ask:
    import requests  # noqa: PLC0415

    session = requests.Session()
    return lambda: session.get(URL, verify=verify).status_code


def requests_unverified() -> Ask:
    return requests(verify=False)


def niquests() -> Ask:
    import niquests  # noqa: PLC0415

    session = niquests.Session()
    return lambda: session.get(URL, verify=CERTIFICATE).status_code


def httpx() -> Ask:
    import httpx  # noqa: PLC0415

    client = httpx.Client(verify=False)
    return lambda: client.get(URL).status_code


def boto3() -> Ask:
    import boto3  # noqa: PLC0415

    client = boto3.client(
        "s3",
        endpoint_url=URL,
        verify=CERTIFICATE,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )

    def ask() -> int:
        answer = client.get_object(Bucket="bucket", Key="key")
        answer["Body"].read()
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    return ask


def swiftclient() -> Ask:
    from swiftclient import client  # noqa: PLC0415

    _, connection = client.http_connection(URL, cacert=CERTIFICATE)

    def ask() -> int:
        connection.request("GET", "/v1/account")
        answer = connection.getresponse()
        answer.read()
        return int(answer.status)

    return ask


def pycurl() -> Ask:
    import pycurl  # noqa: PLC0415

    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, URL)
    handle.setopt(pycurl.CAINFO, CERTIFICATE)

    def ask() -> int:
        handle.setopt(pycurl.WRITEDATA, io.BytesIO())
        handle.perform()
        return int(handle.getinfo(pycurl.RESPONSE_CODE))

    return ask


def mbedtls() -> Ask:
    from mbedtls import tls  # noqa: PLC0415

    plain = socket.create_connection(("127.0.0.1", int(PORT)))
    context = tls.ClientContext(tls.TLSConfiguration(validate_certificates=False))
    connection = context.wrap_socket(plain, server_hostname="localhost")
    connection.do_handshake()

    def ask() -> int:
        connection.send(REQUEST)
        return _status(connection.recv)

    return ask


def pyopenssl() -> Ask:
    from OpenSSL import SSL  # noqa: PLC0415

    connection = SSL.Connection(
        SSL.Context(SSL.TLS_METHOD), socket.create_connection(("127.0.0.1", int(PORT)))
    )
    connection.set_connect_state()

    def ask() -> int:
        connection.sendall(REQUEST)
        return _status(connection.recv)

    return ask


def gevent() -> Ask:
    from gevent import monkey  # noqa: PLC0415

    monkey.patch_all()
    return http_client()


_loop = asyncio.new_event_loop()


def _in_loop(step: Coroutine[Any, Any, Any]) -> Any:
    return _loop.run_until_complete(step)


def aiohttp() -> Ask:
    import aiohttp  # noqa: PLC0415

    async def made() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    session = _in_loop(made())

    async def get() -> int:
        async with session.get(URL, ssl=_unverified() if not kept else kept[0]) as answer:
            await answer.read()
            return answer.status

    kept = [_unverified()]
    return lambda: _in_loop(get())


def curl_cffi() -> Ask:
    from curl_cffi import requests  # noqa: PLC0415

    session: Any = requests.Session(verify=False)
    return lambda: session.get(URL).status_code


def rnet() -> Ask:
    import rnet  # noqa: PLC0415

    client = rnet.Client(verify=False)

    async def get() -> str:
        answer = await client.get(URL)
        await answer.text()
        return str(answer.status)

    return lambda: _in_loop(get())


def httpr() -> Ask:
    import httpr  # noqa: PLC0415

    client = httpr.Client(verify=False)
    return lambda: client.get(URL).status_code


def primp() -> Ask:
    import primp  # noqa: PLC0415

    client = primp.Client(verify=False)
    return lambda: client.get(URL).status_code


def awscrt() -> Ask:
    from awscrt import http, io  # noqa: PLC0415

    options = io.TlsContextOptions()
    options.verify_peer = False
    tls = io.ClientTlsContext(options).new_connection_options()
    tls.set_server_name("localhost")
    bootstrap = io.ClientBootstrap(io.EventLoopGroup(1), io.DefaultHostResolver(io.EventLoopGroup(1)))
    connection = http.HttpClientConnection.new(
        "localhost", int(PORT), bootstrap, tls_connection_options=tls
    ).result(30)

    def ask() -> int:
        request = http.HttpRequest("GET", "/", http.HttpHeaders([("Host", "localhost")]))
        stream = connection.request(request)
        stream.activate()
        return int(stream.completion_future.result(30))

    return ask


def grpc() -> Ask:
    import grpc  # noqa: PLC0415

    trusted = grpc.ssl_channel_credentials(Path(CERTIFICATE).read_bytes())
    alone = [("grpc.use_local_subchannel_pool", 1)]
    channel = grpc.secure_channel(f"localhost:{PORT}", trusted, options=alone)
    call = channel.unary_unary("/Echo/Say")
    return lambda: {b"hello": 200}[call(b"hello", timeout=30)]


def aioquic() -> Ask:
    from aioquic.asyncio.client import connect  # noqa: PLC0415
    from aioquic.asyncio.protocol import QuicConnectionProtocol  # noqa: PLC0415
    from aioquic.h3.connection import H3_ALPN, H3Connection  # noqa: PLC0415
    from aioquic.h3.events import DataReceived, HeadersReceived  # noqa: PLC0415
    from aioquic.quic.configuration import QuicConfiguration  # noqa: PLC0415

    class Client(QuicConnectionProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.http = H3Connection(self._quic)
            self.status, self.done = 0, asyncio.Event()

        def quic_event_received(self, event: Any) -> None:
            for each in self.http.handle_event(event):
                if isinstance(each, HeadersReceived):
                    self.status = int(dict(each.headers)[b":status"])
                if isinstance(each, (DataReceived, HeadersReceived)) and each.stream_ended:
                    self.done.set()

        async def get(self) -> int:
            stream = self._quic.get_next_available_stream_id()
            self.done.clear()
            asked = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/"}
            headers = [(key.encode(), value.encode()) for key, value in asked.items()]
            self.http.send_headers(stream, headers, end_stream=True)
            self.transmit()
            await asyncio.wait_for(self.done.wait(), 30)
            return self.status

    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
    opened = connect("127.0.0.1", int(PORT), configuration=configuration, create_protocol=Client)
    protocol = _in_loop(opened.__aenter__())
    still_open.append(opened)
    return lambda: _in_loop(protocol.get())


still_open: list[Any] = []


def qh3() -> Ask:
    import niquests  # noqa: PLC0415

    session = niquests.Session(
        quic_cache_layer={("localhost", int(PORT)): ("localhost", int(PORT))}, disable_http2=True
    )
    return lambda: session.get(URL, verify=CERTIFICATE).status_code


def libssl() -> Ask:
    """Libraries of OpenSSL at PATHs, all at once, one connection each: bound as ctypes does."""
    sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "acquire" / "clients"))
    from openssl_by_ctypes import connected  # noqa: PLC0415 - of the tests' clients

    def connect(path: str) -> Callable[[], bytes]:
        plain = socket.create_connection(("127.0.0.1", int(PORT)))
        still_open.append(plain)
        lib, _, session = connected(path, plain)
        buffer = ctypes.create_string_buffer(4096)

        def read(_: int) -> bytes:
            count = lib.SSL_read(session, buffer, len(buffer))
            return buffer.raw[: max(count, 0)]

        def ask() -> int:
            assert lib.SSL_write(session, REQUEST, len(REQUEST)) == len(REQUEST)
            return _status(read)

        return ask

    asked = [connect(path) if path != "python" else http_client() for path in PATHS]

    def ask_all() -> object:
        return {each() for each in asked}.pop()

    return ask_all


PATHS = [each for each in MORE if each != "told"]


def main() -> None:
    connect: Callable[[], Callable[[], object]] = globals()[LIBRARY]
    if "told" not in MORE:
        print(connect()(), flush=True)
        return
    ask = connect()  # what is imported is there when it is attached to
    print("ready", flush=True)
    for word in sys.stdin:
        if word == "new\n":
            ask = connect()
        print(ask(), flush=True)


main()
sys.stdout.flush()
threading.Event().wait(0.05)
os._exit(0)  # some libraries' threads and the interpreter's end do not get on with each other
