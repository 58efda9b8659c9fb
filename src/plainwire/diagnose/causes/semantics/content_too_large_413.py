"""Rule content-too-large-413: the server says that the request's body is larger than it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS

from .status import TOO_LARGE, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict


def content_too_large_413(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests with a body that were answered with 413 (RFC 9110 section 15.5.14)."""
    return [_verdict(case, exchanges) for case in exchanges.errors if _is_refused(case)]


def _is_refused(case: Answered) -> bool:
    return case.response.status == TOO_LARGE and bool(_size(case) or case.request.framing == "chunked")


def _verdict(case: Answered, exchanges: AnsweredExchanges) -> Verdict:
    size = _size(case)
    what = f"The request's body has {plurals.count(size, 'byte')}"
    if case.request.declared_size is None and not case.request.complete:
        what = f"Of the request's body {plurals.count(size, 'byte')} had left"
    taken = [_size(other) for other in exchanges.neighbours(case) if other.response.status < ERROR_STATUS]
    smaller = [number for number in taken if 0 < number < size]
    before = f" The largest that was accepted here has {max(smaller)} bytes." if smaller else ""
    return status_verdict(
        "content-too-large-413",
        case,
        f"{what}, and the server answered with status 413: more than it takes, or a gateway ahead of it. The "
        f"client got the whole answer.{before}",
        "unknown",
        "a limit that is not about the size (a buffer for a renegotiation, a quota): the answer's body may "
        "say so",
    )


def _size(case: Answered) -> int:
    return case.request.declared_size or case.request.body_size
