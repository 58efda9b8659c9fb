"""Family E: what HTTP says."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "early-response-stall",
        "the response was there while the client still waited to send",
        "The server answered before it had all of the request (413, 401, a redirect, or success), and took "
        "no more of it. The client did not look: it went on sending until its window or its buffer was full, "
        "and then hung until a time limit of its own. The status that explains everything is never seen.",
        "A complete response ahead of the request's end, more of the body sent behind it, and then a long "
        "wait of the client's.",
        "A client that resets the stream or stops sending when the response has come; a response that is not "
        "complete.",
        "Read while sending: use an HTTP library that takes early responses, and ask with Expect: "
        "100-continue before large uploads.",
        "Raise the limit that was hit (nginx: client_max_body_size), or read the rest of the body and throw "
        "it away.",
        ("RFC 9113 section 8.1", "RFC 9112 section 9.3", "RFC 9110 section 15.5.14"),
        unplayed="No program of the lab does this: its test writes the packets.",
        server_needs=("body size limit",),
    ),
    Cause(
        "client-certificate-rejected",
        "the client's certificate was refused by the HTTP response",
        "The server asked for a client certificate, let the handshake pass, and refused the request: the "
        "client had sent none, or one that is out of date, or one that is not accepted there. The exception, "
        "if any, names only the status.",
        "The server's CertificateRequest, the client's empty or outdated Certificate, and a status 400, "
        "403, 495 or 496 for the first request; or the same request accepted with another certificate.",
        "A request with the same certificate that is accepted; a certificate in time and a request that is "
        "malformed by itself (client-bug-request).",
        "Give the client the right certificate and its key (requests: cert=, curl: --cert and --key, Go: "
        "tls.Config.Certificates, Node.js: cert and key), and renew it before it expires.",
        "Say in the response's body what is wrong with the certificate; check the authorities that are "
        "accepted (nginx: ssl_client_certificate, ssl_verify_depth) and the clocks.",
        ("RFC 8446 section 4.4.2", "RFC 5280 section 4.1.2.5"),
        unplayed="Real clients and servers play it in tests/end_to_end/test_refused_certificates.py.",
        client_needs=("client certificate",),
        lasting=True,
    ),
    Cause(
        "gateway-holds-back",
        "a gateway kept the response to itself",
        "A gateway that buffers waits for more of a response before it passes any of it on. For a stream of "
        "events, which comes in small pieces over a long time, that may be forever: the client sees nothing "
        "and gives up. nginx buffers unless proxy_buffering is off, and gathers what is below "
        "postpone_output; compression holds back as well.",
        "Both sides of the gateway in one capture: the response's first bytes arrive at it at least half a "
        "second before the client gives up, and none of its body leaves.",
        "A body that was passed on; a response that had not begun behind the gateway either.",
        "Nothing to fix on the client; ask for less buffering (Accept: text/event-stream, no "
        "Accept-Encoding).",
        "Turn buffering off for this path: proxy_buffering off or X-Accel-Buffering: no (nginx), "
        "flushpackets=on (Apache), and no compression of event streams.",
        ("WHATWG HTML section 9.2.7", "RFC 9110 section 7.6"),
        unplayed="The lab captures in front of its gateways only; the test writes both sides.",
        server_needs=("buffering",),
    ),
    Cause(
        "event-stream-error",
        "an error was reported inside a stream of events",
        "The response has a status of success: the error came when the stream had begun, and could only be "
        "told by an event of its own. Clients that look at the status alone take the stream for a success, "
        "with less in it. The words of the event are quoted.",
        "An event of the name error, or whose data is an object with an error in it, in a text/event-stream.",
        "An event that only carries data about errors.",
        "Look at each event for an error, as at the status. Retry the request if the error says so "
        "(overload, rate limit), after a pause.",
        "Look for the failure that the event reports.",
        ("WHATWG HTML section 9.2.6",),
    ),
    Cause(
        "event-stream-unfinished",
        "a stream of events ended in order, without its closing event",
        "The protocol in the stream ends with an event of its own ([DONE], message_stop, "
        "response.completed). Here HTTP's message is whole and that event is missing: what produced the "
        "events stopped early, or a proxy in between ended the message in its place. Clients mostly report "
        "success, with less in it.",
        "Events of a known protocol, the end of HTTP's message, and no closing event and no error between.",
        "A closing event; a connection that was cut (response-truncated); a client that closed first.",
        "Take a stream without its closing event for a failure.",
        "Look for what ended the stream: a worker that died, an upstream that closed, a time limit of a "
        "proxy that then ends the message as if it were whole.",
        ("WHATWG HTML section 9.2",),
        second_capture="One behind the server: whether the closing event came there, and how its source "
        "ended.",
    ),
    Cause(
        "stream-idle-timeout",
        "a response was cut by a time limit after silence",
        "The response had begun and its sender was at work, or waiting, without a byte to send. Whatever "
        "ends the connection, or something behind it, allows only so much silence and then cuts the "
        "response: nginx's proxy_read_timeout (60 s), HAProxy's timeout server, a cloud load balancer's idle "
        "timeout, a worker's. Streams of events and of language models are the usual victims: they pause.",
        "The server's side cuts a begun response (FIN, close_notify, RST_STREAM) after the same silence each "
        "time, or once after a round time, and no response survived a longer one. Or it ends streams of "
        "events in order, without another byte, after the same silence each time.",
        "Silences that differ: then what is behind the server fails, or ends by itself (response-truncated). "
        "A response of the same kind that went on after a longer pause.",
        "Take the cut for an error, and reconnect where the stream can be taken up again (Last-Event-ID).",
        "Send a heartbeat (a comment line in an event stream, an empty message) at less than half of the "
        "limit, or raise it for this path: proxy_read_timeout, timeout server, a balancer's idle timeout.",
        ("RFC 9112 section 8", "RFC 9113 section 5.4.2", "WHATWG HTML section 9.2.7"),
        second_capture="One behind the server: whether it was silent there too, and who ended it.",
        server_needs=("stream idle timeout",),
    ),
    Cause(
        "100-continue-stall",
        "the client waited for a 100 (Continue) that did not come",
        "The client sent the head of its request with 'Expect: 100-continue' and waited before it sent the "
        "body. The server neither told it to go on nor answered. Most clients go on by themselves after "
        "about a second; some wait forever.",
        "The server acknowledged the head, no 1xx and no response came, and the body left only after a "
        "pause, or never.",
        "A 100 ahead of the body; a head that was not acknowledged.",
        "Send no Expect field (curl: -H 'Expect:'), or wait for a short time only.",
        "Answer 100 or a final status as soon as the head is there; see that a proxy does not take the "
        "field away.",
        ("RFC 9110 section 10.1.1",),
        client_needs=("expect",),
    ),
    Cause(
        "content-length-mismatch",
        "the server sent more than it had announced",
        "Behind the announced end of a response came more bytes. A client that uses the connection again "
        "takes them for the beginning of the next response; others drop the connection.",
        "Bytes behind the end of a response that do not begin with a status line.",
        "Bytes that are a response themselves (response-desync); fewer bytes than announced "
        "(response-truncated).",
        "Do not use such a connection again.",
        "Count the bytes, not the characters, after compression; send no body with 204, 304 and to HEAD.",
        ("RFC 9112 section 6.3", "RFC 9110 section 8.6"),
    ),
    Cause(
        "response-desync",
        "a response does not belong to the request that it seems to answer",
        "The server sent a response that no request had asked for, or the response to another request. From "
        "there on each response on the connection may be that to the request before: clients get others' "
        "data.",
        "A response that was sent before the next request had arrived, or one that has another request's "
        "identifier.",
        "Packets that changed places in the capture; a 408 on an idle connection (unsolicited-408).",
        "Close a connection on which anything unasked arrives; compare identifiers.",
        "Close the connection whenever its state is in doubt. Treat it as a matter of security: it can show "
        "one user's data to another.",
        ("RFC 9112 section 9.2", "RFC 9112 section 9.3.2"),
    ),
    Cause(
        "bad-framing",
        "the response breaks the rules of HTTP",
        "The response cannot be read as its own fields say: a chunk whose size is no number, two lengths "
        "that differ, a line that is not a field. Clients guess differently, or hang up.",
        "The decrypted bytes of the response break the framing; which rule is told.",
        "Bytes missing from the capture.",
        "Do not retry it on the same connection.",
        "Correct what writes the response: one length only, well-formed chunks, no body with 204 and 304, or "
        "to HEAD.",
        ("RFC 9112 section 6.1", "RFC 9112 section 6.3", "RFC 9112 section 7.1"),
    ),
    Cause(
        "not-http",
        "what answers at that port does not speak HTTP",
        "The server greeted the client, or answered its request, in another protocol: SSH, mail, a database. "
        "Clients call that a bad status line, HTTP/0.9, or a parse error, and hang up.",
        "The server's first bytes are those with which another protocol begins.",
        "A status line in them; bytes that no known protocol begins with (bad-framing).",
        "Mend the port in the URL.",
        "Nothing to fix, if another service is meant to be there.",
        ("RFC 9112 section 4",),
        by_backend=False,
        unplayed="No server of the lab speaks another protocol: the test writes the packets.",
        lasting=True,
    ),
    Cause(
        "content-encoding-corrupt",
        "the body cannot be decoded",
        "The body came whole, but it is not what its Content-Encoding says: its checksum is wrong, it ends "
        "too early, or it is something else.",
        "The message's framing is satisfied, and undoing the content coding fails.",
        "A body that was cut on the way (response-truncated).",
        "Ask for it without coding (Accept-Encoding: identity) until it is fixed.",
        "Look for what changes bodies behind the compression, or compresses twice; clear caches.",
        ("RFC 9110 section 8.4", "RFC 1952 section 2.3.1"),
    ),
    Cause(
        "slow-first-byte",
        "the server took much longer than usual to answer",
        "The request had arrived, and the response began very late, compared with other requests of the same "
        "kind.",
        "More than a second, more than ten times the median of at least eight others with the same method "
        "and path, and at most a quarter of them as slow; the request was acknowledged in time.",
        "A request that was acknowledged late (retransmission-loss); a kind of request that is always slow.",
        "Set timeouts for what the server really takes.",
        "Look into the server's log for this moment: a lock, a cold start, a slow backend.",
        ("RFC 9110 section 15.6.5",),
        failure=False,
        second_capture="At the server: between it and what is behind it.",
    ),
    Cause(
        "slow-body-stall",
        "the body stopped in its middle",
        "The response had begun and its length was known, when the server fell silent for long, though the "
        "client had taken everything and had room for more.",
        "Two seconds or more without new bytes, ten times what others of the same kind take for the whole "
        "body; or until the client gave up. All bytes before are acknowledged, and the client's window is "
        "open.",
        "Bytes that were lost and sent again; a closed window of the client.",
        "Set a timeout for the time between bytes, and fetch the rest with a range request.",
        "Look for what is behind the server: an upstream that stalls, a buffer that fills.",
        ("RFC 9112 section 9.5", "RFC 9110 section 14.2"),
        failure=False,
        client_needs=("read timeout",),
    ),
    Cause(
        "request-body-timeout",
        "the server did not get the rest of the request in time",
        "The client announced a body and did not send all of it, or not in time; the server gave up (408, "
        "or a close).",
        "Status 408 to a request that had begun to arrive; or the server's close on a request of which "
        "fewer bytes were sent than announced, all of them acknowledged.",
        "A 408 before any byte of a request had arrived (unsolicited-408).",
        "Announce the true length, and send the body without pauses; see what it is read from.",
        "Set the limit (client_body_timeout, RequestReadTimeout) for what clients really need.",
        ("RFC 9110 section 15.5.9", "RFC 9112 section 9.5"),
        server_needs=("request read timeout",),
    ),
    Cause(
        "rate-limited",
        "the server refused the request because there were too many",
        "The server counts requests and refuses what is beyond its limit (429, or 503 with Retry-After). "
        "Where it said how long to wait and the client came earlier, the client is the one to change.",
        "Status 429, or 503 with Retry-After, that no later success of the same request made good; for the "
        "client's fault: a Retry-After that was not over.",
        "503 without Retry-After (overload-5xx); a retry after the time that was asked for, with success.",
        "Wait as long as Retry-After says; send fewer at a time.",
        "Send Retry-After, and say what the limit is.",
        ("RFC 6585 section 4", "RFC 9110 section 10.2.3", "RFC 9110 section 15.6.4"),
        client_needs=("retries of statuses",),
    ),
    Cause(
        "overload-5xx",
        "the server answered with an error of its own",
        "A status of 500 and more says that the server, not the request, is at fault: overload, a crash, a "
        "backend that is not there.",
        "A status of 500 and more (501, 505 and 511 left out) that no other rule explains.",
        "504 (gateway-timeout); 503 that asks to wait (rate-limited); one place only "
        "(method-or-path-specific-crash); one server only (sick-backend).",
        "Retry what is idempotent, later and later (503); report the time and the request's identifier.",
        "Look into the log for this moment; answer 503 with Retry-After where it is overload.",
        ("RFC 9110 section 15.6", "RFC 9110 section 9.2.2"),
        client_needs=("retries of statuses",),
    ),
    Cause(
        "gateway-timeout",
        "a gateway gave up waiting for what is behind it",
        "The endpoint is a gateway, and the server behind it did not answer in time. The same wait each "
        "time is the gateway's timer.",
        "Status 504 (or 524); the time to the first byte is told, and whether all of them agree.",
        "Another status; a wait that varies is the server's own.",
        "Ask for less at a time, or for a job whose result is fetched later; retry only what is idempotent: "
        "it may have been done.",
        "Find what makes the server behind the gateway slow; raise the gateway's limit above what requests "
        "need.",
        ("RFC 9110 section 15.6.5",),
        server_needs=("upstream read timeout",),
    ),
    Cause(
        "misdirected-421",
        "the connection was not for the name of the request",
        "The client used a connection for another name than the one it was opened for, or the server is not "
        "set up for the name. The client may try another connection.",
        "Status 421, and no later success of the same request.",
        "The same request succeeded on another connection: then all is as it should be.",
        "Retry it on a new connection for this name.",
        "Set all names of the certificate up on all servers, or use a certificate for fewer names.",
        ("RFC 9110 section 15.5.20", "RFC 9113 section 9.1.1"),
    ),
    Cause(
        "sick-backend",
        "the failures keep to one of several servers",
        "Tries that went to one address (or to one server behind it, as a header field says) fail far more "
        "often than those that went to the others.",
        "Fisher's exact test over all tries for the same name, times the number of servers, below 0.01; at "
        "least three failures there, and a rate more than three times that of the others.",
        "Equal rates: the others were only tried less often.",
        "Leave the address out until it is fixed, and name it to the operator.",
        "Take the server out, and let health checks do what clients do.",
        ("RFC 9110 section 15.6",),
        failure=False,
        unplayed="Real clients and servers play it in tests/end_to_end/test_backends.py.",
    ),
    Cause(
        "redirect-loop",
        "redirects lead back to where they began",
        "Following redirects, the client came to the same place again and again, until it gave up.",
        "The same method, URL and cookies were redirected three times at least, in one chain.",
        "Other cookies each time: it may come to an end.",
        "Keep cookies between the steps of a chain; ask for the address that the server prefers.",
        "See that scheme, host and slash of the redirects agree on all servers.",
        ("RFC 9110 section 15.4",),
        by_backend=False,
    ),
    Cause(
        "redirect-changed-request",
        "a redirect lost the method or the credentials of the request",
        "The client followed a redirect, and what it asked there is not what the program had asked: clients "
        "make a GET of a POST at 301 and 302, and send no Authorization to another origin. The status at the "
        "end (401, 405, 404, or even a success) says nothing of this.",
        "A request with Authorization, its redirect to another scheme, host or port, and a request there "
        "without it that is answered with 401; or a POST, PUT, PATCH or DELETE that is redirected with 301 "
        "or 302, and a GET at that place.",
        "The same method and credentials in the request that followed: then the status speaks of them. A "
        "303, or another place that answers the GET: so are forms answered.",
        "Ask for the address that the redirect names from the start (https, the slash at the end, the other "
        "host), with the credentials meant for it; or follow redirects by hand. Do not send credentials to "
        "any host that a redirect names (curl --location-trusted).",
        "Redirect with 307 or 308 where the method is to stay, and not to another host where credentials are "
        "needed: put them into the URL as a short-lived signature, or pass the request on (a proxy).",
        ("RFC 9110 section 15.4", "RFC 9110 section 15.4.2", "RFC 9110 section 15.4.3"),
        by_backend=False,
        unplayed="curl and nginx play it in tests/end_to_end/test_wires_messages.py.",
        lasting=True,
    ),
    Cause(
        "auth-expired-mid-run",
        "credentials that were good are refused from some moment on",
        "The same credentials were accepted for the same kind of request, and refused (401, 403) from some "
        "time on: they expired in the middle of the run.",
        "Successes before and none after, with the same credentials at the same place.",
        "A success after it with new credentials: then the client renewed them, as it should.",
        "Renew the credentials before they expire, or at the first 401.",
        "Say in the response why (WWW-Authenticate with error), and how long tokens last.",
        ("RFC 9110 section 15.5.2", "RFC 9110 section 11.6.1", "RFC 6750 section 3.1"),
    ),
    Cause(
        "clock-skew-signature",
        "a signed request was refused, and the clocks differ",
        "Signatures and tokens contain times. The server's Date is minutes away from the capture's clock, "
        "and a request with credentials was refused.",
        "401 or 403 to a request with an Authorization field, and a Date (not of a cache) more than five "
        "minutes away.",
        "Clocks that agree.",
        "Set the clock (NTP); sign requests just before they are sent.",
        "Set the clock, if it is the server's; the Date tells which.",
        ("RFC 9110 section 6.6.1", "RFC 7519 section 4.1.4"),
    ),
    Cause(
        "read-after-write-miss",
        "what was just written was missing for a while",
        "A write succeeded, a read soon after it found nothing, a later one found it. The server's copies "
        "do not agree at once.",
        "PUT with success, 404 within a minute, then success without another write.",
        "It was deleted between; it was never there.",
        "Wait and read again after a write, or use the write's own response.",
        "Read from where was written, or say that reading is consistent only later.",
        ("RFC 9110 section 9.3.4", "RFC 9111 section 4"),
    ),
    Cause(
        "content-too-large-413",
        "the request's body is larger than the server takes",
        "The server, or a gateway ahead of it, has a limit for bodies of requests, and this one was above "
        "it. The limit is often a default that nobody chose: 1 MB in nginx, 100 kB in Express.",
        "Status 413 to a request with a body, in a response that the client got.",
        "A request without a body (header-growth-431); a close or reset that kept the client from the answer "
        "(early-response-reset, early-response-stall).",
        "Send less at once, in parts or compressed, if the limit is meant.",
        "Raise the limit at each hop if such bodies are legitimate; say the limit in the answer.",
        ("RFC 9110 section 15.5.14",),
        by_backend=False,
        server_needs=("body size limit",),
        lasting=True,
    ),
    Cause(
        "header-growth-431",
        "the request's header has become too large for the server",
        "Header fields (cookies, mostly) grew beyond what the server takes.",
        "Status 431; or 400 or 413 to a request without body whose header is longer than 7,000 bytes and "
        "longer than any that the same place accepted; over HTTP/2 a GOAWAY with COMPRESSION_ERROR behind a "
        "header that decodes and is large, by which HAProxy and servers in Go say so.",
        "A longer header was accepted.",
        "See which fields grow; drop cookies that are not needed.",
        "Answer 431; raise the limit (nginx: large_client_header_buffers) if such headers are legitimate.",
        ("RFC 6585 section 5",),
        server_needs=("header size limit",),
        lasting=True,
    ),
    Cause(
        "stale-or-poisoned-cache",
        "a cache gave an older response after a newer one",
        "Several caches, or one and its origin, hold different versions of one thing, and which one answers "
        "changes from request to request. Of other wrong answers only the program knows.",
        "A response from a cache (Age) that its origin had made (Date) before another answer to the same "
        "request which had come earlier and was of another version (ETag).",
        "Requests that differ in what the response depends on (Accept, Cookie and the like); a response "
        "without Age.",
        "Ask again with Cache-Control: no-cache, and compare.",
        "Look at Vary: it must name all fields that the response depends on.",
        ("RFC 9111 section 4.1", "RFC 9110 section 12.5.5"),
        failure=False,
        second_capture="For other wrong answers, none: the program must say which bodies were wrong; "
        "`plainwire show` gives Age and bodies.",
        unplayed="Real clients and servers play it in tests/end_to_end/test_older_copy.py.",
    ),
    Cause(
        "method-or-path-specific-crash",
        "this request fails each time, others never",
        "The server fails at one request whatever the moment, and at no other: not a matter of timing or "
        "load.",
        "At least three of this request, all with 500 and more; at least five others to the server, none of "
        "them.",
        "It succeeded at any time; another one failed as well.",
        "Take the request apart until the part is found at which the server fails.",
        "Play this request against the server: it fails each time.",
        ("RFC 9110 section 15.6.1",),
    ),
    Cause(
        "waf-block",
        "something in front of the server refused the request with a page",
        "Where this place gives data, a page of HTML came with an error status: a firewall for web "
        "applications, or a check for robots.",
        "403 or 406 with a page of HTML where the same place gives something else, or one of these, 429 or "
        "503 with a field that such firewalls set; and no later success.",
        "Pages from the same place in other responses.",
        "Ask the operator to let the client through; send a User-Agent that names it, and fewer requests at "
        "a time.",
        "Except the API from the check for robots, and answer errors as data.",
        ("RFC 9110 section 15.5.4",),
    ),
)
