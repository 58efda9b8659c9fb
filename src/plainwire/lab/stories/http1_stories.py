"""Connections of HTTP/1.1: how they are closed, used again, and given up."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Fault, Manner
from plainwire.lab.route import Route
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import forking, parallel, retrying, serial

CLIENT, BOTH = frozenset({"client"}), frozenset({"both"})

SCENARIOS = (
    Scenario(
        name="reset-mid-request",
        story="An object store that now and then resets a connection in the middle of a request.",
        expects=frozenset({"reset-mid-request"}),
        server=Behaviour(fault=Fault.RESET_MID_REQUEST, probability=0.06, seed=16),
        client=serial(40),
    ),
    Scenario(
        name="keepalive-idle-race",
        story="An object store 160 ms away that closes connections after one second of idleness, "
        "and a client that is sometimes idle for nearly as long.",
        expects=frozenset({"keepalive-idle-race"}),
        server=Behaviour(idle_timeout=1.0),
        # Lost is what is sent from 1.00 - 0.16 to 1.00 s after the last response: aim at the middle.
        client=serial(9, 0, 0.5, 0.92),
        route=Route(delay=0.08),
        fault=BOTH,
        aimed=True,
    ),
    Scenario(
        name="keepalive-hint-ignored",
        story="The same, where the server says with every response for how long it waits.",
        expects=frozenset({"keepalive-idle-race", "keepalive-hint-ignored"}),
        server=Behaviour(idle_timeout=1.0, hint=1),
        client=serial(9, 0, 0.5, 0.92),
        route=Route(delay=0.08),
        fault=BOTH | CLIENT,
        aimed=True,
    ),
    Scenario(
        name="stale-connection-reuse",
        story="A client that uses a connection again long after the server closed it.",
        expects=frozenset({"stale-connection-reuse"}),
        server=Behaviour(idle_timeout=0.3),
        client=serial(5, 0, 0.7),
        fault=CLIENT,
    ),
    Scenario(
        name="close-unannounced-after-response",
        story="A server 80 ms away that closes right after some responses and does not say so.",
        expects=frozenset({"close-unannounced-after-response"}),
        server=Behaviour(
            schedule={
                4: Fault.CLOSE_AFTER_RESPONSE,
                9: Fault.CLOSE_AFTER_RESPONSE,
                11: Fault.CLOSE_AFTER_RESPONSE,
                18: Fault.CLOSE_AFTER_RESPONSE,
            }
        ),
        client=serial(22),
        route=Route(delay=0.04),
        aimed=True,
    ),
    Scenario(
        name="server-max-requests-close",
        story="A server that allows five requests on a connection and does not say so.",
        expects=frozenset({"server-max-requests-close"}),
        server=Behaviour(max_requests=5, announce=False),
        client=serial(22, 0.0, 0.01),
        route=Route(delay=0.04),
        aimed=True,
    ),
    Scenario(
        name="max-requests-announced",
        story="A server that allows five requests on a connection and says so; all is well.",
        expects=frozenset(),
        server=Behaviour(max_requests=5),
        client=serial(22, 0.0, 0.01),
    ),
    Scenario(
        name="server-max-age-close",
        story="A server that closes connections 0.9 seconds after they were opened.",
        expects=frozenset({"server-max-age-close"}),
        server=Behaviour(max_age=0.9),
        # Few requests and many on a connection: the number of requests is not what it keeps time with.
        client=serial(44, *(0.0,) * 8, *(0.3,) * 3),
        route=Route(delay=0.05),
        fault=frozenset({"server", "both"}),
        also=frozenset({"stale-connection-reuse"}),
        aimed=True,
    ),
    Scenario(
        name="server-reload-close",
        story="A server that closes all its connections at one instant, as a reload does.",
        expects=frozenset({"server-reload-close"}),
        server=Behaviour(reload_at=1.1),
        client=parallel(4, 20, 0.0, 0.02, 0.05),
        route=Route(delay=0.05),
        fault=frozenset({"server", "both"}),
        aimed=True,
    ),
    Scenario(
        name="idle-close-by-reset",
        story="A server that resets idle connections.",
        expects=frozenset({"idle-close-by-reset"}),
        server=Behaviour(idle_timeout=0.94, idle_manner=Manner.RESET),
        client=serial(7, 0, 0.86),
        route=Route(delay=0.08),
        fault=frozenset({"server", "unknown", "both"}),
        aimed=True,
    ),
    Scenario(
        name="close-mid-request",
        story="A server that reads a whole request and then closes, politely, in place of an answer.",
        expects=frozenset({"close-mid-request"}),
        server=Behaviour(schedule={5: Fault.CLOSE_MID_REQUEST, 9: Fault.FIN_MID_REQUEST}),
        client=serial(14),
    ),
    Scenario(
        name="reset-mid-response",
        story="A server that resets the connection in the middle of a response.",
        expects=frozenset({"reset-mid-response"}),
        server=Behaviour(schedule={4: Fault.RESET_MID_RESPONSE, 9: Fault.RESET_MID_RESPONSE}, tls="1.2"),
        client=serial(14),
    ),
    Scenario(
        name="response-truncated",
        story="A server that closes before it has sent all that it promised.",
        expects=frozenset({"response-truncated"}),
        server=Behaviour(
            schedule={
                3: Fault.TRUNCATE,
                6: Fault.TRUNCATE_SILENTLY,
                9: Fault.TRUNCATE_CHUNKED,
                12: Fault.TRUNCATE_CHUNKED_SILENTLY,
            },
            tls="1.2",
        ),
        client=serial(16),
    ),
    Scenario(
        name="truncated-eof-delimited",
        story="A server whose bodies end with the connection, and the connection without close_notify.",
        expects=frozenset({"truncated-eof-delimited"}),
        server=Behaviour(schedule={4: Fault.TRUNCATE_UNFRAMED, 8: Fault.TRUNCATE_UNFRAMED}),
        client=serial(12),
        harms=False,
    ),
    Scenario(
        name="early-response-reset",
        story="A server that refuses an upload at its header and hangs up while the body still comes.",
        expects=frozenset({"early-response-reset"}),
        server=Behaviour(schedule={2: Fault.EARLY_413, 4: Fault.EARLY_413}),
        client=serial(6, method="PUT", size=3_000_000),
        fault=frozenset({"server", "both"}),
        also=frozenset({"content-too-large-413"}),  # of a client that reads while it sends
    ),
    Scenario(
        name="unsolicited-408",
        story="A load balancer that writes a 408 on the idle connection; the client takes it for an answer.",
        expects=frozenset({"unsolicited-408"}),
        server=Behaviour(idle_timeout=0.3, idle_manner=Manner.TIMEOUT_408),
        client=serial(5, 0, 0.7),
    ),
    Scenario(
        name="connection-close-ignored",
        story="A server that announces its close, and a client that does not listen.",
        expects=frozenset({"connection-close-ignored"}),
        server=Behaviour(schedule={4: Fault.ANNOUNCE_CLOSE}),
        client=("deaf.py", "10"),
        fault=CLIENT,
    ),
    Scenario(
        name="server-crash-mid-stream",
        story="A server that dies with all its connections, and is away for half a second.",
        expects=frozenset({"server-crash-mid-stream"}),
        server=Behaviour(schedule={20: Fault.CRASH}, delay=0.6),
        client=parallel(4, 24, 0.05, 0.03),
        also=frozenset(
            {
                "connection-refused",
                "reset-mid-request",
                "handshake-reset",
                "idle-close-by-reset",
                "stale-connection-reuse",
            }
        ),
    ),
    Scenario(
        name="hidden-retry",
        story="A server that resets in mid-request, and a library that repeats the request and tells nobody.",
        expects=frozenset({"reset-mid-request", "hidden-retry"}),
        server=Behaviour(schedule={5: Fault.RESET_MID_REQUEST, 11: Fault.RESET_MID_REQUEST}),
        client=retrying(15),
        fault=frozenset({"server", "client"}),
    ),
    Scenario(
        name="unsafe-retry-duplicate",
        story="The same with bookings: each that failed may have been made twice.",
        expects=frozenset({"close-mid-request", "unsafe-retry-duplicate"}),
        server=Behaviour(schedule={5: Fault.CLOSE_MID_REQUEST, 11: Fault.CLOSE_MID_REQUEST}),
        client=retrying(15, "POST"),
        fault=frozenset({"server", "client"}),
        also=frozenset({"hidden-retry"}),
    ),
    Scenario(
        name="client-abort",
        story="A server that takes its time, and a client that changes its mind.",
        expects=frozenset({"client-abort"}),
        server=Behaviour(schedule={4: Fault.SLOW}, delay=2.0),
        client=("leaving.py", "8", "0.63"),
        fault=CLIENT,
    ),
    Scenario(
        name="client-timeout-too-short",
        story="The same, again and again after exactly one second.",
        expects=frozenset({"client-timeout-too-short"}),
        server=Behaviour(schedule={4: Fault.SLOW, 6: Fault.SLOW, 8: Fault.SLOW}, delay=1.5),
        client=serial(12, timeout=1),
        fault=CLIENT,
        also=frozenset({"client-abort"}),  # one that a busy machine made late fits no clock
    ),
    Scenario(
        name="connection-shared",
        story="A client that forks with a connection open; child and parent both go on with it.",
        expects=frozenset({"connection-shared"}),
        server=Behaviour(),
        client=forking(4),
        fault=CLIENT,
    ),
    Scenario(
        name="connection-shared-tls-1.2",
        story="The same in TLS 1.2.",
        expects=frozenset({"connection-shared"}),
        server=Behaviour(tls="1.2"),
        client=forking(4),
        fault=CLIENT,
    ),
    Scenario(
        name="healthy",
        story="A server and a client that do nothing wrong.",
        expects=frozenset(),
        server=Behaviour(),
        client=serial(20, 0, 0.05),
    ),
)
