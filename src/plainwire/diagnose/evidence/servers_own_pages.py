"""Which answers haproxy, gunicorn, uvicorn, h2o and Apache give by themselves, told by fields and length.

What these say is the same everywhere, and comes with no other fields than the server's own. An application
behind them has nearly always other ones, or another length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Request, Response

_HAPROXY = {
    400: ("400 Bad request", "Your browser sent an invalid request."),
    403: ("403 Forbidden", "Request forbidden by administrative rules."),
    408: ("408 Request Time-out", "Your browser didn't send a complete request in time."),
    429: ("429 Too Many Requests", "You have sent too many requests in a given amount of time."),
    500: ("500 Internal Server Error", "An internal server error occurred."),
    502: ("502 Bad Gateway", "The server returned an invalid or incomplete response."),
    503: ("503 Service Unavailable", "No server is available to handle this request."),
    504: ("504 Gateway Time-out", "The server didn't respond in time."),
}
_HAPROXY_PAGE = "<html><body><h1>{}</h1>\n{}\n</body></html>\n"
_HAPROXY_FIELDS = {"cache-control": "no-cache", "content-type": "text/html"}

_GUNICORN_PAGE = (
    "<html>\n  <head>\n    <title>{0}</title>\n  </head>\n  <body>\n    <h1><p>{0}</p></h1>\n    {1}\n"
    "  </body>\n</html>\n"
)
_GUNICORN_FIELDS = {"connection": "close", "content-type": "text/html"}
_BAD_REQUEST = "Bad Request"
_LONGEST_LIMIT = 8190
"""The most that gunicorn's limit_request_line may be, but for none."""
_LONG_LINE, _MANY_FIELDS = 1000, 20
"""Less than that nobody sets as a limit: such a page of the same length has another reason."""

_APACHE_DOCTYPES = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n',
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n',
)
_APACHE_PAGE = (
    "{}<html><head>\n<title>400 Bad Request</title>\n</head><body>\n<h1>Bad Request</h1>\n"
    "<p>Your browser sent a request that this server could not understand.<br />\n{}</p>\n{}</body></html>\n"
)
_APACHE_FOOT = "<hr>\n<address>{} Server at {} Port {}</address>\n"
_APACHE_SAYS = {
    "": "",
    "LimitRequestFields": "The number of request header fields exceeds this server's limit.",
    "LimitRequestFieldSize": "Size of a request header field exceeds server limit.",
}
"""By the setting whose limit was reached: the line that its page for status 400 has more."""
_APACHE_FIELDS = {"connection": "close", "content-type": "text/html; charset=iso-8859-1"}
_OWN_BAD_REQUEST = 400
"""RFC 9110 section 15.5.1."""

_H2O_WAITED = "I/O timeout"
_BAD_GATEWAY = 502
"""RFC 9110 section 15.6.3."""

_UNAVAILABLE = "Service Unavailable"
_SERVICE_UNAVAILABLE = 503
"""RFC 9110 section 15.6.4."""

_FRAMING = frozenset({"content-length", "connection", "transfer-encoding", "date"})


def may_be_a_server_s(response: Response) -> bool:
    """Whether an answer may be a server's own: an application's has mostly data, or says it in JSON."""
    kind = next((text for name, text in response.headers if name.lower() == "content-type"), "")
    return not response.body_size or kind.strip().lower().startswith("text/html")


def haproxy_s(response: Response) -> bool:
    """Whether it is haproxy's own page for its status (its default ``errorfile``)."""
    words = _HAPROXY.get(response.status)
    return (
        words is not None
        and response.body_size == len(_HAPROXY_PAGE.format(*words))
        and _has_only(response, _HAPROXY_FIELDS)
    )


def uvicorn_at_its_limit(response: Response) -> bool:
    """Whether it is what uvicorn answers by itself where ``--limit-concurrency`` is reached."""
    fields = {name.lower(): value for name, value in response.headers}
    return (
        response.status == _SERVICE_UNAVAILABLE
        and response.body_size == len(_UNAVAILABLE)
        and fields.get("connection") == "close"
        and fields.get("content-type") == "text/plain; charset=utf-8"
        and fields.get("server", "uvicorn") == "uvicorn"
        and set(fields) <= {*_FRAMING, "content-type", "server"}
    )


def h2o_gave_up_waiting(response: Response) -> bool:
    """Whether it is h2o's own answer for an upstream that did not answer in time (``proxy.timeout.io``)."""
    server = next((value for name, value in response.headers if name.lower() == "server"), "")
    return (
        response.status == _BAD_GATEWAY
        and server.startswith("h2o/")
        and response.body_size == len(_H2O_WAITED)
        and _has_only(response, {"server": server.lower(), "content-type": "text/plain; charset=utf-8"})
    )


def gunicorn_s_limit(request: Request, response: Response) -> str:
    """The setting of gunicorn's by which its page says that the request's head is too long; "" elsewhere.

    Versions before 24 answer all of them with 400.
    """
    if not _has_only(response, _GUNICORN_FIELDS):
        return ""
    line = len(f"{request.method} {request.target} {request.version}")
    digits = len(str(line))
    reasons = [
        ("limit_request_line", f"Request Line is too large ({line} &gt; {'1' * of_limit})")
        for of_limit in range(1, min(digits, len(str(_LONGEST_LIMIT))) + 1)
        if line >= _LONG_LINE
    ]
    if len(request.headers) > _MANY_FIELDS:
        reasons.append(("limit_request_fields", _in_headers("limit request headers fields")))
    if max((len(n) + len(v) for n, v in request.headers), default=0) >= _LONG_LINE:
        reasons.append(("limit_request_field_size", _in_headers("limit request headers fields size")))
    for setting, said in reasons:
        if response.body_size == len(_GUNICORN_PAGE.format(_BAD_REQUEST, said)):
            return setting
    return ""


def apache_s_limit(request: Request, response: Response, port: int) -> str:
    """The setting of Apache httpd's by which its page says that a head is too large; "" elsewhere.

    The page's foot, if it has one (``ServerSignature``), names the server as it was configured: of its names
    those are tried that are likely, and where two lines fit with them, neither is told.
    """
    fields = {name.lower(): value for name, value in response.headers}
    server = fields.get("server", "")
    if response.status != _OWN_BAD_REQUEST or not server.startswith("Apache"):
        return ""
    if not _has_only(response, {**_APACHE_FIELDS, "server": server.lower()}):
        return ""
    host = (request.authority or "").rpartition("@")[2].partition(":")[0]
    names = [(name, at) for name in (host, "localhost") for at in (port, 443, 80)]
    fitting = _apache_says(response.body_size, [""]) or _apache_says(
        response.body_size, [_APACHE_FOOT.format(server, *name) for name in names]
    )
    return fitting.pop() if len(fitting) == 1 else ""


def _apache_says(size: int, feet: list[str]) -> set[str]:
    """The settings whose page with one of these feet has that length."""
    return {
        setting
        for setting, said in _APACHE_SAYS.items()
        for doctype in _APACHE_DOCTYPES
        for foot in feet
        if size == len(_APACHE_PAGE.format(doctype, said, foot))
    }


def _in_headers(said: str) -> str:
    return f"Error parsing headers: &#x27;{said}&#x27;"


def _has_only(response: Response, wanted: dict[str, str]) -> bool:
    """Whether its fields are these, and what frames the message."""
    fields = {name.lower(): value.lower() for name, value in response.headers}
    return wanted.items() <= fields.items() and set(fields) <= {*wanted, *_FRAMING, ":status"}
