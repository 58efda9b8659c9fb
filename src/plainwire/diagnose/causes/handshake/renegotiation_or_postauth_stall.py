"""Rule renegotiation-or-postauth-stall: the server asked for another handshake, and was not answered.

A server may want a certificate only for some requests. Up to TLS 1.2 it then asks for a new handshake
(HelloRequest, RFC 5246 section 7.4.1.1), which the client may refuse or ignore; in TLS 1.3 it sends
CertificateRequest (RFC 8446 section 4.6.2), which a client answers that offered it. HTTP/2 forbids both (RFC
9113 sections 9.2.1 and 9.2.3). All of this is said within the encryption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Afterwards, CloseEvent, Connection, Fault, TlsInfo


FORBIDDEN = 403
"""RFC 9110 section 15.5.4."""

_WAITED_NS = 200_000_000
"""A refusal sooner than this did not wait for the client's answer (chosen)."""

_ANSWERS = {
    "hello_request": ("client_hello", "no_renegotiation"),
    "certificate_request": ("certificate", "empty_certificate"),
}
"""What the server can ask, and how the client can answer."""

_NAMES = {
    "hello_request": "HelloRequest",
    "certificate_request": "CertificateRequest",
    "no_renegotiation": "the alert no_renegotiation",
    "empty_certificate": "a Certificate without a certificate in it",
}


class _Asked(Struct, frozen=True):
    """A question, what the client said to it, and the session that it was asked in."""

    question: Afterwards
    answer: Afterwards | None
    tls: TlsInfo


def was_asked(connection: Connection) -> bool:
    """Whether there was anything of the kind."""
    return bool(connection.tls is not None and connection.tls.afterwards) or any(
        info.afterwards for info in connection.inner_tls
    )


def renegotiation_or_postauth_stall(failed: FailedExchange) -> Verdict | None:
    """A verdict where the exchange failed, or ended with 403, because such a request was not answered."""
    if not was_asked(failed.connection) or _partly_unread(failed.connection):
        return None
    asked = _asked(failed)
    if asked is None:
        return None
    if failed.exchange.response is not None:
        return _refused_by_status(failed, asked)
    return _came_to_nothing(failed, asked)


def _partly_unread(connection: Connection) -> bool:
    """Whether an answer of the client's may be among what could not be read."""
    return any(gap.side == Side.CLIENT for gap in connection.gaps) or any(
        unread.side != Side.SERVER for unread in connection.undecrypted
    )


def _asked(failed: FailedExchange) -> _Asked | None:
    """The last question between the request and its answer that the client had, if it was not answered."""
    end = _end_ns(failed)
    connection = failed.connection
    had = last_ack(connection, Side.CLIENT) or 0
    found = None
    for info in (connection.tls, *connection.inner_tls):
        said = [] if info is None else sorted(info.afterwards, key=lambda each: (each.time_ns, each.packet))
        for place, each in enumerate(said):
            meant = each.kind in _ANSWERS and failed.request.time_ns <= each.time_ns <= end
            if info is not None and meant and had > each.start:
                replies = _ANSWERS[each.kind]
                answer = next((a for a in said[place + 1 :] if a.kind in replies and a.time_ns <= end), None)
                found = _Asked(each, answer, info)
    if found is None or (found.answer is not None and found.answer.kind in ("client_hello", "certificate")):
        return None
    return found


def _end_ns(failed: FailedExchange) -> int:
    """Up to when a question can have kept the exchange waiting."""
    exchange, closes = failed.exchange, failed.connection.closes
    if exchange.response is not None:
        return exchange.response.time_ns
    if exchange.reset is not None:
        return exchange.reset.time_ns
    return closes[0].time_ns if closes else failed.traffic.ended_ns


def _refused_by_status(failed: FailedExchange, asked: _Asked) -> Verdict | None:
    """Status 403, after an answer that gives no certificate, or after a wait without an answer."""
    response = failed.exchange.response
    if response is None or response.status != FORBIDDEN or failed.exchange.outcome != "complete":
        return None
    waited = response.time_ns - asked.question.time_ns
    if asked.answer is None and waited < _WAITED_NS:
        return None
    return _verdict(
        failed,
        asked,
        f"The answer to the request, {wording.span(waited)} after the question, is status {FORBIDDEN}.",
        (Ground.INFERENCE,),
        Evidence(response.packet, f"the answer to the request: status {FORBIDDEN}"),
    )


def _came_to_nothing(failed: FailedExchange, asked: _Asked) -> Verdict | None:
    if asked.answer is not None and asked.answer.kind == "empty_certificate":
        return None  # that was an answer: the server's alert tells what it thinks of it
    close = next((c for c in failed.connection.closes if c.time_ns >= asked.question.time_ns), None)
    waited = (close.time_ns if close is not None else failed.traffic.ended_ns) - asked.question.time_ns
    refused = asked.answer is not None or (close is not None and _is_refusal(close))
    if waited < _WAITED_NS and not refused:
        return None  # so soon a close has another reason
    if close is None:
        return _verdict(
            failed, asked, f"Nothing more was said for {wording.span(waited)}.", (Ground.SAID, Ground.SILENCE)
        )
    act = f"{wording.act(close)} from the {close.side.name.lower()}"
    return _verdict(
        failed,
        asked,
        f"The connection ended {wording.span(waited)} after the question ({act}), without a response.",
        (Ground.SEALED,)
        if refused and close.side == Side.SERVER and close.kind == "alert"
        else (Ground.SAID, Ground.INFERENCE),
        Evidence(close.packet, act),
    )


def _is_refusal(close: CloseEvent) -> bool:
    """Whether this is a fatal alert of a client that cannot be asked (RFC 8446 section 4.6.2)."""
    return close.side == Side.CLIENT and close.kind == "alert"


def _fault(failed: FailedExchange, asked: _Asked) -> tuple[Fault, str]:
    """Whose duty was not done, and why it is theirs."""
    if failed.exchange.protocol == "h2":
        return "server", " HTTP/2 forbids the server to ask."
    if asked.question.kind == "hello_request":
        return "both", " A server may ask so, and a client need not comply."
    if not asked.tls.post_handshake_auth:
        return "server", " The client had not offered to be asked."
    return "client", " The client had offered to be asked."


def _verdict(
    failed: FailedExchange, asked: _Asked, end: str, grounds: Grounds, *evidence: Evidence
) -> Verdict:
    question, answer = asked.question, asked.answer
    fault, why = _fault(failed, asked)
    reply = "did not answer" if answer is None else f"answered with {_NAMES[answer.kind]}"
    after = wording.span(question.time_ns - failed.request.time_ns)
    told = () if answer is None else (Evidence(answer.packet, f"the client answers: {_NAMES[answer.kind]}"),)
    return Verdict(
        code="renegotiation-or-postauth-stall",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=fault,
        grounds=grounds,
        facts=f"{after} after the request the server asked for another handshake ({_NAMES[question.kind]}); "
        f"the client {reply}. {end}{why}",
        evidence=(
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            Evidence(question.packet, f"{_NAMES[question.kind]} from the server"),
            *told,
            *evidence,
        ),
        runner_up="slow-first-byte or close-mid-request, for a reason of the server's own: "
        + (
            "refuted, its alert answers the client's refusal"
            if grounds == (Ground.SEALED,)
            else "less likely, its last word before was a question that was not complied with"
        ),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
