"""The way between two TUN devices: every packet arrives ``delay`` seconds later, unless a fault strikes.

A path with a round trip time, for machines whose kernel has no netem. It forwards packets and ends
no connection: what a server acknowledges, the server acknowledged (a TCP proxy's kernel would
acknowledge a request that the server never got, and so hide the very race that is to be shown).

It writes down what it did and saw (``log``, one JSON object a line):

    {"event": FAULT, "time", "port"}     a fault struck the connection from that client port
    {"event": "crossed", "time", "port"} client data met the server's FIN or RST|ACK on the way
    {"event": "late", "time", "port", "after"}  client data after it had acknowledged that FIN, which had
                                         come to the client ``after`` seconds before
"""

from __future__ import annotations

import heapq
import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.lab import segment
from plainwire.lab.route import Route
from plainwire.lab.segment import ACK, ECN, FIN, RST, SYN, RawSegment

if TYPE_CHECKING:
    from typing import TextIO

QUEUE_LIMIT = 10_000
"""Packets on the way; more are dropped, as a router would."""
READ_SIZE = 65536
NEAR = 0.002
"""Seconds from here to the client, for what is made here."""
FORGED_TTL, NAT_TTL = 250, 255
FORGED_ID = 0xD2D2
LONGEST_ALERT = 64
"""Bytes of client data that may be its close_notify, not a request."""
MODULUS = 1 << 32


class _Flow(Struct):
    """One connection on its way through here."""

    port: int
    begins: int
    """The sequence number of its SYN."""
    struck: bool
    last: float
    dead: bool = False
    fired: bool = False
    client: RawSegment | None = None
    server: RawSegment | None = None
    sent: dict[str, int] = field(default_factory=lambda: {"client": 0, "server": 0})
    highest: dict[str, int] = field(default_factory=dict)
    fin: RawSegment | None = None
    fin_arrives: float = 0.0
    """When the client has it."""
    request_end: int | None = None
    """Where the client's last data ends that is more than an alert."""


