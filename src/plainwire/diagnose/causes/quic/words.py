"""Family G: HTTP/3 and QUIC."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "quic-connection-close",
        "the server closed the QUIC connection",
        "A CONNECTION_CLOSE frame ends all streams at once. Its code says what for.",
        "The server's CONNECTION_CLOSE, decrypted, before the response was complete; or before a request.",
        "A client that closed first; a stream that had been reset before.",
        "Retry the request only if its method is idempotent, or where the code or a GOAWAY says that it was "
        "not worked on.",
        "Send GOAWAY and let open requests end before closing.",
        ("RFC 9000 section 10.2", "RFC 9114 section 5.3", "RFC 9114 section 8.1"),
    ),
    Cause(
        "quic-stateless-reset",
        "the server no longer knew the QUIC connection",
        "The server answered with a stateless reset: it had lost the connection's state (a restart), or the "
        "packets went to another machine behind the load balancer.",
        "A datagram that ends with the reset token that the server had given.",
        "A CONNECTION_CLOSE, or silence.",
        "Open a new connection; retry the request if its method is idempotent.",
        "See that the load balancer routes by connection id, and that restarts drain connections.",
        ("RFC 9000 section 10.3",),
        made_by="causes/quic/quic_connection_close.py",
    ),
    Cause(
        "h3-goaway-or-rejected",
        "the server did not work on the request, and said so",
        "HTTP/3 has two ways to send a request back untouched: H3_REQUEST_REJECTED on its stream, or a "
        "GOAWAY whose number leaves it out.",
        "The server's frame, decrypted.",
        "H3_REQUEST_CANCELLED or another code: the server may have worked on it.",
        "Retry the request on a new connection, whatever its method.",
        "Announce the end early; raise the limit of requests on one connection.",
        ("RFC 9114 section 4.1.1", "RFC 9114 section 5.2", "RFC 9114 section 8.1"),
        made_by="causes/http2/h2_stream_refused.py",
    ),
    Cause(
        "quic-idle-timeout-reuse",
        "the QUIC connection's idle timeout was over",
        "Both ends say in the handshake after how much silence they forget the connection, without a word; "
        "the "
        "shorter time counts. The client used it again after that, or the response took longer and nobody "
        "sent "
        "PINGs.",
        "Both transport parameters, decrypted; a longer silence before the request and no answer to it, or a "
        "longer silence while its response was awaited.",
        "An answer: then the server still knew the connection.",
        "Do not use a connection again that was silent for longer; send PINGs while a response is awaited "
        "(quic-go: KeepAlivePeriod).",
        "Announce a longer max_idle_timeout; send PINGs while a response takes its time.",
        ("RFC 9000 section 10.1", "RFC 9114 section 5.1"),
    ),
    Cause(
        "quic-udp-blocked",
        "no answer over UDP, while TCP works",
        "The first packets of QUIC got no answer and the client turned to TCP: a network that drops UDP, or "
        "limits it.",
        "Initial packets repeated without an answer, and a TCP connection to the same address that came "
        "about.",
        "An answer of any kind over UDP; a server that does not speak QUIC there.",
        "Try both at once; remember for a while that UDP does not pass here.",
        "See that UDP port 443 is let through and balanced like TCP.",
        ("RFC 9000 section 6.2", "RFC 9114 section 3.1"),
        failure=False,
        second_capture="One at the server: whether the packets arrive there.",
        unplayed="The lab does not drop UDP; the test writes the packets.",
    ),
    Cause(
        "quic-version-mismatch",
        "client and server have no version of QUIC in common",
        "A server that does not speak the client's version names those that it speaks, and the client comes "
        "again with one of them. Here it did not.",
        "A Version Negotiation packet in answer to the client's Initial, and a handshake that did not come "
        "about.",
        "A handshake in another version.",
        "Allow the versions that the server names, or use HTTP/2.",
        "Speak QUIC version 1 (RFC 9000) beside others.",
        ("RFC 9000 section 6", "RFC 9000 section 17.2.1"),
        unplayed="The lab's ends both speak version 1; the test writes the packets.",
    ),
    Cause(
        "quic-nat-rebinding",
        "the client's address changed under the connection",
        "NATs forget UDP mappings after half a minute or so; the next packet comes to the server from "
        "another port. It must check the new path and may drop the connection instead.",
        "Packets of one connection from two addresses, and no acknowledgment from the server after the "
        "change; where the capture lies behind the NAT.",
        "One path all the time; an acknowledgment after the change.",
        "Keep the mapping alive with PING, or open a new connection after silence.",
        "Support migration; route by connection id.",
        ("RFC 9000 section 9",),
        second_capture="One at the server: at the client the address does not change, the NAT does it on "
        "the way.",
        unplayed="The lab's NAT forgets TCP only; the test writes the packets.",
    ),
    Cause(
        "quic-pmtu-or-amplification-stall",
        "the handshake stood still because of sizes",
        "A server may send only three times what it got until it knows the client's address, and packets "
        "larger than the path takes are silently dropped.",
        "A handshake that does not come to its end, and whose Initial packets all lie in datagrams of less "
        "than 1,200 bytes. (A server at three times the client's bytes, or a path on which large packets "
        "vanish, show at the server only.)",
        "A datagram with an Initial packet of 1,200 bytes; a handshake that was completed.",
        "Pad Initials to 1,200 bytes; probe the path's size.",
        "Send shorter certificate chains.",
        ("RFC 9000 section 8.1", "RFC 9000 section 14"),
        second_capture="One at the other end: which sizes arrive.",
        unplayed="No QUIC library of today sends Initials that are too small; the test writes the packets.",
    ),
    Cause(
        "alt-svc-stale",
        "the client went to an alternative service that is gone",
        "A response had said where else the service is to be had, for how long. The client still goes there "
        "although nothing answers.",
        "An Alt-Svc field that named the place earlier and is still in force, Initial packets to it without "
        "an answer, and a sign that UDP passes: an ICMP error (port unreachable) for them, or another QUIC "
        "connection that was answered.",
        "An answer at the alternative address; UDP that passes nowhere (quic-udp-blocked).",
        "Drop an alternative that does not answer.",
        "Send Alt-Svc: clear before taking it away, and short lifetimes.",
        ("RFC 7838 section 2.2", "RFC 7838 section 3"),
        second_capture="The earlier traffic of the same client, in which the field was sent.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_wires_http3.py.",
    ),
)
