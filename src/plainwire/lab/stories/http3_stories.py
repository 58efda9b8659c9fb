"""HTTP/3: streams sent back and given up, QUIC connections that are closed, forgotten, or used too late."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, StreamFault
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import datagrams


def _story(
    name: str,
    story: str,
    expects: str,
    server: Behaviour,
    client: tuple[str, ...],
    fault: str = "server",
) -> Scenario:
    return Scenario(
        name=name,
        story=story,
        expects=frozenset({expects}) if expects else frozenset(),
        server=server,
        client=client,
        fault=frozenset({fault}),
        server_module="plainwire.lab.http3_server",
        packages=("aioquic",),
        writes_keys=True,
    )


def _at(fault: StreamFault, *numbers: int) -> Behaviour:
    return Behaviour(streams=dict.fromkeys(numbers, fault))


SCENARIOS = (
    _story(
        "h3-request-rejected",
        "An HTTP/3 server that sends some requests back untouched.",
        "h3-goaway-or-rejected",
        _at(StreamFault.REFUSE, 4, 9),
        datagrams(12),
    ),
    _story(
        "h3-goaway",
        "An HTTP/3 server that says goodbye while a request is on its way.",
        "h3-goaway-or-rejected",
        _at(StreamFault.GOAWAY_LEAVES_OUT, 4, 9),
        datagrams(12),
        "both",
    ),
    _story(
        "h3-stream-reset",
        "An HTTP/3 server that gives up on some streams, before and in the middle of the response.",
        "h3-stream-reset-internal-error",
        Behaviour(streams={4: StreamFault.RESET, 9: StreamFault.HALF}),
        datagrams(12),
    ),
    _story(
        "h3-malformed-response",
        "An HTTP/3 server that sends less than it announced.",
        "h2-malformed-response",
        _at(StreamFault.SHORT, 4, 9),
        datagrams(12),
    ),
    _story(
        "quic-connection-close",
        "An HTTP/3 server that closes with a request open, because of an error of its own.",
        "quic-connection-close",
        _at(StreamFault.GONE, 4, 9),
        datagrams(12),
    ),
    _story(
        "quic-connection-close-accuses",
        "An HTTP/3 server that closes because of too much load.",
        "quic-connection-close",
        _at(StreamFault.GOAWAY_ACCUSES, 4, 9),
        datagrams(12),
        "unknown",
    ),
    _story(
        "quic-stateless-reset",
        "An HTTP/3 server that has lost its connections.",
        "quic-stateless-reset",
        _at(StreamFault.CUT, 4, 9),
        datagrams(12, timeout=1.5),
    ),
    _story(
        "quic-idle-timeout-reuse",
        "A client that uses QUIC connections again after the time that the server announced.",
        "quic-idle-timeout-reuse",
        Behaviour(idle_timeout=1.0),
        datagrams(5, pause=1.4, timeout=1.5, forgetful=True),
        "client",
    ),
    _story(
        "h3-healthy",
        "An HTTP/3 server and a client that do nothing wrong.",
        "",
        Behaviour(),
        datagrams(20),
    ),
)
