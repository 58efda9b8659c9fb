"""Family D: the TLS handshake, and what breaks TLS later."""

from plainwire.diagnose.causes.cause import Cause

from .alerts import TLS_ALERT

CLIENT_OF_ANOTHER_NAME = (
    "Ask for a name that the certificate is for, or have the server given one for this name. Do not switch "
    "verification off."
)
SERVER_OF_ANOTHER_NAME = (
    "Use a certificate that has the name which clients ask for: a wildcard stands for one label only."
)
"""What to do about a certificate that is for another name."""

_ALERTS = ("RFC 8446 section 6.2",)

CAUSES: tuple[Cause, ...] = (
    Cause(
        "cert-refused-without-alert",
        "the client left when it had seen the server's certificate",
        "Some clients (curl, Node.js) check the certificate by themselves (its name, its issuer, its dates, "
        "its OCSP response) and close the connection without telling the server why. The server sees a "
        "client that connects and leaves; the reason is in the client's own message (curl: exit status 60 "
        "or 51, Node.js: UNABLE_TO_VERIFY_LEAF_SIGNATURE, ERR_TLS_CERT_ALTNAME_INVALID).",
        "The client closes right behind the server's certificate or the end of the handshake, without an "
        "alert and without a request, and the certificate has something that clients refuse, or the "
        "handshake was not finished.",
        "A request on another connection with the same certificate; a fatal alert; a close long after the "
        "handshake; a client that is a health check.",
        "See in the client's own message what it did not accept. Compare the name that it asks for with "
        "those in the certificate; give it the issuing authority if that is your own. REQUESTS_CA_BUNDLE, "
        "CURL_CA_BUNDLE, "
        "SSL_CERT_FILE and NODE_EXTRA_CA_CERTS override or extend what a program trusts.",
        "Use a certificate for the name that clients ask for, in time, and send the intermediate ones with "
        "it.",
        ("RFC 9525 section 6", "RFC 8446 section 4.4.2", "RFC 5280 section 6"),
        unplayed="Real clients and servers play it in tests/end_to_end/test_refused_certificates.py.",
        client_needs=("CA bundle",),
        lasting=True,
    ),
    Cause(
        "handshake-reset",
        "the connection was ended in the TLS handshake, without an alert",
        "The client began TLS, and the connection ended by FIN or RST before the handshake was finished. A "
        "server that has a reason should send an alert; devices on the way and overloaded load balancers do "
        "not.",
        "The server's first act of closing is a FIN or RST, before the handshake is complete; which message "
        "came last is told.",
        "An alert before it (then it names the reason); the client closed first.",
        "Nothing was asked yet: retrying is safe. See whether it depends on the server's name or its "
        "address.",
        "Find what ends connections here: a limit of connections, a load balancer without a backend, a "
        "crash. Send an alert.",
        (*_ALERTS, "RFC 9293 section 3.5.2"),
        second_capture="At the server: whether it sent the FIN or RST, or something on the way did.",
    ),
    Cause(
        "handshake-stall",
        "the server took the ClientHello and said nothing",
        "The server's kernel acknowledged what the client sent, but its TLS did not answer: no worker was "
        "free, or a load balancer waits for its backend. Some clients report it as a timeout of reading.",
        "All that the client sent is acknowledged, and the handshake does not go on until the client gives "
        "up.",
        "What the client sent was not acknowledged (retransmission-loss, large-clienthello-drop).",
        "Set a timeout for connecting that covers TLS, and try another address.",
        "Find what keeps TLS from answering: too few workers, a slow key store, a backend that hangs.",
        ("RFC 8446 section 4.1.3",),
        second_capture="At the server: when its program reads the ClientHello.",
        client_needs=("connect timeout",),
    ),
    Cause(
        "large-clienthello-drop",
        "a large ClientHello is not understood",
        "A ClientHello with a key share that resists quantum computers, or with many tickets, does not fit "
        "into one segment. Some servers and devices read only the first one.",
        "A ClientHello of more than 1,400 bytes gets a reset or no reply; smaller ones to the same address "
        "are answered, and no large one is.",
        "A large one that was answered; no small one to compare with.",
        "Until the server is fixed: offer fewer groups (Go: GODEBUG=tlsmlkem=0; OpenSSL: Groups).",
        "Read records and messages that come in several segments.",
        ("RFC 8446 section 5.1", "RFC 9293 section 3.7"),
        second_capture="At the server: whether both segments arrive.",
        unplayed="No TLS library of today fails at large hellos; the test writes the packets.",
    ),
    Cause(
        "bad-record-mac",
        "a TLS record did not authenticate",
        "One side could not authenticate a record: it was changed on the way, or two processes or threads "
        "used one connection at the same time (after a fork, say), so that records were numbered twice.",
        "The alert bad_record_mac, from either side.",
        "The capture's own keys do not fit: then earlier records could not be read either. Two records that "
        "have one number (connection-shared).",
        "Never use a connection in two processes: open new ones after a fork. Retry on a new connection.",
        "If the server forks: open no TLS session before that which both processes use.",
        ("RFC 8446 section 5.2", "RFC 8446 section 6.2"),
        second_capture="At the other end: whether the record's bytes are the same there.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_damage.py.",
    ),
    Cause(
        "cert-differs-by-backend",
        "one of several servers has another certificate",
        "Connections for the same name are given different certificates, and the client accepts one and "
        "refuses the other: a server behind the name was forgotten when the certificate was renewed.",
        "The refused certificate is never accepted, another one for the same name is, at least twice.",
        "The same certificate was accepted elsewhere.",
        "Tell the operator which address gave which certificate.",
        "Put the new certificate on all servers, and compare them from outside.",
        ("RFC 8446 section 4.4.2",),
        unplayed="Real clients and servers play it in tests/end_to_end/test_backends.py.",
    ),
    Cause(
        "chain-incomplete",
        "an intermediate certificate is missing",
        "The server sends its own certificate without the one of its issuer. Clients that have it from "
        "elsewhere accept it, others do not.",
        "The same certificate was accepted on another connection with more certificates behind it, and "
        "refused here.",
        "It was refused with the same chain everywhere: a matter of the client's trust.",
        "Give the client the intermediate certificate until the server sends it.",
        "Send all certificates but the root.",
        ("RFC 8446 section 4.4.2",),
        unplayed="Real clients and servers play it in tests/end_to_end/test_failing_handshakes.py.",
        client_needs=("CA bundle",),
        lasting=True,
    ),
    Cause(
        "clock-skew-cert",
        "the certificate is not valid yet: somebody's clock is wrong",
        "The client refused a certificate whose time has not begun, by the capture's clock. Either that "
        "clock is slow, or the certificate was made for a later time.",
        "The certificate's notBefore lies after the time of the capture; the Date of responses tells whose "
        "clock is wrong.",
        "The certificate's notBefore is earlier than that.",
        "Set the clock (NTP).",
        "Let a new certificate begin some hours before it is used.",
        ("RFC 5280 section 4.1.2.5", "RFC 9110 section 6.6.1"),
        unplayed="Real clients and servers play it in tests/end_to_end/test_failing_handshakes.py.",
        lasting=True,
    ),
    Cause(
        "resumption-failure",
        "connections fail when they resume a session",
        "Connections that resume a TLS session fail, those with a full handshake do not: servers behind one "
        "address that do not share their ticket keys, or lose what belonged to the session.",
        "Failures among resumed connections and among full handshakes differ by more than chance (Fisher's "
        "exact test, p below 0.01), with three on each side at least.",
        "A ticket that is refused, and a full handshake then: that is normal.",
        "Switch resumption off for a test: when it never fails then, this is it.",
        "Share ticket keys among all servers, and rotate them together.",
        ("RFC 8446 section 2.2", "RFC 8446 section 4.6.1"),
        failure=False,
        unplayed="It needs servers that share a name and not their ticket keys; the test writes the facts.",
    ),
    Cause(
        "sni-host-mismatch",
        "the request is for another name than the TLS connection",
        "The connection was opened for one name (SNI), and a request on it is for another. The server may "
        "refuse that.",
        "The request's authority is not the SNI, all such requests were refused (400, 403), and requests "
        "whose names agree were answered.",
        "Requests with names that agree are refused too.",
        "Open a connection for each name, or use it for names only that its certificate covers.",
        "Answer 421.",
        ("RFC 6066 section 3", "RFC 9110 section 7.4"),
        unplayed="The lab's server has one name; the test writes the exchanges.",
    ),
    Cause(
        "early-data-rejected",
        "a request in early data was refused",
        "The client sent a request in its first flight (0-RTT). The server did not take it, or answered 425 "
        "(Too Early). The client has to send it again after the handshake.",
        "Status 425, and the same request was not answered afterwards.",
        "It was sent again and answered: that is normal.",
        "Send a refused request again after the handshake, or use no early data.",
        "Nothing to fix: refusing early data is allowed.",
        ("RFC 8446 section 4.2.10", "RFC 8470 section 5.2"),
        unplayed="The lab's clients send no early data; the test writes the exchanges.",
    ),
    Cause(
        "renegotiation-or-postauth-stall",
        "the server asked for another handshake, and got none",
        "A server may ask for a certificate only when a request needs it: by renegotiation, or after the "
        "handshake in TLS 1.3. Clients that cannot do this hang, or the connection ends, or they get 403.",
        "Decrypted, between a request and its answer: HelloRequest or CertificateRequest, which the client "
        "had and did not answer, or answered with the alert no_renegotiation or without a certificate; and "
        "then the connection ended (proved where the server's alert follows the refusal; without a refusal "
        "200 ms later or more), or the request was answered with 403 (without a refusal 200 ms later or "
        "more).",
        "The client began the handshake, or gave a certificate. A client that did not offer to be asked "
        "(post_handshake_auth) is not asked by most servers, only refused: the wire shows no question then, "
        "and this is not concluded.",
        "Allow for it (Python: post_handshake_auth), or give the certificate at once.",
        "Ask for the certificate in the first handshake, or on another name. Never ask so in HTTP/2.",
        (
            "RFC 5246 section 7.4.1.1",
            "RFC 8446 section 4.2.6",
            "RFC 8446 section 4.6.2",
            "RFC 9113 section 9.2.1",
            "RFC 9113 section 9.2.3",
        ),
        second_capture="Where no question is on the wire: the server's own log, which says what it missed.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_questions.py.",
    ),
    Cause(
        "clear-text-to-tls-port",
        "the client spoke clear text to a port that speaks TLS",
        "An http URL with the port of https, a client that was told not to use TLS, or a proxy that hands on "
        "in clear text: the server cannot read the request and answers 400, closes or resets.",
        "A first request in clear text to a port of TLS (443 and the like, or one that speaks TLS on another "
        "connection), and status 400 with a close, or a close or reset at once.",
        "A request in clear text to the same port that is answered; a request to a proxy.",
        "Use https in the URL, or the port of http.",
        "Nothing to fix on the server; it can redirect (nginx: error_page 497).",
        ("RFC 9110 section 4.2.2",),
        by_backend=False,
        lasting=True,
    ),
    Cause(
        "plaintext-on-tls-port",
        "the answer to TLS came in clear text",
        "The client began TLS, and what came back was HTTP in clear text: a port without TLS, one server of "
        "several that is set up wrong, or a captive portal. Clients report a wrong version number.",
        "The first bytes of the server are a HTTP response outside TLS.",
        "A TLS record came first.",
        "Check scheme and port of the URL; behind a captive portal: log in.",
        "Speak TLS on this port at all servers behind the address.",
        ("RFC 8446 section 5.1", "RFC 9110 section 4.2.2"),
        lasting=True,
    ),
    Cause(
        "tls-version-or-cipher-by-backend",
        "one address of the name refuses what the others accept",
        "All handshakes with one address were refused for version or cipher suites; other addresses of the "
        "same name accepted the same client.",
        "At least three refused there and none accepted, at least three accepted elsewhere (Fisher's exact "
        "test, p below 0.01).",
        "A handshake that this address accepted.",
        "Tell the operator the address.",
        "Give all servers of the name the same TLS settings.",
        (*_ALERTS, "RFC 8446 section 4.1.1"),
        failure=False,
        unplayed="The lab has one server behind its address; the test writes the facts.",
    ),
    Cause(
        "ocsp-or-crl-delay",
        "the client waited in the handshake for news of a revocation",
        "Some clients ask a third server, over clear text HTTP, whether the certificate was revoked, before "
        "they go on. Where that server is slow, every new connection is.",
        "The client said nothing for 200 ms or more between the server's part of the handshake and its own "
        "next bytes, and in that pause the same client address had, from request to answer, an exchange in "
        "clear text about revocation (OCSP, or a list), which took half of it or more.",
        "No such exchange in the pause; a resumed session, which has no certificate to ask about. A "
        "question that got no answer is not counted: it may have waited for something else.",
        "Switch the check off for a test, or let the server staple the answer.",
        "Staple OCSP answers.",
        ("RFC 6960", "RFC 6066 section 8", "RFC 5280 section 4.2.2.1"),
        failure=False,
        unplayed="Real clients and servers play it in tests/end_to_end/test_revocation.py.",
    ),
    *TLS_ALERT.causes(),
)