class Middlebox:
    """Decides what becomes of each packet. Knows no descriptors: it answers with packets."""

    def __init__(self, route: Route, log: TextIO | None = None) -> None:
        self._route = route
        self._log = log
        self._flows: dict[int, _Flow] = {}
        self._connections = 0
        self._struck = 0

    def pass_on(self, side: str, packet: bytes, now: float) -> list[tuple[float, str, bytes]]:
        """What arrives where because ``side`` sent ``packet`` at ``now``: (time, side, packet)."""
        other = "server" if side == "client" else "client"
        onward = (now + self._route.delay, other, packet)
        if self._route.harmless and self._log is None:
            return [onward]
        seen = segment.read(packet)
        if seen is None:
            return [onward]
        flow = self._flow(side, seen, now)
        if flow is None:
            return [onward]
        idle, flow.last = now - flow.last, now
        self._witness(flow, side, seen, now)
        made = self._strike(flow, side, seen, packet, idle, now) if flow.struck else None
        self._remember(flow, side, seen)
        return [onward] if made is None else made

    def due(self, now: float) -> list[tuple[float, str, bytes]]:
        """What this device sends by itself: RSTs to both ends of connections that were idle for too long."""
        made: list[tuple[float, str, bytes]] = []
        limit = self._route.idle_reset_both
        if not limit:
            return made
        for flow in self._flows.values():
            if flow.struck and not flow.fired and now - flow.last >= limit and flow.client and flow.server:
                flow.fired = flow.dead = True
                self._write("idle-reset-both", flow)
                made += [(now + NEAR, side, _reset_for(side, flow)) for side in ("client", "server")]
        return made

    # --- what is known of the connection ---

    def _flow(self, side: str, seen: RawSegment, now: float) -> _Flow | None:
        port = seen.source_port if side == "client" else seen.target_port
        if side == "client" and seen.flags & (SYN | ACK) == SYN:
            known = self._flows.get(port)
            if known is None or known.begins != seen.seq:  # else its SYN again
                self._connections += 1
                struck = (
                    self._connections >= self._route.first_connection and self._struck < self._route.strikes
                )
                self._struck += struck
                self._flows[port] = _Flow(port, seen.seq, struck, now)
        return self._flows.get(port)

    def _remember(self, flow: _Flow, side: str, seen: RawSegment) -> None:
        if side == "client":
            flow.client = seen
        else:
            flow.server = seen

    def _witness(self, flow: _Flow, side: str, seen: RawSegment, now: float) -> None:
        """Write down client data that comes to a connection whose server has closed it."""
        aborts = seen.flags & (RST | ACK) == RST | ACK
        if side == "server" and (seen.flags & FIN or aborts) and flow.fin is None:
            flow.fin, flow.fin_arrives = seen, now + self._route.delay
            if flow.request_end is not None and _after(flow.request_end, seen.ack):
                self._write("crossed", flow)  # it had passed here, and had not arrived
        if side == "client" and seen.size > LONGEST_ALERT:
            flow.request_end = seen.end
            if flow.fin is not None and _after(flow.fin.end, seen.ack):
                self._write("crossed", flow)
            elif flow.fin is not None:
                self._write("late", flow, after=now - flow.fin_arrives)

    def _write(self, event: str, flow: _Flow, **facts: float) -> None:
        if self._log is not None:
            self._log.write(
                json.dumps({"event": event, "time": time.time(), "port": flow.port, **facts}) + "\n"
            )
            self._log.flush()

    # --- faults ---

    def _strike(
        self, flow: _Flow, side: str, seen: RawSegment, packet: bytes, idle: float, now: float
    ) -> list[tuple[float, str, bytes]] | None:
        """What becomes of the packet of a connection that is to suffer; None: it passes."""
        if seen.flags & SYN:
            return self._strike_opening(flow, side, seen, packet, now)
        if flow.dead:
            return []
        number = self._number(flow, side, seen)
        for fault in (self._forget, self._inject, self._lose):
            made = fault(flow, side, seen, packet, number, idle, now)
            if made is not None:
                return made
        return None

    def _number(self, flow: _Flow, side: str, seen: RawSegment) -> int:
        """The segment number; 0 for what carries no data, or carries it again."""
        highest = flow.highest.get(side)
        if not seen.size or (highest is not None and not _after(seen.end, highest)):
            return 0
        flow.highest[side] = seen.end
        flow.sent[side] += 1
        return flow.sent[side]

    def _strike_opening(
        self, flow: _Flow, side: str, seen: RawSegment, packet: bytes, now: float
    ) -> list[tuple[float, str, bytes]] | None:
        if side == "client" and self._route.refuse_syn:
            self._write("refuse-syn", flow)
            return [(now + NEAR, "client", _answer(seen, (0, seen.end), RST | ACK, NAT_TTL, 0))]
        if side == "client" and self._route.drop_ecn_syn and seen.flags & ECN == ECN:
            self._write("drop-ecn-syn", flow)
            return []
        if side == "server" and self._route.drop_synack:
            self._write("drop-synack", flow)
            return []
        if side == "server" and self._route.strip_window_scale:
            self._write("strip-window-scale", flow)
            return [(now + self._route.delay, "client", segment.without_window_scale(packet))]
        return None

    def _forget(
        self, flow: _Flow, side: str, seen: RawSegment, _packet: bytes, number: int, idle: float, now: float
    ) -> list[tuple[float, str, bytes]] | None:
        """What a device does that keeps a state for each connection, and loses it."""
        route = self._route
        if route.idle_drop and idle > route.idle_drop:
            flow.dead = True
            self._write("idle-drop", flow)
            return []
        if route.idle_reset and idle > route.idle_reset and side == "client":
            flow.dead = True
            self._write("idle-reset", flow)
            return [(now + NEAR, "client", _answer(seen, (seen.ack, 0), RST, NAT_TTL, 0))]
        if route.dead_from and side == "client" and number >= route.dead_from:
            flow.dead = True
            self._write("dead", flow)
            return []
        return None

    def _inject(
        self, flow: _Flow, side: str, seen: RawSegment, packet: bytes, number: int, _idle: float, now: float
    ) -> list[tuple[float, str, bytes]] | None:
        if not number or side != "client" or number != self._route.inject:
            return None
        self._write("inject", flow)
        forged = _answer(seen, (seen.ack, seen.end), RST | ACK, FORGED_TTL, FORGED_ID)
        return [(now + NEAR, "client", forged), (now + self._route.delay, "server", packet)]

    def _lose(
        self, flow: _Flow, side: str, seen: RawSegment, packet: bytes, number: int, _idle: float, now: float
    ) -> list[tuple[float, str, bytes]] | None:
        route = self._route
        if route.lose_fin and side == "server" and seen.flags & FIN:
            self._write("lose-fin", flow)
            return []
        if route.mtu and side == "server" and len(packet) > route.mtu:
            self._write("too-big", flow)
            return []
        if number in (route.lose_from_client if side == "client" else route.lose_from_server):
            self._write("lose", flow)
            return []
        if side == "server" and number in route.late_from_server:
            self._write("late-segment", flow)
            return [(now + route.delay + route.lateness, "client", packet)]
        return None


