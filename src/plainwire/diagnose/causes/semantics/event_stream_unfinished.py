"""Rule event-stream-unfinished: a stream of events ended in order, without its closing event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.cuts import pause_words
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT, SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.model import EventStream


def event_stream_unfinished(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Complete responses whose events are of a protocol with a closing event, and without that one."""
    return [
        _unfinished(case, events)
        for case in exchanges.streams
        if (events := case.response.event_stream) is not None and _lacks_its_end(case, events)
    ]


def _lacks_its_end(case: Answered, events: EventStream) -> bool:
    response = case.response
    if not events.dialect or events.closing_packet is not None or events.error_packet is not None:
        return False
    return response.complete and response.status in SUCCESS and not response.defects


def _unfinished(case: Answered, events: EventStream) -> Verdict:
    request, response = case.request, case.response
    return Verdict(
        code="event-stream-unfinished",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The stream is of the kind {events.dialect}, whose last event says that it is over. Here "
        f"{plurals.some(events.events, 'event')} came, none of them that one, and HTTP's message ended in "
        f"order.{pause_words(case.connection, response)}",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(response.last_packet, "the response ends, without the closing event"),
        ),
        runner_up="a server that never sends the closing event: other streams of it would tell",
        retry_safe=request.method in IDEMPOTENT,
        time_ns=request.time_ns,
    )
