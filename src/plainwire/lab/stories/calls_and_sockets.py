"""gRPC and WebSockets: calls that end with another status, sockets that do not end in order."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, CallFault, SocketFault
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import calls, sockets

CLIENT = frozenset({"client"})
_LIBRARIES = ("websockets", "aiohttp")


def _calls(
    name: str, story: str, expects: str, fault: CallFault, who: frozenset[str], pings: int = 0
) -> Scenario:
    return Scenario(
        name=name,
        story=story,
        expects=frozenset({expects}),
        server=Behaviour(calls=dict.fromkeys((3, 7), fault)),
        client=calls(8, pings=pings),
        fault=who,
        server_module="plainwire.lab.grpc_server",
        packages=("h2",),
    )


def _sockets(
    name: str, story: str, expects: str, server: Behaviour, who: frozenset[str], library: str, busy: float = 0
) -> Scenario:
    return Scenario(
        name=f"{name}-{library}",
        story=f"{story} The client is {library}.",
        expects=frozenset({expects}) if expects else frozenset(),
        server=server,
        client=sockets(6, library, busy),
        fault=who,
        also=frozenset({"close-without-close-notify"}),
        server_module="plainwire.lab.websocket_server",
        packages=(library,),
    )


def _at(fault: SocketFault, delay: float = 0.0) -> Behaviour:
    return Behaviour(sockets=dict.fromkeys((2, 4), fault), delay=delay)


SERVER = frozenset({"server"})

SCENARIOS = (
    _calls(
        "grpc-unavailable",
        "A gRPC service that cannot be had now and then, and says so in its trailers.",
        "grpc-status-unavailable",
        CallFault.UNAVAILABLE,
        SERVER,
    ),
    _calls(
        "grpc-message-too-large",
        "A gRPC service whose limit is smaller than some messages.",
        "grpc-status-resource-exhausted",
        CallFault.EXHAUSTED,
        frozenset({"both"}),
    ),
    _calls(
        "grpc-deadline",
        "A gRPC service that is sometimes slower than the deadline of the call.",
        "grpc-status-deadline-exceeded",
        CallFault.OVERDUE,
        frozenset({"client"}),
    ),
    _calls(
        "grpc-no-status",
        "A gRPC service, or a proxy before it, that leaves the trailers out.",
        "grpc-no-status",
        CallFault.NO_STATUS,
        SERVER,
    ),
    _calls(
        "grpc-message-cut",
        "A gRPC service that says that all is well in the middle of a message.",
        "grpc-bad-messages",
        CallFault.CUT,
        SERVER,
    ),
    _calls(
        "grpc-too-many-pings",
        "A gRPC client whose keepalive is busier than the service allows.",
        "goaway-error-enhance-your-calm",
        CallFault.TOO_MANY_PINGS,
        CLIENT,
        pings=2,
    ),
    Scenario(
        name="grpc-healthy",
        story="gRPC calls that end with status 0.",
        expects=frozenset(),
        server=Behaviour(),
        client=calls(12),
        server_module="plainwire.lab.grpc_server",
        packages=("h2",),
    ),
    *(
        scenario
        for library in _LIBRARIES
        for scenario in (
            _sockets(
                "websocket-idle-limit",
                "A proxy that ends silent WebSockets after a time.",
                "websocket-abnormal-close",
                _at(SocketFault.SILENT, 1.3),
                SERVER,
                library,
            ),
            _sockets(
                "websocket-policy",
                "A server that closes WebSockets whose token has expired.",
                "websocket-close-1008",
                _at(SocketFault.POLICY),
                SERVER | CLIENT,
                library,
            ),
            _sockets(
                "websocket-ping-timeout",
                "A client that computes, and answers no PING meanwhile.",
                "websocket-ping-timeout",
                _at(SocketFault.NO_PONG, 0.6),
                CLIENT,
                library,
                busy=1.0,
            ),
            _sockets(
                "websocket-upgrade-refused",
                "A proxy that does not pass the upgrade on.",
                "websocket-upgrade-refused",
                _at(SocketFault.REFUSED),
                SERVER,
                library,
            ),
            _sockets(
                "websocket-healthy",
                "WebSockets that are closed in order.",
                "",
                Behaviour(),
                SERVER,
                library,
            ),
        )
    ),
)
