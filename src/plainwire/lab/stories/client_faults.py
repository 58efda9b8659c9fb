"""What clients do wrong in HTTP/1.1, and what only servers of some kind mind or answer."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Fault
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import bearer, serial

CLIENT = frozenset({"client"})

SCENARIOS = (
    Scenario(
        name="header-growth-431",
        story="A client whose cookies grow with each response, until the server takes no more of them.",
        expects=frozenset({"header-growth-431"}),
        server=Behaviour(head_limit=8192),
        client=("growing_cookie.py", "12", "900"),
        fault=CLIENT,
    ),
    Scenario(
        name="content-too-large-413",
        story="A server that takes some uploads for too large, and says so when it has them.",
        expects=frozenset({"content-too-large-413"}),
        server=Behaviour(schedule={3: Fault.TOO_LARGE, 6: Fault.TOO_LARGE}),
        client=serial(8, 0.02, method="PUT", size=200_000),
        fault=frozenset({"unknown"}),
    ),
    Scenario(
        name="clear-text-to-tls-port",
        story="A client that speaks HTTP to the port of HTTPS in every fourth request.",
        expects=frozenset({"clear-text-to-tls-port"}),
        server=Behaviour(),
        client=("clear_text.py", "12"),
        fault=CLIENT,
    ),
    Scenario(
        name="request-body-timeout",
        story="A client that stops in the middle of some uploads, and a server that waits for a second.",
        expects=frozenset({"request-body-timeout"}),
        server=Behaviour(body_timeout=1.2),
        client=("unfinished.py", "8", "4000"),
        fault=CLIENT,
    ),
    Scenario(
        name="client-bug-request",
        story="A home-made client that writes an invalid header field, and a server that refuses it.",
        expects=frozenset({"client-bug-request"}),
        server=Behaviour(),
        client=("bad_field.py", "12"),
        fault=CLIENT,
    ),
    Scenario(
        name="pipelining-broken",
        story="A client that sends two requests at once, and a server that takes five on a connection.",
        expects=frozenset({"pipelining-broken"}),
        server=Behaviour(max_requests=5),
        client=("pipelining.py", "20"),
        fault=frozenset({"client", "both"}),
    ),
    Scenario(
        name="client-stall",
        story="A client that does not read some responses, and a server that waits for a second.",
        expects=frozenset({"client-stall"}),
        server=Behaviour(send_timeout=1.5, body_size=8_000_000),
        client=("stalling.py", "6", "3.0"),
        fault=CLIENT,
    ),
    Scenario(
        name="clock-skew-signature",
        story="A server whose clock is ahead, and which takes some signatures for old ones.",
        expects=frozenset({"clock-skew-signature"}),
        server=Behaviour(schedule={4: Fault.SKEWED, 9: Fault.SKEWED}),
        client=bearer(14),
        fault=CLIENT,
        packages=("requests",),
    ),
    Scenario(
        name="read-after-write-miss",
        story="A store of several copies, one of which does not have yet what was written.",
        expects=frozenset({"read-after-write-miss"}),
        server=Behaviour(schedule={6: Fault.MISSING, 14: Fault.MISSING}),
        client=("writing.py", "6", "0.02"),
    ),
    Scenario(
        name="method-or-path-specific-crash",
        story="A server that fails at one object, whenever it is asked for.",
        expects=frozenset({"method-or-path-specific-crash"}),
        server=Behaviour(broken="/container/broken"),
        client=("one_path.py", "24", "/container/broken"),
    ),
    Scenario(
        name="waf-block",
        story="A firewall for applications that answers some requests in the server's place.",
        expects=frozenset({"waf-block"}),
        server=Behaviour(schedule={4: Fault.FIREWALL, 9: Fault.FIREWALL}),
        client=serial(14, 0.02),
    ),
)
