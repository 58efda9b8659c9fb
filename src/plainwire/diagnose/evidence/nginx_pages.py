"""Which of nginx's own pages an error came with, told by its length: its words are the same everywhere.

The page's foot repeats the Server field, so that its length is known to the byte. What an application behind
nginx answers has nearly always another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Response

_LINES = (
    "<html>",
    "<head><title>{title}</title></head>",
    "<body>",
    "<center><h1>{heading}</h1></center>",
    "{more}<hr><center>{server}</center>",
    "</body>",
    "</html>",
)
_LINE_END = len("\r\n")
_PADDING = 6 * len("<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n")
"""What it adds for clients that call themselves MSIE or Chrome."""

LIMITED = "503 Service Temporarily Unavailable"
TOO_LARGE_HEADER = "400 Request Header Or Cookie Too Large"
_PAGES = {
    503: ((LIMITED, LIMITED, ""),),
    400: (
        (
            TOO_LARGE_HEADER,
            "400 Bad Request",
            "<center>Request Header Or Cookie Too Large</center>\r\n",
        ),
    ),
}
"""By status: title, heading, and a line more."""


def page(response: Response) -> str:
    """The title of the page of nginx's own that has this response's length; "" where none has."""
    fields = {name.lower(): value for name, value in response.headers}
    server = fields.get("server", "")
    if not server.startswith("nginx") or "content-encoding" in fields:
        return ""
    if not fields.get("content-type", "").startswith("text/html"):
        return ""
    for title, heading, more in _PAGES.get(response.status, ()):
        whole = "".join(_LINES).format(title=title, heading=heading, more=more, server=server)
        size = len(whole) + _LINE_END * len(_LINES)
        if response.body_size in (size, size + _PADDING):
            return title
    return ""
