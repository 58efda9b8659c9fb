"""One failed exchange with the signs that a client and a server give of themselves."""

from __future__ import annotations

from plainwire.model import (
    Bounds,
    CloseEvent,
    Connection,
    Coverage,
    DangerBand,
    Endpoint,
    Exchange,
    Finding,
    Need,
    Process,
    ProgramConnection,
    Quoted,
    Report,
    Request,
    Response,
    Saying,
    ServerFacts,
    Side,
    Testimony,
    TlsInfo,
)

MS, SECOND = 1_000_000, 1_000_000_000
SERVER = Endpoint("203.0.113.7", 443)


def limits(*, silent: bool = False, fingerprint: tuple[str, ...] = ()) -> ServerFacts:
    """A server that waits 5 s, or one behind a box that forgets after 240 s; a client that waits 90 s."""
    return ServerFacts(
        SERVER,
        idle_timeout=None if silent else Bounds(5 * SECOND, 5 * SECOND, 3),
        silent_limit=Bounds(240 * SECOND, 250 * SECOND, 3) if silent else None,
        danger_band=DangerBand(4980 * MS, 90 * SECOND, observed=True),
        max_requests=100,
        max_age=Bounds(60 * SECOND, 60 * SECOND, 3),
        fingerprint=list(fingerprint),
    )


def report(
    client_needs: tuple[Need, ...] = (),
    server_needs: tuple[Need, ...] = (),
    *,
    agents: tuple[str | None, ...] = (None,),
    runtime: str | None = None,
    executable: str | None = None,
    said_by: str | None = None,
    server: tuple[tuple[str, str], ...] = (),
    status: int = 413,
    size: int = 0,
    name: str | None = None,
    facts: ServerFacts | None = None,
    asked: bool = True,
    more: tuple[tuple[tuple[str, str], ...], ...] = (),
) -> Report:
    """A finding about one connection: an exchange for each of ``agents`` and of ``more`` (response fields).

    The response begins 31.5 s after the request; 7.2 s after it the server closes. The pause before was of
    400 s. The request has 5,000,000 bytes of content and a head of 10,000.
    """
    connection = Connection(1, Endpoint("192.0.2.7", 40000), SERVER, 1, 0, rtt_syn_ns=20 * MS)
    connection.tls = TlsInfo(server_name=name)
    answers = (server, *more)
    for number, (agent, fields) in enumerate(_pairs(agents, answers), 1):
        if asked:
            connection.exchanges.append(_exchange(number, agent, fields, status, size))
    connection.closes = [CloseEvent("fin", Side.SERVER, 38_700 * MS, 9, 100, 0)]
    finding = Finding(
        "some-code", "", "unknown", "likely", [1] if asked else [], [1], [], "", retry_safe=True
    )
    finding.client_needs, finding.server_needs = client_needs, server_needs
    finding.quotes = [Quoted(1, "its debug data", "too_many_pings")]
    made = Report(Coverage(), [connection], connection.exchanges, [facts or limits()], [finding])
    if runtime or executable or said_by:
        connection.program = ProgramConnection(7, 7, "program")
        made.testimony = Testimony([], 1, [Process(7, "program", executable, runtime)])
        if said_by:
            made.testimony.sayings = [Saying(0, 7, "text", "an error", said_by, code="some-code")]
    return made


def _pairs(
    agents: tuple[str | None, ...], answers: tuple[tuple[tuple[str, str], ...], ...]
) -> list[tuple[str | None, tuple[tuple[str, str], ...]]]:
    length = max(len(agents), len(answers))
    return [(agents[i % len(agents)], answers[i % len(answers)]) for i in range(length)]


def _exchange(
    number: int, agent: str | None, fields: tuple[tuple[str, str], ...], status: int, size: int
) -> Exchange:
    headers = [] if agent is None else [("User-Agent", agent)]
    head = len("PUT") + sum(len(n) + len(v) + 4 for n, v in headers)
    request = Request("PUT", "/".ljust(10_000 - head, "x"), "HTTP/1.1", headers, 0, 100)
    request.declared_size, request.complete = 5_000_000, True
    response = Response(status, "", "HTTP/1.1", list(fields), 0, 100)
    response.time_ns = response.last_ns = 31_500 * MS
    response.declared_size, response.complete = size, True
    return Exchange(number, 1, number, request, response, "complete", idle_before_ns=400 * SECOND)
