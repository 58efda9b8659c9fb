"""Rule not-http: what answers at that port speaks another protocol than HTTP.

SSH, mail and database servers greet whoever connects, or answer a request with an error of their own. Nobody
breaks a rule of HTTP there: the client went to the wrong port.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Response

_SAID = re.compile(r"\d+ bytes? that (?:is|are) no response: '(.*)'")
"""How the reader of responses notes bytes in which there is no status line."""
_PROTOCOLS = (
    ("SSH", re.compile(r"SSH-[12]\.")),
    ("SMTP or FTP", re.compile(r"220[ -]|(?:500|502|503) \d\.\d\.\d ")),
    ("POP3", re.compile(r"\+OK ")),
    ("IMAP", re.compile(r"\* (?:OK|PREAUTH|BYE)\b")),
    ("Redis", re.compile(r"-(?:ERR|NOAUTH|DENIED|NOPERM|WRONGPASS)\b")),
    ("MySQL", re.compile(r".(?:\\x[0-9a-f]{2}){3}(?:\\n|\\t)\d{1,2}\.\d|.\\x00\\x00\\x00\\xff")),
    ("PostgreSQL", re.compile(r"E\\x00\\x00.{1,5}S(?:FATAL|ERROR)")),
    ("VNC", re.compile(r"RFB 00\d\.")),
    ("AMQP", re.compile(r"AMQP(?:\\x0|\\t)")),
    ("memcached", re.compile(r"ERROR\\r\\n(?:ERROR|$)")),
)
"""How servers begin, as the reader quotes them: RFC 4253 section 4.2, RFC 5321 section 4.2, RFC 959,
RFC 1939, RFC 9051, RFC 6143, and the protocols' own documents."""


def not_http(failed: FailedExchange) -> Verdict | None:
    """A verdict where what came instead of a response, or ahead of it, is how another protocol begins."""
    first, request = failed.connection.exchanges[:2], failed.request
    found = next((known for e in first if (known := _spoken(e.response)) is not None), None)
    if found is None or failed.exchange.id not in [e.id for e in first]:
        return None
    response, name, said = found
    ahead = request.time_ns - response.time_ns
    when = f", {wording.span(ahead)} before the request left" if ahead > 0 else " to the request"
    word = "greeting" if ahead > 0 else "answer"
    return Verdict(
        code="not-http",
        connection=failed.connection,
        exchanges=tuple(e.id for e in first if e.id == failed.exchange.id or e.response is response),
        fault="client",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts=f"The server's {word}{when} is one of {name}, and no HTTP.",
        evidence=(
            Evidence(request.packet, "the request, in HTTP"),
            Evidence(response.packet, f"the server's {word}, in {name}"),
        ),
        quotes=(Quoted(response.packet, f"the server's {word}", said),),
        runner_up="bad-framing: refuted, these are the first words of another protocol",
        retry_safe=True,
        time_ns=min(request.time_ns, response.time_ns),
    )


def _spoken(response: Response | None) -> tuple[Response, str, str] | None:
    """What protocol's first words stand where a status line should, and the words."""
    if response is None or response.status:
        return None
    said = next((match[1] for defect in response.defects if (match := _SAID.match(defect))), "")
    name = next((name for name, form in _PROTOCOLS if form.match(said)), None)
    return None if name is None else (response, name, said)
