"""Family websocket: WebSockets that did not begin, or did not end in order."""

from plainwire.diagnose.causes.cause import Cause

from .close_codes import WEBSOCKET_CLOSE

CAUSES: tuple[Cause, ...] = (
    *WEBSOCKET_CLOSE.causes(),
    Cause(
        "websocket-abnormal-close",
        "a WebSocket ended without a Close frame",
        "A WebSocket ends with a Close frame from each side; here the connection just ended (1006 in most "
        "libraries). After the same silence each time it is an idle limit: nginx's proxy_read_timeout "
        "(60 s), HAProxy's timeout tunnel, a load balancer's. In the middle of traffic a process or a proxy "
        "died, or was restarted.",
        "FIN, close_notify, RST, RST_STREAM or END_STREAM, and no Close frame of either side before it.",
        "A Close frame of either side; a PING that waited for its response (websocket-ping-timeout).",
        "Send PINGs, or messages, more often than the limit; reconnect after a pause.",
        "Raise the limit for this path (proxy_read_timeout, timeout tunnel), or have the server send PINGs "
        "more often than it; send a Close frame before a restart.",
        ("RFC 6455 section 7.1.5", "RFC 6455 section 5.5.1", "RFC 6455 section 5.5.2"),
        second_capture="One behind the proxy: which of the two connections ended first.",
    ),
    Cause(
        "websocket-ping-timeout",
        "a PING was not answered in time",
        "Libraries send PINGs and end a WebSocket when no PONG comes in time (20 s by default in Python's "
        "websockets). The other side's program answers PINGs only while it reads: one that computes, sleeps "
        "or waits in a callback does not.",
        "A PING without a PONG, and the end of the WebSocket by the side that had sent it, at least 100 ms "
        "and three round trips later.",
        "A PONG in time; an end by the other side.",
        "If the client did not answer: do not block the loop that reads (use threads, or await). If the "
        "server did not: reconnect.",
        "If the server did not answer: do not block its loop. Allow more time (ping_timeout) for clients "
        "that are busy.",
        ("RFC 6455 section 5.5.2", "RFC 6455 section 5.5.3"),
    ),
    Cause(
        "websocket-upgrade-refused",
        "a request for a WebSocket was answered with something else",
        "A WebSocket begins with a request to change the protocol; Upgrade and Connection are for one hop "
        "only, and a proxy that does not pass them on makes an ordinary request of it, which is answered as "
        "one: 400, 404, 426, or 200 with a page.",
        "A request with Upgrade: websocket (in HTTP/2 the pseudo-header field :protocol), and a final "
        "response with another status than 101 (in HTTP/2 than 200).",
        "101: a WebSocket began.",
        "Check path, credentials and Origin.",
        "Pass the fields on: in nginx proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade and "
        'Connection "upgrade"; see that the path is the WebSocket\'s.',
        ("RFC 6455 section 4.1", "RFC 9110 section 7.8", "RFC 8441 section 5"),
    ),
)
