"""Family H: the client program and its host."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "response-not-taken",
        "the client did not take a response that it had",
        "The response was complete and acknowledged by the client's kernel, but the program waited until its "
        "own time limit, closed the connection and sent the request again. What reads the connection in the "
        "program was looking for something else: a 100 (Continue), the response to an earlier request, the "
        "end of a body.",
        "A complete response, acknowledged to its last byte; silence of the client's; its close; the same "
        "request again at once on another connection.",
        "A request that the program repeats by itself at that pace; a response that is not complete by its "
        "own framing.",
        "Update the HTTP library, and look at what it reads there; botocore: an empty body with Expect: "
        "100-continue.",
        "Nothing to fix on the server: it answered in full.",
        ("RFC 9110 section 10.1.1", "RFC 9112 section 6.3"),
        unplayed="No program of the lab does this: its test writes the packets.",
    ),
    Cause(
        "hidden-retry",
        "a failed request was sent again, and answered",
        "After a failed exchange the same request (method, target and body) was sent on another connection "
        "and answered. Where the program reported no error, its library hid the failure: the true failure "
        "rate is higher than the program knows, and a request that is not idempotent may have been executed "
        "twice.",
        "The same request on another connection soon after the failure, sooner than this traffic repeats it "
        "otherwise.",
        "A program that sends this request again and again by itself.",
        "Count attempts, not calls. Let only idempotent requests be repeated, or requests that the server "
        "provably did not receive; give others an idempotency key.",
        "",
        ("RFC 9110 section 9.2.2", "RFC 9112 section 9.3.1"),
        failure=False,
        by_backend=False,
        rank=1,
    ),
    Cause(
        "unsafe-retry-duplicate",
        "a request that is not safe to repeat was repeated although the server had it",
        "The server had received the whole request, and the same request was sent again: what it does may "
        "have been done twice (an order, a payment). Mostly a library repeats it without asking.",
        "The twin of a failed request with a method that is not idempotent, without an idempotency key, "
        "whose first copy the server had acknowledged.",
        "A first copy that the server never had; a program that sends equal requests by itself.",
        "Switch off automatic retries for such methods (HttpURLConnection: sun.net.http.retryPost=false), "
        "or send an Idempotency-Key.",
        "Offer idempotency keys, and look for doubles at these times.",
        ("RFC 9110 section 9.2.2",),
        failure=False,
        by_backend=False,
    ),
    Cause(
        "response-not-drained",
        "the client used the connection again before it had taken in the response",
        "A request left while the response before it was still arriving: the program did not read it to its "
        "end and did not give the connection up either.",
        "The request's own segment acknowledges the beginning of the response before it and not its end.",
        "A response that had not begun (pipelining-broken) or was complete.",
        "Read each response to its end, or close the connection.",
        "Nothing to fix on the server.",
        ("RFC 9112 section 9.3", "RFC 9112 section 9.3.2"),
        unplayed="The lab's clients read responses to their end; the test writes the packets.",
    ),
    Cause(
        "connection-shared",
        "two threads or processes used one connection at once",
        "Messages of two senders mix on one connection: answers are swapped, or records fail to decrypt. "
        "Mostly a process forked with the connection open (a server that loads before it forks, "
        "multiprocessing), and both went on with it.",
        "Two different records of one side, decrypted, authenticate with the same number under the same "
        "keys, and the other side then sent the alert bad_record_mac, or one of the two is a close_notify. "
        "Likely where the other side closed without that alert when it had the second record.",
        "A record that is sent again byte for byte; one that authenticates with no number (bad-record-mac). "
        "Without the secrets nothing is concluded. Where only the reading is shared (answers swapped), the "
        "wire shows nothing; nor can it where both ask for the same, under a cipher without random vectors.",
        "One connection per thread, or a lock; open connections after fork, not before.",
        "Nothing to fix on the server.",
        ("RFC 9112 section 9.3.2", "RFC 8446 section 5.3"),
        second_capture="The program's own view: which thread or process wrote each request.",
    ),
    Cause(
        "no-keepalive-churn",
        "the client opens a connection for each request",
        "Each request pays for a TCP and a TLS handshake although the server would keep the connection. It "
        "costs time and ports, and loads the server.",
        "At least ten connections with one request each, nine of ten of all, which the client ended and the "
        "server had not announced to close.",
        "A server that closes after each response.",
        "Use a session or a connection pool.",
        "Nothing to fix on the server.",
        ("RFC 9112 section 9.3",),
        failure=False,
        remark=True,
        unplayed="A remark: it stands beside other stories of the lab.",
        client_needs=("pool size",),
    ),
    Cause(
        "client-stall",
        "the client stopped reading, and the server gave up",
        "The client's kernel said that it could take no more: its program did not read (a blocked event "
        "loop, a pause for garbage collection, a debugger, a slow consumer). After a while the server ended "
        "the connection.",
        "The client's window was zero for a second or more up to the server's close, with the response "
        "incomplete.",
        "A window that was open; a server whose window was zero (zero-window-stall).",
        "Find what keeps the program from reading; raise its buffers.",
        "Allow slow readers more time.",
        ("RFC 9293 section 3.8.6", "RFC 9293 section 3.8.6.1"),
        second_capture="A stack trace or profile of the program at that time.",
    ),
    Cause(
        "pool-wait",
        "the request waited for a free connection of the client's pool",
        "All connections of the pool were in use. On the wire the request just starts late, or never: then "
        "only the program's words tell.",
        "The program says that it did not get a connection in time (httpx's PoolTimeout), while those that "
        "it had were open: with exchanges under way, or with responses that it had not read to the end or "
        "not closed.",
        "A request that left.",
        "Enlarge the pool, or shorten what occupies it.",
        "Nothing to fix on the server.",
        (),
        second_capture="Where the program does not give up, its own view: when each call began and got its "
        "connection.",
        made_by="testimony/without_request.py",
        unplayed="Real clients and servers play it in tests/end_to_end/test_without_request.py.",
        client_needs=("pool size",),
    ),
    Cause(
        "local-resource",
        "the client's host ran out of something",
        "No descriptors, ports, memory or processor time: the program fails without a packet, or its "
        "sockets end with its process.",
        "The program's words, or the kernel's answer to its calls: EMFILE, ENFILE, ENOBUFS, ENOMEM, "
        "EADDRNOTAVAIL.",
        "An error that a packet explains.",
        "Raise the limit that the error names; close what is no longer used.",
        "Nothing to fix on the server.",
        (),
        second_capture="For a process that was killed, the kernel's log of that time.",
        made_by="testimony/without_request.py",
        unplayed="Real clients and servers play it in tests/end_to_end/test_without_request.py.",
    ),
    Cause(
        "client-own-error",
        "the client says that it failed for a reason of its own",
        "The program ended with a status that stands for something which only it can know: an option or a "
        "file of its own, a rule of its own about the server's certificate or about the response.",
        "The exit status of curl, which has a number for each of its reasons, or words that HTTP/2 clients "
        "have for a GOAWAY, and no failure on the wire that another finding explains.",
        "A failure on the wire that explains the status; a status that is about the network.",
        "Do what the status's meaning asks for: see the claim.",
        "Nothing to fix on the server, unless the claim names something of it.",
        (),
        by_backend=False,
        second_capture="The client's own messages: curl -v.",
        made_by="testimony/own_errors.py",
        unplayed="Real clients and servers play it in tests/end_to_end/test_curl_statuses.py.",
        lasting=True,
    ),
    Cause(
        "client-bug-request",
        "the request breaks the rules of HTTP, or its server's",
        "The request itself is not as HTTP wants it (no Host, a length that does not fit, a malformed "
        "line), or has a path that strict servers refuse as ambiguous (%2F), and the server said so.",
        "Defects of the request, decrypted, and a response of 400, 411 or 505.",
        "A response that no request had asked for (unsolicited-408); a request without defects.",
        "Mend the request: plainwire show names the defect.",
        "Nothing to fix on the server.",
        ("RFC 9112 section 3.2", "RFC 9112 section 6.3", "RFC 9110 section 15.5.1"),
    ),
    Cause(
        "suspend-resume",
        "the client's machine was paused",
        "A laptop slept or a virtual machine was stopped. Afterwards all connections are older than their "
        "servers' idle timeouts, and the first use of each fails.",
        "The client's clock of TCP timestamps, which stands still meanwhile, went on by at least 10 s less "
        "between two SYNs than the capture's; connections that were idle over that time failed by it.",
        "A clock that went on; SYNs of this client that show another pace.",
        "Close pooled connections on resume.",
        "Nothing to fix on the server.",
        ("RFC 9112 section 9.5",),
        failure=False,
        second_capture="Where no SYN shows it, the machine's own log of suspends.",
        remark=True,
        unplayed="No test can suspend the machine that it runs on; it writes the packets.",
    ),
)
