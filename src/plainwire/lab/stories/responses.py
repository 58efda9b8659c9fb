"""What is said in HTTP/1.1: statuses, framing, and the time it takes."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Fault
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import bearer, serial

CLIENT = frozenset({"client"})


def _at(fault: Fault, *numbers: int, delay: float = 0.0) -> Behaviour:
    return Behaviour(schedule=dict.fromkeys(numbers, fault), delay=delay)


SCENARIOS = (
    Scenario(
        name="stream-idle-timeout",
        story="A gateway that cuts streams of events after so much silence.",
        expects=frozenset({"stream-idle-timeout"}),
        server=_at(Fault.EVENTS_SILENT, 3, 6, 9, delay=1.3),
        client=serial(10, 0.02),
    ),
    Scenario(
        name="event-stream-error",
        story="A server that reports an error in the middle of some streams, behind a status of success.",
        expects=frozenset({"event-stream-error"}),
        server=_at(Fault.EVENTS_FAIL, 4, 9),
        client=serial(12, 0.02),
    ),
    Scenario(
        name="event-stream-unfinished",
        story="A server whose streams of events sometimes end in order, but early.",
        expects=frozenset({"event-stream-unfinished"}),
        server=_at(Fault.EVENTS_UNFINISHED, 4, 9),
        client=serial(12, 0.02),
    ),
    Scenario(
        name="event-streams-healthy",
        story="Streams of events that end with their closing one.",
        expects=frozenset(),
        server=_at(Fault.EVENTS, *range(1, 13)),
        client=serial(12, 0.02),
    ),
    Scenario(
        name="rate-limited",
        story="A server that says when to come again, and a client that comes again at once.",
        expects=frozenset({"rate-limited"}),
        server=_at(Fault.RATE_LIMIT, *range(7, 14)),
        client=serial(14, 0.02),
        fault=CLIENT,
    ),
    Scenario(
        name="overload-5xx",
        story="A server that cannot cope with some requests.",
        expects=frozenset({"overload-5xx"}),
        server=_at(Fault.OVERLOAD, 4, 5, 9, 13, 14, 15, 19),
        client=serial(24, 0.02),
    ),
    Scenario(
        name="gateway-upstream-race",
        story="A load balancer that answers 502 at once now and then, for its own connection was closed.",
        expects=frozenset({"gateway-upstream-race"}),
        server=_at(Fault.BAD_GATEWAY, 4, 9, 13),
        client=serial(24, 0.02),
        also=frozenset({"overload-5xx"}),
    ),
    Scenario(
        name="auth-expired-mid-run",
        story="A token that is good for a while.",
        expects=frozenset({"auth-expired-mid-run"}),
        server=_at(Fault.UNAUTHORIZED, *range(9, 15)),
        client=bearer(14),
        fault=CLIENT,
        packages=("requests",),
    ),
    Scenario(
        name="redirect-loop",
        story="A server that sends its client round in a circle.",
        expects=frozenset({"redirect-loop"}),
        server=_at(Fault.REDIRECT, *range(4, 35)),
        client=bearer(8),
        harms=False,  # but it does: of a chain of redirects one request is the program's
        packages=("requests",),
    ),
    Scenario(
        name="misdirected-421",
        story="A server that takes some requests for those of another name.",
        expects=frozenset({"misdirected-421"}),
        server=_at(Fault.MISDIRECTED, 4, 9),
        client=serial(14, 0.02),
        fault=frozenset({"server", "both", "client"}),  # without SNI it is the client that tells no name
    ),
    Scenario(
        name="gateway-timeout",
        story="A gateway that waits exactly one second for what is behind it.",
        expects=frozenset({"gateway-timeout"}),
        server=_at(Fault.GATEWAY_TIMEOUT, 4, 7, 10, delay=1.0),
        client=serial(14),
    ),
    Scenario(
        name="content-length-mismatch",
        story="A server that sends more than it announced.",
        expects=frozenset({"content-length-mismatch"}),
        server=_at(Fault.EXCESS_BODY, 4, 8),
        client=serial(12, 0.05),
        harms=False,
        also=frozenset({"response-desync"}),
    ),
    Scenario(
        name="response-desync",
        story="A server that answers some requests twice.",
        expects=frozenset({"response-desync"}),
        server=_at(Fault.DOUBLE_RESPONSE, 4, 8),
        client=serial(12, 0.05),
        harms=False,
    ),
    Scenario(
        name="bad-framing",
        story="A server that writes chunks whose size is no number.",
        expects=frozenset({"bad-framing"}),
        server=_at(Fault.BAD_CHUNK, 4, 8),
        client=serial(12),
    ),
    Scenario(
        name="content-encoding-corrupt",
        story="A server whose compressed bodies do not match their checksums.",
        expects=frozenset({"content-encoding-corrupt"}),
        server=_at(Fault.CORRUPT_GZIP, 4, 8),
        client=serial(12),
        harms=False,
    ),
    Scenario(
        name="100-continue-stall",
        story="A client that asks before it uploads, and a server that does not answer before it has all.",
        expects=frozenset({"100-continue-stall"}),
        server=Behaviour(fault=Fault.NO_CONTINUE, probability=1.0),
        client=("expectant.py", "4", "20000"),
        fault=frozenset({"server", "both"}),
        harms=False,
    ),
    Scenario(
        name="slow-first-byte",
        story="A server that thinks for long about some requests.",
        expects=frozenset({"slow-first-byte"}),
        server=_at(Fault.SLOW, 12, 17, delay=2.5),
        client=serial(24),
        harms=False,
    ),
    Scenario(
        name="slow-body-stall",
        story="A server that stops in the middle of some bodies.",
        expects=frozenset({"slow-body-stall"}),
        server=_at(Fault.STALL, 12, 17, delay=2.5),
        client=serial(24),
        harms=False,
    ),
    Scenario(
        name="zero-window-stall",
        story="A server that does not read an upload for two seconds.",
        expects=frozenset({"zero-window-stall"}),
        server=_at(Fault.STOP_READING, 3, delay=2.0),
        client=serial(5, method="PUT", size=400_000),
        harms=False,
        also=frozenset({"slow-first-byte"}),
    ),
)
