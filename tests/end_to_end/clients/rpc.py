"""Both ends of gRPC, by grpcio, with bytes for messages; the client says in JSON what came of each call.

``serve PORT-FILE``: opens a port of its own and writes its number into the file.
``talk TARGET [AUTHORITY]``: TLS where there is an authority. ``leave TARGET``: takes one of many
answers. ``large TARGET``: asks for more than a client takes. ``fail TARGET``: calls that fail: an
exception in the handler, a message above the limit, a deadline.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT, MESSAGE = 5, b"x" * 1_000
LIMIT = 100_000
LARGE = 5_000_000
REFUSAL = "no such thing: 100% \N{SNOWMAN}"


def _echo(request: bytes, _: grpc.ServicerContext) -> bytes:
    return request


def _refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.NOT_FOUND, REFUSAL)
    return b""


def _count(request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
    for _number in range(COUNT):
        yield request


def _collect(requests: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    return b"%d" % sum(len(request) for request in requests)


def _linger(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    over = threading.Event()
    context.add_callback(over.set)
    yield request
    over.wait(60)


def _large(request: bytes, _: grpc.ServicerContext) -> bytes:
    return bytes(len(request) + LARGE)


def _raise(request: bytes, _: grpc.ServicerContext) -> bytes:
    message = "the handler is broken"
    raise RuntimeError(message, len(request))


def _serve(port_file: Path) -> None:
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", LIMIT)])
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(_echo),
        "Refuse": grpc.unary_unary_rpc_method_handler(_refuse),
        "Large": grpc.unary_unary_rpc_method_handler(_large),
        "Raise": grpc.unary_unary_rpc_method_handler(_raise),
        "Linger": grpc.unary_stream_rpc_method_handler(_linger),
        "Count": grpc.unary_stream_rpc_method_handler(_count),
        "Collect": grpc.stream_unary_rpc_method_handler(_collect),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Things", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    written = port_file.with_suffix(".new")
    written.write_text(str(port), encoding="ascii")
    written.rename(port_file)
    server.wait_for_termination()


def _talk(target: str, authority: Path | None) -> None:
    if authority is None:
        channel = grpc.insecure_channel(target)
    else:
        credentials = grpc.ssl_channel_credentials(authority.read_bytes())
        channel = grpc.secure_channel(target, credentials)
    said: list[dict[str, object]] = []
    with channel:
        grpc.channel_ready_future(channel).result(60)
        echo: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Things/Echo")
        _say(said, "/test.Things/Echo", [len(echo(MESSAGE, timeout=60))])
        try:
            refuse: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Things/Refuse")
            refuse(b"", timeout=60)
        except grpc.RpcError as error:
            code, details = getattr(error, "code")(), getattr(error, "details")()  # noqa: B009 - of a Call
            _say(said, "/test.Things/Refuse", [], code.value[0], details)
        count: grpc.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/test.Things/Count")
        _say(said, "/test.Things/Count", [len(answer) for answer in count(MESSAGE, timeout=60)])
        collect: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary("/test.Things/Collect")
        _say(said, "/test.Things/Collect", [int(collect(iter([MESSAGE] * COUNT), timeout=60))])
    print(json.dumps(said))


def _fail(target: str) -> None:
    said: list[dict[str, object]] = []
    with grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(60)
        for name, request, timeout in (
            ("Raise", b"", 60),
            ("Echo", bytes(3 * LIMIT), 60),
            ("Linger", b"", 1),
        ):
            try:
                if name == "Linger":
                    many: grpc.UnaryStreamMultiCallable[bytes, bytes]
                    many = channel.unary_stream(f"/test.Things/{name}")
                    list(many(request, timeout=timeout))
                else:
                    one: grpc.UnaryUnaryMultiCallable[bytes, bytes]
                    one = channel.unary_unary(f"/test.Things/{name}")
                    one(request, timeout=timeout)
            except grpc.RpcError as error:
                code, details = getattr(error, "code")(), getattr(error, "details")()  # noqa: B009 - of a Call
                _say(said, f"/test.Things/{name}", [], code.value[0], details)
    print(json.dumps(said))


def _refuse_large(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        large: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Things/Large")
        try:
            large(b"", timeout=60)
        except grpc.RpcError as error:
            print(getattr(error, "code")().name)  # noqa: B009 - of a Call


def _leave(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        linger: grpc.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/test.Things/Linger")
        call = linger(MESSAGE, timeout=60)
        print(len(next(call)))
        call.cancel()


def _say(
    said: list[dict[str, object]], method: str, got: list[int], status: int = 0, message: str = ""
) -> None:
    said.append({"method": method, "status": status, "message": message, "got": got})


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(Path(sys.argv[2]))
    elif sys.argv[1] == "fail":
        _fail(sys.argv[2])
    elif sys.argv[1] == "large":
        _refuse_large(sys.argv[2])
    elif sys.argv[1] == "leave":
        _leave(sys.argv[2])
    else:
        _talk(sys.argv[2], Path(sys.argv[3]) if len(sys.argv) > 3 else None)
