"""Family B: what sits between client and server."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "middlebox-injected-reset",
        "something between client and server reset the connection",
        "A TCP reset in the server's name ended the connection, but the server's own stack did not send it: "
        "a firewall, a NAT that forgot the connection, an intrusion filter. The server may not know of it.",
        "The reset's TTL differs from that of the server's other packets, it came sooner than a round trip "
        "allows, or the server went on sending after it. Two of these make it likely, one possible.",
        "A reset like the server's other packets in all of this; a load balancer that answers from several "
        "machines (other TTLs on packets that carried authenticated data too).",
        "Find the box: capture nearer to the server, step by step, and see where the reset appears first. "
        "If it comes after idle time, keep idle connections shorter, or let TCP keepalives keep them alive.",
        "Capture at the server at the same time, to show that the reset never left it.",
        ("RFC 9293 section 3.10.7", "RFC 5961 section 3"),
    ),
)
