"""Family C: names, connecting, the path."""

from plainwire.diagnose.causes.cause import Cause

_REUSE = "Keep connections and use them again instead of opening one for each request."

CAUSES: tuple[Cause, ...] = (
    Cause(
        "syn-timeout",
        "the attempt to connect timed out",
        "The client asked for a connection (SYN), several times, and nothing at all came back. The server is "
        "down, a firewall drops the packets, a route is broken, or the way back is broken. Where the capture "
        "holds a SYN-ACK and the client asks again all the same, its own host dropped the answer.",
        "The SYN is sent again and again (Linux: after 1, 1, 1, 1 s and then ever longer, older ones after "
        "1, 2, 4 s), and the capture holds no SYN-ACK, no RST and no ICMP error.",
        "A RST or an ICMP error (connection-refused); a SYN-ACK that is sent again (accept-queue-overflow).",
        "Set a timeout for connecting of two or three seconds and try the next address of the name then.",
        "See whether the address is up and whether a firewall on the way drops its packets.",
        ("RFC 9293 section 3.8.3", "RFC 6298 section 2"),
        second_capture="At the server: whether the SYN arrives tells whether the way there or the way back "
        "is broken.",
        unreached=True,
        client_needs=("connect timeout",),
    ),
    Cause(
        "connection-refused",
        "the attempt to connect was refused",
        "The SYN was answered by a RST, or by an ICMP error: no program accepts connections at that address "
        "and port, or a firewall rejects them.",
        "A RST that acknowledges the SYN, or an ICMP error that quotes it, and no SYN-ACK.",
        "Silence (syn-timeout); a RST that comes after the SYN-ACK (handshake-reset).",
        "Check address and port; try the next address of the name. Nothing was sent: retrying is safe.",
        "Start the service, or have the load balancer leave out addresses at which it is not up.",
        ("RFC 9293 section 3.5.1", "RFC 9293 section 3.10.7", "RFC 5461 section 2"),
        second_capture="At the server: whether the RST leaves its own stack or a firewall made it.",
        unreached=True,
    ),
    Cause(
        "no-route",
        "connect() failed before a packet left",
        "The client's own host knew no way to the address, or forbids it: no route, an interface that is "
        "down, nobody in the local network who answers for the address, a packet filter.",
        "The kernel's answer to connect(): ENETUNREACH, EHOSTUNREACH, ENETDOWN, EPERM or EACCES, and no SYN "
        "in the capture.",
        "A SYN that left: then it was refused (connection-refused) or not answered (syn-timeout).",
        "Look at routes, neighbours and packet filters of the client's host.",
        "Nothing to fix on the server.",
        ("RFC 1122 section 3.3.1", "RFC 1122 section 4.2.3.9"),
        made_by="testimony/without_packet.py",
        unplayed="Real clients play it in tests/end_to_end/test_without_packet.py.",
    ),
    Cause(
        "accept-queue-overflow",
        "the server had no room for another connection",
        "The server offered the connection (SYN-ACK) but did not take what the client then sent, and "
        "offered it again. That is what a full accept queue does: the program does not accept as fast as "
        "connections come.",
        "The SYN-ACK is sent again although the client has acknowledged it, and what the client sends in "
        "the meantime is not acknowledged.",
        "Loss on the way: it would strike the server's segments too, and hardly several of the client's in "
        "a row.",
        _REUSE,
        "Raise the listen backlog and net.core.somaxconn, accept faster, or add workers.",
        ("RFC 9293 section 3.10.7",),
        second_capture="At the server: whether the client's segments arrive; nstat's ListenOverflows counts.",
        unplayed="It needs a full queue in the kernel just when the capture runs; the test writes the "
        "packets.",
        client_needs=("pool size",),
        server_needs=("listen backlog",),
    ),
    Cause(
        "syn-paws-drop",
        "the server may ignore SYNs whose timestamp went backwards",
        "Several clients behind one NAT have timestamps of their own. An old server (Linux with "
        "tcp_tw_recycle) takes them for those of one host, and drops the SYN of whoever lags behind.",
        "All SYNs of a connection get no reply, and their timestamps lag behind that of a SYN which the "
        "server accepted from the same address less than 60 s before, by the clock of another host (three "
        "accepted connections tick together, and these do not). Seen where a capture holds several clients "
        "under one address: at the server, or outside of the NAT. Likely where it struck twice, and others "
        "were accepted meanwhile.",
        "A SYN with as low a timestamp is accepted, or one that does not lag is lost. Linux 4.12 and later "
        "cannot do this.",
        "Switch TCP timestamps off for a test: when connecting then always works, this is it.",
        "Switch tcp_tw_recycle off.",
        ("RFC 7323 section 5", "RFC 6191"),
        second_capture="On the server's side of the NAT: SYNs arrive there whose timestamp is lower than "
        "that of an earlier connection from the same address, and they get no answer.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_wires_syns.py.",
    ),
    Cause(
        "port-reuse-time-wait",
        "the client's port was still in use by an older connection",
        "The client (or a NAT before the server) used a port again whose last connection the server still "
        "remembers. The server acknowledges that old connection, the client's side resets it, and the new "
        "one is established only by the next SYN, a second later.",
        "The SYN is answered by an acknowledgment of other numbers and without SYN, which the client's side "
        "answers with a RST.",
        "A SYN-ACK, a RST or silence in answer to the SYN.",
        _REUSE + " Do not bind sockets to a port of your own choice.",
        "Nothing to fix.",
        ("RFC 5961 section 4.2", "RFC 9293 section 3.10.7", "RFC 6191"),
        unplayed="It needs a port that both kernels remember differently; the test writes the packets.",
        client_needs=("pool size",),
    ),
    Cause(
        "port-exhaustion",
        "new connections fail while old ones go on: the ports may be used up",
        "Very many connections to one address were opened within minutes. A NAT (or the client itself) has "
        "a limited number of ports for one address, and packets of a connection that gets none are dropped.",
        "SYNs without an answer while another connection to the same address, opened before, still gets "
        "answers, and hundreds of connections to it within four minutes.",
        "The older connections fail as well (syn-timeout).",
        _REUSE,
        "Give the NAT more addresses, or more ports for each host.",
        ("RFC 4787 section 4.3", "RFC 5382 section 7"),
        second_capture="Behind the NAT: the SYNs do not come out there. Where the client itself has no port "
        "left, no packet is sent at all: the program's error (EADDRNOTAVAIL) tells.",
        unplayed="It needs a NAT without a free port; the test writes the packets.",
        client_needs=("pool size",),
    ),
    Cause(
        "ipv6-broken-fallback",
        "IPv6 does not work, and the client noticed only by waiting",
        "The client tried the server's IPv6 address first, got no reply, and turned to IPv4 later. Each "
        "connection costs that much time, and fails where the program's timeout is shorter.",
        "SYNs over IPv6 without an answer, and then a connection over IPv4 to the same port that comes "
        "about.",
        "No connection over IPv4 either (syn-timeout).",
        "Use a client that tries both at nearly the same time, or take the IPv6 route away until it works.",
        "Make the address reachable over IPv6, or remove its AAAA record from the DNS.",
        ("RFC 8305 section 5", "RFC 6724"),
        failure=False,
        unreached=True,
        unplayed="The lab has one address for its server; the test writes the packets.",
    ),
    Cause(
        "dns-slow-5s",
        "the name was resolved only when it was asked for again",
        "A resolver that gets no answer asks again after five seconds. All that the connection then shows "
        "is that it began late.",
        "A question that is asked again after a second or more, and a connection to an address of the "
        "answer at once.",
        "The pause lies behind the SYN; a question to another server that was answered in time.",
        "Use a cache on the host; the option single-request-reopen in resolv.conf avoids two questions from "
        "one port.",
        "",
        ("RFC 1035 section 7.2",),
        failure=False,
        second_capture="One that holds port 53 of the client, where this one does not; one at the name "
        "server: whether the first question arrives.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_names.py.",
    ),
    Cause(
        "dns-stale-or-split",
        "the client used an address that the name no longer has",
        "A pool that keeps connections for hours, or a resolver that keeps answers, goes on using an address "
        "that was removed from the DNS. Then only this client fails.",
        "A connection that was not accepted, at an address that an older answer held and the newest one "
        "lacks.",
        "The failing address stands in the name's present records.",
        "Limit the age of pooled connections to the time to live of the DNS records.",
        "Keep an old address working for at least the time to live of its DNS records.",
        ("RFC 1035 section 3.2.1", "RFC 2308"),
        failure=False,
        second_capture="One that holds port 53 of the client, where this one does not: which addresses it "
        "was given, and when.",
        unplayed="The lab has no name server; the test writes the packets.",
    ),
    Cause(
        "dns-failure",
        "the name was not resolved",
        "Without an address no packet goes to the server: only the name server's answers and the program's "
        "own words tell.",
        "SERVFAIL, NXDOMAIN or silence for a name that has addresses in other answers, or that the program "
        "itself complains of.",
        "Another server, or the same one asked again, that gave an address in time.",
        "Test the resolvers in resolv.conf one by one.",
        "Make all name servers of the zone give the same answers.",
        ("RFC 2308", "RFC 8499"),
        second_capture="One that holds port 53 of the client, where this one does not: SERVFAIL, NXDOMAIN "
        "or silence.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_without_request.py.",
    ),
    Cause(
        "retransmission-loss",
        "packets were lost on the way, again and again",
        "Part of what the client sent was never acknowledged, although it was sent several times. The "
        "server did not get it.",
        "The same bytes at least three times, and no acknowledgment for them; no pause before that a NAT "
        "could have forgotten the connection in.",
        "A pause before (nat-idle-drop); only large segments lost (mtu-blackhole); a closed window "
        "(zero-window-stall).",
        "Allow for it in timeouts: the first retransmission comes after 0.2 s at least. A request that was "
        "not acknowledged can be repeated on a new connection.",
        "Look for loss on the way: a full link, a faulty cable, a firewall that dropped the connection.",
        ("RFC 6298 section 5", "RFC 8985"),
        second_capture="At the server: whether the packets arrive, and its acknowledgments are lost instead.",
    ),
    Cause(
        "zero-window-stall",
        "the server stopped taking what the client sent",
        "The server's kernel had no room left and said so (window 0): its program did not read the request "
        "any more. It was busy, stuck, or waited for something else.",
        "The server's acknowledgments have window 0 from some point on, to the end, for a second or more, "
        "and the request was not through.",
        "No acknowledgment at all (retransmission-loss).",
        "Send smaller requests, or fewer at a time; retry only what is idempotent.",
        "Find what keeps the program from reading; answer 413 or 503 early.",
        ("RFC 9293 section 3.8.6", "RFC 9293 section 3.8.6.1"),
    ),
    Cause(
        "nagle-delayed-ack",
        "messages in two small writes wait for a delayed acknowledgment",
        "A message is written in two small pieces. The second is held back until the first one is "
        "acknowledged (Nagle's algorithm), and the other side delays its acknowledgment: each such message "
        "takes 40 ms longer (Linux) or 200 ms (others).",
        "The first segment is small, its acknowledgment comes as late as the timer makes it, the second "
        "segment leaves with it; at least five times, and at least every second time that a message took so "
        "long.",
        "The pause does not end with the acknowledgment: a slow program.",
        "Set TCP_NODELAY, or write each message at once.",
        "Set TCP_NODELAY, or write each message at once.",
        ("RFC 9293 section 3.7.4", "RFC 1122 section 4.2.3.2"),
        failure=False,
        unplayed="It depends on both kernels' timers; the test writes the packets.",
    ),
    Cause(
        "slow-start-after-idle",
        "after a pause a transfer may begin slowly again",
        "After a pause longer than its retransmission timer a sender may send only as much at once as at "
        "the beginning. It costs a few round trips and is no failure.",
        "A large response after a second of idleness or more begins with at most half of the bytes that one "
        "as large began with before, on the same connection, and takes round trips more, worth 200 ms.",
        "The same pace without a pause before; loss.",
        "Nothing has to be done; larger transfers on a connection in steady use are quicker.",
        "On Linux: net.ipv4.tcp_slow_start_after_idle=0.",
        ("RFC 5681 section 4.1",),
        failure=False,
        second_capture="One at the client, where this is not: at the server the bursts do not show.",
    ),
    Cause(
        "path-change",
        "the way to the server may have changed",
        "The TTL of the server's packets is another than before. That alone explains no failure; it "
        "supports other causes.",
        "Beside a failure of the same server: in mid-connection all of its packets, other than resets, "
        "change from one TTL to another; or those on failing connections, three at least, have a TTL that "
        "is on none of the good ones. Never more than possible: another machine under the same address "
        "looks the same.",
        "The same TTL in failing and in good connections.",
        "Compare the time of the change with that of the failures.",
        "",
        ("RFC 791 section 3.1", "RFC 8200 section 3"),
        failure=False,
        second_capture="A traceroute at the time of failure, beside one at a time without.",
        remark=True,
        unplayed="Real clients and servers play it in tests/end_to_end/test_wires_syns.py.",
    ),
    Cause(
        "ecn-or-dscp-blackhole",
        "packets with marks may be dropped on the way",
        "A few old devices drop SYNs that offer ECN. Linux then tries without, so that connections come "
        "about a second late, or, with net.ipv4.tcp_ecn_fallback=0, never. Packets with a DSCP mark may "
        "fare the same; that is not looked for.",
        "SYNs with ECE and CWR get no reply, and the next one without them is answered at once. No SYN with "
        "them is ever answered from that address, and none without them lost. Likely where this happened "
        "three times, and a connection whose first SYN made no offer was answered.",
        "A SYN that offers ECN is answered; or SYNs without the offer get lost as well.",
        "Switch ECN off for a test (net.ipv4.tcp_ecn=0).",
        "",
        ("RFC 3168 section 6.1.1.1",),
        second_capture="At the server: whether the marked packets arrive.",
    ),
)
