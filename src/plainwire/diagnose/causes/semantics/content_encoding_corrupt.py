"""Rule content-encoding-corrupt: the body cannot be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered


_CORRUPT, _CUT = "corrupt ", "content ends before its end"


def content_encoding_corrupt(case: Answered) -> Verdict | None:
    """A verdict where a complete body cannot be decoded as its Content-Encoding says."""
    content = case.response.content
    if content is None or (not content.defect.startswith(_CORRUPT) and not content.defect.endswith(_CUT)):
        return None
    cut = content.defect.endswith(_CUT)
    how = (
        "ends before its end"
        if cut
        else (f"is corrupt after {plurals.count(content.decoded_size, 'decoded byte')}")
    )
    return Verdict(
        code="content-encoding-corrupt",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"The body is complete by HTTP's framing ({plurals.count(case.response.body_size, 'byte')}), "
        f"but its content coding {how}.",
        evidence=(
            Evidence(
                case.response.packet, f"the response, status {case.response.status}, with a content coding"
            ),
            Evidence(case.response.last_packet, "the end of its body"),
        ),
        runner_up="response-truncated: refuted, the framing is satisfied",
        retry_safe=None,
        time_ns=case.request.time_ns,
    )
