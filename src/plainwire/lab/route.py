"""What the path between client and server does to packets: a value that goes over a command line."""

from __future__ import annotations

from plainwire.lab.argument import Argument


class Route(Argument, frozen=True):
    """A path and its faults. Times in seconds; what is 0, empty or False does not happen.

    A *segment number* counts the segments with data that one side sent on one connection, from 1. The
    faults strike connections from number ``first_connection`` on (from 1, in order of their SYNs), and at
    most ``strikes`` of them.
    """

    delay: float = 0.0
    """One way."""
    idle_drop: float = 0.0
    """A NAT that forgets a connection after so long, and swallows what still comes."""
    idle_reset: float = 0.0
    """A NAT that forgets a connection after so long, and answers the client's next packet with a bare RST."""
    idle_reset_both: float = 0.0
    """A load balancer that sends RSTs to both ends when a connection has been idle for so long."""
    inject: int = 0
    """A forged RST|ACK to the client when its segment of this number passes; the segment passes too."""
    lose_from_client: tuple[int, ...] = ()
    """Segment numbers that get lost once."""
    lose_from_server: tuple[int, ...] = ()
    late_from_server: tuple[int, ...] = ()
    """Segment numbers that are overtaken by what follows within ``lateness``."""
    lateness: float = 0.0
    lose_fin: bool = False
    """Swallow the server's FINs: the client never learns that it closed."""
    drop_synack: bool = False
    refuse_syn: bool = False
    """Answer every SYN with RST|ACK, as a firewall that rejects does."""
    mtu: int = 0
    """Swallow packets from the server above this size, without an ICMP message."""
    dead_from: int = 0
    """Swallow everything from the client's segment of this number on."""
    strip_window_scale: bool = False
    """Take the window scale option out of SYN-ACKs."""
    drop_ecn_syn: bool = False
    """Swallow SYNs that offer ECN (RFC 3168 section 6.1.1). The client's kernel is told to offer it."""
    first_connection: int = 1
    strikes: int = 1_000_000

    @property
    def harmless(self) -> bool:
        """Whether packets are only delayed."""
        return self == Route(delay=self.delay)
