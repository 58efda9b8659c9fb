"""HTTP/2: streams refused and reset, connections that end with or without GOAWAY."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, StreamFault
from plainwire.lab.route import Route
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import streams


def _story(
    name: str,
    story: str,
    expects: str,
    server: Behaviour,
    client: tuple[str, ...],
    fault: frozenset[str] = frozenset({"server"}),
    route: Route | None = None,
    also: frozenset[str] = frozenset(),
    *,
    harms: bool = True,
) -> Scenario:
    return Scenario(
        name=name,
        story=story,
        expects=frozenset({expects}) if expects else frozenset(),
        server=server,
        client=client,
        route=route,
        fault=fault,
        also=also,
        harms=harms,
        server_module="plainwire.lab.http2_server",
        packages=("h2", "httpx"),
    )


def _at(fault: StreamFault, *numbers: int) -> Behaviour:
    return Behaviour(streams=dict.fromkeys(numbers, fault))


SCENARIOS = (
    _story(
        "goaway-race",
        "An HTTP/2 server that says goodbye while a request is on its way.",
        "goaway-race",
        _at(StreamFault.GOAWAY_LEAVES_OUT, 4, 9),
        streams(12, pause=0.01),
        frozenset({"both"}),
        also=frozenset({"hidden-retry"}),
        harms=False,  # httpx repeats the request
    ),
    _story(
        "goaway-accepted-not-answered",
        "An HTTP/2 server that says goodbye, promises an answer, and ends without it.",
        "goaway-accepted-not-answered",
        _at(StreamFault.GOAWAY_PROMISES, 4, 9),
        streams(12),
        frozenset({"server", "client"}),  # httpx hangs up by itself: then it is the client's
        also=frozenset({"client-abort"}),
    ),
    _story(
        "goaway-error",
        "An HTTP/2 server that accuses its client of too many pings.",
        "goaway-error-enhance-your-calm",
        _at(StreamFault.GOAWAY_ACCUSES, 4, 9),
        streams(12),
        frozenset({"unknown", "server"}),
    ),
    _story(
        "h2-stream-refused",
        "An HTTP/2 server that refuses some streams.",
        "h2-stream-refused",
        _at(StreamFault.REFUSE, 4, 9),
        streams(12, together=3),
    ),
    _story(
        "h2-stream-reset",
        "An HTTP/2 server that gives up on some streams, before and in the middle of the response.",
        "h2-stream-reset-internal-error",
        Behaviour(streams={4: StreamFault.RESET, 9: StreamFault.HALF}),
        streams(12, together=3),
    ),
    _story(
        "h2-malformed-response",
        "An HTTP/2 server that sends less than it announced.",
        "h2-malformed-response",
        _at(StreamFault.SHORT, 4, 9),
        streams(12),
    ),
    _story(
        "h2-close-without-goaway",
        "An HTTP/2 server that closes with a request open, without saying why.",
        "h2-close-without-goaway",
        Behaviour(streams={4: StreamFault.GONE, 9: StreamFault.CUT}),
        streams(12, together=3),
    ),
    _story(
        "h2-dead-connection",
        "A path that goes dead under an HTTP/2 connection; a new one works.",
        "h2-dead-connection",
        Behaviour(),
        streams(10, together=2, timeout=2.5),
        frozenset({"path", "unknown", "client"}),
        Route(delay=0.02, dead_from=8, strikes=1),
    ),
    _story(
        "h2-tcp-hol-blocking",
        "A path that loses a packet now and then, under several HTTP/2 streams at once.",
        "h2-tcp-hol-blocking",
        Behaviour(),
        streams(24, together=6),
        frozenset({"path"}),
        Route(delay=0.1, lose_from_server=(9, 21)),
        harms=False,
    ),
    _story(
        "h2-healthy",
        "An HTTP/2 server and a client that do nothing wrong.",
        "",
        Behaviour(),
        streams(20, together=4),
    ),
)