def _after(number: int, other: int) -> bool:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return 0 < (number - other) % MODULUS < MODULUS // 2


def _answer(seen: RawSegment, numbers: tuple[int, int], flags: int, ttl: int, ip_id: int) -> bytes:
    """A packet to the sender of ``seen``, in the name of the one it was sent to."""
    source, target = (seen.target, seen.target_port), (seen.source, seen.source_port)
    return segment.make(source, target, numbers, flags, ttl=ttl, ip_id=ip_id)


def _reset_for(side: str, flow: _Flow) -> bytes:
    """A RST that the socket on ``side`` accepts: the very number it expects (RFC 5961 section 3.2)."""
    mine, other = (flow.client, flow.server) if side == "client" else (flow.server, flow.client)
    assert mine is not None  # noqa: S101  (asked for by due)
    assert other is not None  # noqa: S101
    return _answer(mine, (other.end, mine.end), RST | ACK, NAT_TTL, 0)


def forward(client: int, server: int, control: int, middlebox: Middlebox, lifetime: float) -> None:
    """Carry packets between two TUN descriptors until ``control`` ends, or for ``lifetime`` seconds."""
    descriptors = {"client": client, "server": server}
    waiting: list[tuple[float, int, str, bytes]] = []
    count = 0
    end = time.monotonic() + lifetime
    while (now := time.monotonic()) < end:
        due = min(waiting[0][0] if waiting else end, now + 0.05)
        ready, _, _ = select.select([client, server, control], [], [], max(0.0, min(due, end) - now))
        if control in ready and not os.read(control, 4096):
            return
        now = time.monotonic()
        made = middlebox.due(now)
        for side, descriptor in descriptors.items():
            if descriptor in ready:
                made += middlebox.pass_on(side, os.read(descriptor, READ_SIZE), now)
        for at, side, packet in made:
            if len(waiting) < QUEUE_LIMIT:
                count += 1
                heapq.heappush(waiting, (at, count, side, packet))
        while waiting and waiting[0][0] <= now:
            _, _, side, packet = heapq.heappop(waiting)
            os.write(descriptors[side], packet)


def main() -> None:
    """``middlebox CLIENT_FD SERVER_FD LIFETIME LOG ROUTE``; ends with standard input."""
    client, server, lifetime, log, route = sys.argv[1:]
    with open(log, "x", encoding="utf-8") as file:  # noqa: PTH123  (a name from our own player)
        forward(
            int(client),
            int(server),
            sys.stdin.fileno(),
            Middlebox(Route.from_json(route), file),
            float(lifetime),
        )


if __name__ == "__main__":
    main()
