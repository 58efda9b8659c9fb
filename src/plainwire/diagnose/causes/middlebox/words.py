"""Family B: what sits between client and server."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "middlebox-injected-reset",
        "something between client and server reset the connection",
        "A TCP reset in the server's name ended the connection, but the server's own stack did not send it. "
        "A firewall, a NAT that forgot the connection, or an intrusion filter did. The server may not know "
        "of it.",
        "The reset's TTL differs from that of the server's other packets, it came sooner than a round trip "
        "allows, or the server went on sending after it. Two of these make it likely, one possible.",
        "A reset like the server's other packets in all of this; a load balancer that answers from several "
        "machines (other TTLs on packets that carried authenticated data too).",
        "Find the box: capture nearer to the server, step by step, and see where the reset appears first. If "
        "it comes after idle time, keep idle connections for a shorter time, or use TCP keepalives.",
        "Capture at the server at the same time, to show that the reset never left it.",
        ("RFC 9293 section 3.10.7", "RFC 5961 section 3"),
    ),
    Cause(
        "nat-idle-drop",
        "the path drops what is sent on a connection that was idle",
        "A NAT, firewall or load balancer forgets connections after some idleness and then silently drops "
        "their packets. The client sends the request again and again until its own timeout, seconds or many "
        "minutes later.",
        "After a pause longer than any that a connection survived here, the request and all its "
        "retransmissions were neither acknowledged nor reset. It is likely where another connection to the "
        "address works at the same time, possible without one.",
        "A request that was answered after a pause as long; new connections that fail too (the server or "
        "the network is down); loss without a pause before.",
        "Keep connections alive (TCP keepalives at less than half of the limit), or do not use them again "
        "after so long a pause; set TCP_USER_TIMEOUT and a read timeout.",
        "Send TCP keepalives too; raise the limit of the box that forgets (RFC 5382 asks for two hours).",
        ("RFC 5382 section 5", "RFC 9293 section 3.8.3", "RFC 6298 section 5"),
        second_capture="A capture at the server shows that the retransmissions never arrived.",
        by_idleness=True,
        client_needs=("TCP keepalive", "idle limit"),
        server_needs=("path idle limit",),
    ),
    Cause(
        "nat-idle-reset",
        "a box on the path had forgotten the idle connection and reset it",
        "A NAT gateway or load balancer forgets connections after some idleness and answers the next packet "
        "with a reset (after 350 s on some clouds). The server knows nothing of it.",
        "After a pause longer than any that a connection survived here, a RST without ACK came with another "
        "TTL than the server's packets, or sooner than a round trip allows.",
        "A reset like the server's other packets (half-open-connection); a request that was answered after "
        "a pause as long.",
        "Keep connections alive (TCP keepalives), or do not use them again after so long a pause. Retrying "
        "the request is safe: it did not get through.",
        "Send TCP keepalives from the server's side too, at less than the limit.",
        ("RFC 5382 section 5", "RFC 9293 section 3.5.2"),
        second_capture="A capture at the server shows that neither request nor reset passed there.",
        by_idleness=True,
        client_needs=("TCP keepalive", "idle limit"),
        server_needs=("path idle limit",),
    ),
    Cause(
        "lb-idle-reset",
        "a box on the path reset the connection after a time without packets",
        "Load balancers and firewalls can send a reset to both ends when nothing has passed for their limit. "
        "They do so even while a request is being worked on: slow responses are cut too.",
        "A RST that does not look like the server's packets and answers no packet, after a second or more "
        "without any.",
        "A reset that looks like the server's packets (idle-close-by-reset, reset-mid-request); one that "
        "follows a packet at once (middlebox-injected-reset).",
        "Let TCP keepalives keep the connection busy, from either end; do not wait for minutes in silence "
        "(poll for the result instead).",
        "Raise the limit, send keepalives, or answer early and send progress.",
        ("RFC 9293 section 3.8.4", "RFC 9293 section 3.10.7"),
        second_capture="A capture at the server shows the reset arriving there too, in the client's name.",
        by_idleness=True,
        client_needs=("TCP keepalive",),
        server_needs=("stream idle timeout",),
    ),
    Cause(
        "mtu-blackhole",
        "large packets vanish on the path, small ones pass",
        "The path carries only smaller packets than its ends think, and the message that would say so (ICMP) "
        "is blocked or ignored. Connections open, small requests work, large ones hang.",
        "A large segment was sent at least three times and never acknowledged, while smaller ones were; "
        "likely where an ICMP error about its size is in the capture.",
        "Segments of this size that were acknowledged; loss that strikes small segments too.",
        "Lower the interface's MTU, or let TCP probe (net.ipv4.tcp_mtu_probing=1).",
        "Let ICMP 'fragmentation needed' and 'packet too big' pass; clamp the MSS at tunnels.",
        ("RFC 1191 section 3", "RFC 4821 section 3", "RFC 9293 section 3.7.1"),
        second_capture="A capture at the server shows small segments arriving and large ones missing.",
    ),
    Cause(
        "conntrack-invalid-reset",
        "the client's own host reset the connection behind its program's back",
        "A segment from the server was valid, but the host's connection tracking did not take it for part of "
        "the connection (out of window, reordered) and did not undo the address translation. The host then "
        "knew no such connection and sent a reset. This is seen with containers and Kubernetes, mostly on "
        "large transfers.",
        "A RST without ACK leaves the client's side for a segment in order, no close from the program "
        "before it; likely where the client's end goes on using the connection.",
        "A close_notify, FIN or RST with ACK from the client before (client-abort).",
        "Set net.netfilter.nf_conntrack_tcp_be_liberal=1, or drop packets that conntrack calls INVALID.",
        "Nothing to fix on the server.",
        ("RFC 9293 section 3.5.2", "RFC 9293 section 3.10.7"),
        second_capture="A capture inside the container shows that its socket never sent the reset.",
        unplayed="It needs a kernel whose conntrack calls packets invalid; the test writes those packets.",
    ),
    Cause(
        "proxy-connect-failure",
        "the proxy did not open the tunnel",
        "The client asked a proxy for a tunnel (CONNECT, SOCKS), and the proxy refused or could not. TLS "
        "with the server never began, so that messages about certificates or timeouts mislead.",
        "A CONNECT with another answer than 2xx, or a refusal in SOCKS.",
        "A 407 that is followed by a CONNECT which succeeds; a tunnel in which TLS failed.",
        "407: give the proxy its credentials. 502, 503, 504: ask whether the proxy can reach the server.",
        "Nothing to fix on the server: it was not reached.",
        ("RFC 9110 section 9.3.6", "RFC 9110 section 15.5.8", "RFC 1928 section 6"),
        unplayed="Real clients and servers play it in tests/end_to_end/test_wires_proxies.py.",
    ),
    Cause(
        "gateway-upstream-race",
        "a gateway lost its own connection to the server behind it",
        "The gateway (a load balancer, a proxy of the server's side) answered 502, or 503 in its own words, "
        "at once. Most often its pooled connection was closed by the server behind it at the moment of use: "
        "the keep-alive race one hop further on. It gets rarer with more traffic.",
        "A 502 (or a gateway's own 503) within 60 ms and a round trip, without Retry-After, while most "
        "requests are answered well. Likely from the third on.",
        "Responses after a long, constant time (gateway-timeout); 503 with Retry-After (rate-limited); all "
        "requests failing.",
        "Retry the request if its method is idempotent.",
        "Let the servers behind the gateway keep idle connections longer than the gateway does.",
        ("RFC 9110 section 15.6.3", "RFC 9112 section 9.5"),
        second_capture="A capture between the gateway and the server behind it shows the race itself.",
        client_needs=("retries",),
        server_needs=("upstream idle limit",),
    ),
    Cause(
        "tls-interception",
        "another party's certificate stands in for the server's",
        "A box that opens TLS (company proxy, virus scanner) shows a certificate of its own for the "
        "server's name, on some connections or on all.",
        "For one name at one address some connections show a certificate of another issuer.",
        "A server that has several public certificates; a renewal between two connections.",
        "Take the server out of the inspection, or trust the box's root where it is meant to be there.",
        "Nothing to fix on the server.",
        ("RFC 8446 section 4.4.2", "RFC 9325 section 7.1"),
        second_capture="A capture at the server shows which certificate left it.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_backends.py.",
        client_needs=("CA bundle",),
        lasting=True,
    ),
    Cause(
        "window-scale-stripped",
        "a box on the path removed or changed TCP's window scale",
        "One end believes in larger windows than the other announces: fast transfers stall, or end in "
        "resets. A client that takes the server's scaled windows for bytes sends a few bytes, waits, and "
        "sends a few more.",
        "The client's SYN offers a window scale and the SYN-ACK, as it came, has none. The server scales "
        "all the same: its window falls at once to a sixteenth or less of what the SYN-ACK offered, and the "
        "client's segments fill that window each time; or it sends beyond the client's window and has to "
        "repeat that. Likely where other SYN-ACKs of the same address have the option.",
        "A server without window scaling keeps to the window that it offered, and to the client's; SYN "
        "cookies, which may leave the option out, do so as well.",
        "Find the firewall; until then net.ipv4.tcp_window_scaling=0 shows whether it is that.",
        "Compare the options of the SYN as it arrived.",
        ("RFC 7323 section 2",),
        second_capture="A capture at the server shows the options as they arrived there.",
    ),
)
