"""Rule truncated-eof-delimited: a body without a length may have been cut, and nothing in HTTP shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.captured import is_damaged
from plainwire.diagnose.evidence.closes import client_first, ground_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .unfinished_response import response_evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def truncated_eof_delimited(failed: FailedExchange) -> Verdict | None:
    """A verdict where a body that ends with the connection was cut, or nobody can tell whether it was.

    A content coding (gzip and the like) shows that it was cut. Without one, and without a close_notify
    before the FIN, the message is not complete by RFC 9112 section 9.8, though every client takes it so:
    that is not a failure that could be seen, and nothing more than possible.
    """
    response, close = failed.exchange.response, failed.server_close
    if response is None or response.framing != "close" or close is None or close.kind == "rst":
        return None
    if close.time_ns < response.last_ns or is_damaged(failed.connection, failed.exchange):
        return None
    if client_first(failed.connection) is not None:
        return None  # the server's close only answers it
    cut = response.content is not None and response.content.cut
    vouched = close.kind != "fin" or failed.connection.tls is None or not failed.connection.decrypted
    whole = response.content is not None and response.content.complete
    if not cut and (vouched or whole or not response.body_size):
        return None
    return Verdict(
        code="truncated-eof-delimited",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.SAID, ground_of(close, failed.connection)) if cut else (Ground.GUESS,),
        facts=f"The body has no length and ends with the connection ({wording.act(close)}), after "
        f"{plurals.count(response.body_size, 'byte')}"
        + ("; its content coding says that more was to come." if cut else ".")
        + ("" if vouched else " No close_notify vouches for that end, and most clients report success.")
        + ("" if cut else " Nobody can tell whether all of it came."),
        evidence=response_evidence(response, close),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
        failure=cut,
    )
