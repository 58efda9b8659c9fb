"""What the client programs are to do: their arguments after host, port and authority."""

from __future__ import annotations


def serial(
    count: int, *pauses: float, timeout: float = 10, method: str = "GET", size: int = 0
) -> tuple[str, ...]:
    """One request after another. ``size``: bytes of the request's body; ``pauses`` go round."""
    return ("serial.py", str(count), str(timeout), method, str(size), *map(str, pauses or (0,)))


def parallel(loops: int, count: int, *pauses: float, timeout: float = 10) -> tuple[str, ...]:
    """Several such loops at the same time."""
    return ("parallel.py", str(loops), str(count), str(timeout), *map(str, pauses or (0,)))


def retrying(count: int, method: str = "GET") -> tuple[str, ...]:
    """One request after another in a library that hides failures."""
    return ("retrying.py", str(count), method)


def bearer(count: int, pause: float = 0.02) -> tuple[str, ...]:
    """One request after another with credentials, by a client that follows redirects."""
    return ("bearer.py", str(count), str(pause))


def streams(count: int, together: int = 1, pause: float = 0.05, timeout: float = 10) -> tuple[str, ...]:
    """Requests in HTTP/2, ``together`` at a time."""
    return ("http2_client.py", str(count), str(timeout), str(together), str(pause))


def datagrams(
    count: int, pause: float = 0.05, timeout: float = 10, *, forgetful: bool = False
) -> tuple[str, ...]:
    """Requests in HTTP/3, one after another."""
    return ("http3_client.py", str(count), str(timeout), "yes" if forgetful else "no", str(pause))


def forking(rounds: int, timeout: float = 10) -> tuple[str, ...]:
    """A request, a fork, and a request of each process on the same connection; then the same again."""
    return ("forking.py", str(rounds), str(timeout))


def calls(count: int, deadline: int = 600, pings: int = 0) -> tuple[str, ...]:
    """Calls of gRPC, one after another; ``deadline`` in ms, ``pings`` ahead of each."""
    return ("grpc_client.py", str(count), str(deadline), str(pings))


def sockets(count: int, library: str, busy: float = 0) -> tuple[str, ...]:
    """WebSockets, one after another; the client computes for ``busy`` seconds in each."""
    return ("websocket_client.py", str(count), library, str(busy))
