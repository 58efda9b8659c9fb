"""What devices between client and server do to connections."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Fault, Manner
from plainwire.lab.route import Route
from plainwire.lab.scenario import Scenario
from plainwire.lab.stories.plans import serial

PATH = frozenset({"path"})
VAGUE = frozenset({"path", "unknown"})

SCENARIOS = (
    Scenario(
        name="nat-idle-drop",
        story="A NAT that forgets connections after half a second, and swallows what still comes.",
        expects=frozenset({"nat-idle-drop"}),
        server=Behaviour(),
        client=serial(7, 0, 0.2, 0.9, timeout=2.5),
        route=Route(delay=0.02, idle_drop=0.5),
        fault=VAGUE,
        also=frozenset({"handshake-stall"}),  # where a busy client pauses in its handshake for so long
    ),
    Scenario(
        name="nat-idle-reset",
        story="A NAT that forgets connections after half a second, and resets what still comes.",
        expects=frozenset({"nat-idle-reset"}),
        server=Behaviour(),
        client=serial(8, 0, 0.2, 0.9),
        route=Route(delay=0.04, idle_reset=0.5),
        fault=VAGUE,
        also=frozenset({"handshake-reset"}),  # where a busy client pauses in its handshake for so long
    ),
    Scenario(
        name="lb-idle-reset",
        story="A load balancer that resets connections after 1.2 s of silence, while a server thinks.",
        expects=frozenset({"lb-idle-reset"}),
        server=Behaviour(schedule={4: Fault.SLOW, 7: Fault.SLOW, 10: Fault.SLOW}, delay=1.9),
        client=serial(14, 0, 0.2),
        route=Route(delay=0.02, idle_reset_both=1.2),
        fault=VAGUE | {"server"},
    ),
    Scenario(
        name="half-open-connection",
        story="A server whose close gets lost on the way: the client writes to a connection that is no more.",
        expects=frozenset({"half-open-connection"}),
        server=Behaviour(idle_timeout=0.3, idle_manner=Manner.FIN),
        client=serial(6, 0, 0.7),
        route=Route(delay=0.03, lose_fin=True),
        fault=VAGUE | {"server", "both"},
    ),
    Scenario(
        name="middlebox-injected-reset",
        story="Something near the client that forges a reset in the server's name.",
        expects=frozenset({"middlebox-injected-reset"}),
        server=Behaviour(),
        client=serial(8, 0.02),
        route=Route(delay=0.04, inject=5),
        fault=PATH,
    ),
    Scenario(
        name="mtu-blackhole",
        story="A tunnel that swallows packets above 1,300 bytes and tells nobody.",
        expects=frozenset({"mtu-blackhole"}),
        server=Behaviour(body_size=20_000),
        client=serial(2, timeout=4),
        route=Route(delay=0.01, mtu=1300),
        fault=VAGUE,
    ),
    Scenario(
        name="window-scale-stripped",
        story="A firewall that takes the window scale out of some SYN-ACKs, so that only the server scales.",
        expects=frozenset({"window-scale-stripped"}),
        server=Behaviour(max_requests=2),
        client=serial(8, timeout=2.5, method="POST", size=60_000),
        route=Route(delay=0.01, strip_window_scale=True, first_connection=2, strikes=1),
        fault=PATH,
    ),
)
