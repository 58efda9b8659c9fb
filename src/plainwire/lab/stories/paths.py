"""How connections are opened, and what the path loses."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Greeting
from plainwire.lab.route import Route
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import serial

VAGUE = frozenset({"path", "unknown"})


def _greeting(greeting: Greeting) -> Behaviour:
    """Each request on a connection of its own, and two of them ill-treated."""
    return Behaviour(max_requests=1, greetings={3: greeting, 5: greeting})


SCENARIOS = (
    Scenario(
        name="syn-timeout",
        story="A path on which the server's half of opening a connection gets lost.",
        expects=frozenset({"syn-timeout"}),
        server=Behaviour(max_requests=2),
        client=serial(4, timeout=2.5),
        route=Route(delay=0.01, drop_synack=True, first_connection=2, strikes=1),
        fault=VAGUE,
    ),
    Scenario(
        name="ecn-blackhole",
        story="A path that swallows SYNs which offer ECN: each connection is there a second late.",
        expects=frozenset({"ecn-or-dscp-blackhole"}),
        server=Behaviour(max_requests=1),
        client=serial(4),
        route=Route(delay=0.01, drop_ecn_syn=True),
        fault=frozenset({"path"}),
        harms=False,
    ),
    Scenario(
        name="connection-refused",
        story="A firewall that refuses some connections.",
        expects=frozenset({"connection-refused"}),
        server=Behaviour(max_requests=2),
        client=serial(6),
        route=Route(delay=0.01, refuse_syn=True, first_connection=2, strikes=2),
        fault=VAGUE | {"server"},
    ),
    Scenario(
        name="retransmission-loss",
        story="A path that loses some packets: nothing fails, but it takes time.",
        expects=frozenset({"retransmission-loss"}),
        server=Behaviour(),
        client=serial(16),
        route=Route(delay=0.02, lose_from_client=(6, 11), lose_from_server=(9, 14)),
        fault=frozenset({"path"}),
        harms=False,
    ),
    Scenario(
        name="reordering",
        story="A path that reorders packets: all is well.",
        expects=frozenset(),
        server=Behaviour(body_size=20_000),
        client=serial(6),
        route=Route(delay=0.02, late_from_server=(9, 14), lateness=0.004),
    ),
    Scenario(
        name="slow-start-after-idle",
        story="A long path, and a server whose TCP begins anew after a pause: it only takes time.",
        expects=frozenset({"slow-start-after-idle"}),
        server=Behaviour(body_size=200_000, congestion_control="reno"),
        client=serial(8, 0, 0, 0, 4.0),
        route=Route(delay=0.1),
        harms=False,
        sure=True,
    ),
    Scenario(
        name="handshake-reset",
        story="A server that resets some connections when it is greeted.",
        expects=frozenset({"handshake-reset"}),
        server=_greeting(Greeting.RESET),
        client=serial(8),
        fault=frozenset({"server", "unknown"}),
    ),
    Scenario(
        name="handshake-close",
        story="A server that closes some connections when it is greeted.",
        expects=frozenset({"handshake-reset"}),
        server=_greeting(Greeting.CLOSE),
        client=serial(8),
        fault=frozenset({"server", "unknown"}),
    ),
    Scenario(
        name="handshake-stall",
        story="A server that does not answer some greetings.",
        expects=frozenset({"handshake-stall"}),
        server=_greeting(Greeting.STALL),
        client=serial(8, timeout=1.5),
    ),
    Scenario(
        name="tls-alert",
        story="A server that answers some greetings with the alert internal_error.",
        expects=frozenset({"tls-alert-internal-error"}),
        server=_greeting(Greeting.ALERT),
        client=serial(8),
    ),
    Scenario(
        name="plaintext-on-tls-port",
        story="A server that answers some greetings in clear text.",
        expects=frozenset({"plaintext-on-tls-port"}),
        server=_greeting(Greeting.PLAINTEXT),
        client=serial(8),
        fault=frozenset({"server", "unknown"}),
    ),
)
