"""From verdicts to findings: the same cause at the same server is one finding."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.model import Finding

from .causes.catalogue import CAUSES
from .certainty import GRADES, settled
from .evidence.tunnels import is_tunnelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Certainty, Connection, Endpoint, Evidence, Quoted, Side

    from .certainty import Settled
    from .verdict import Verdict


EVIDENCE_LIMIT = 60
"""Packets cited per finding. All exchanges are always listed; the evidence of the first ones is enough."""

QUOTES_LIMIT = 10
"""Texts quoted per finding."""


def group(verdicts: Sequence[Verdict], connections: Iterable[Connection]) -> list[Finding]:
    """One finding for each cause, server address and fault; the most frequent first, remarks last."""
    if not verdicts:
        return []
    totals: Counter[Endpoint] = Counter()
    tried: Counter[Endpoint] = Counter()
    for connection in connections:
        tried[connection.server] += 1
        totals[connection.server] += sum(e.request is not None for e in connection.exchanges)
    groups: dict[tuple[str, Endpoint, str, bool | None, Side | None], list[Settled]] = {}
    known: dict[int, bool] = {}

    def through(connection: Connection) -> bool:
        """Asked once a connection: each answer looks at all of its exchanges."""
        if connection.id not in known:
            known[connection.id] = is_tunnelled(connection)
        return known[connection.id]

    for told in sorted(verdicts, key=lambda v: v.time_ns):
        each = settled(told, through)
        verdict = each.verdict
        key = verdict.code, verdict.connection.server, verdict.fault, verdict.failure, verdict.sender
        groups.setdefault(key, []).append(each)
    ordered = sorted(groups.values(), key=_rank)
    return [
        _finding(members, (totals if members[0].verdict.exchanges else tried)[_server(members)])
        for members in ordered
    ]


def _server(members: list[Settled]) -> Endpoint:
    return members[0].verdict.connection.server


def _rank(members: list[Settled]) -> tuple[bool, int, int]:
    cause = CAUSES[members[0].verdict.code]
    return cause.remark, cause.rank, -len(members)


def _finding(settled_members: list[Settled], total: int) -> Finding:
    members = [each.verdict for each in settled_members]
    grades = Counter(each.certainty for each in settled_members)
    first = members[0]
    cause = CAUSES[first.code]
    said = cause.said_by(first.sender) or cause
    return Finding(
        code=first.code,
        claim=_claim(settled_members, total, grades),
        fault=first.fault,
        certainty=min(grades, key=GRADES.index),
        exchanges=sorted({e for v in members for e in v.exchanges}),
        connections=sorted({v.connection.id for v in members}),
        evidence=_evidence(members),
        refuted_by=cause.refuted,
        runner_up=first.runner_up,
        retry_safe=_retry_safe(members),
        advice_client=next((v.advice_client for v in members if v.advice_client), said.client),
        advice_server=next((v.advice_server for v in members if v.advice_server), said.server),
        references=list(cause.references),
        quotes=_quotes(members),
        client_needs=said.client_needs,
        server_needs=said.server_needs,
        retry_useful=False if said.lasting and len(members) == total else None,
        failure=cause.failure if first.failure is None else first.failure,
    )


def _claim(members: list[Settled], total: int, grades: Counter[Certainty]) -> str:
    """How often of how many, what, and the facts of the first one."""
    first, count = members[0].verdict, len(members)
    if first.counts:
        return f"At {first.connection.server}: {CAUSES[first.code].title}. {first.facts}"
    noun = "request" if first.exchanges else "connection"
    head = (
        f"{count} of {plurals.count(total, noun)} to {first.connection.server}: {CAUSES[first.code].title}."
    )
    which = f"Exchange {first.exchanges[-1]}" if first.exchanges else f"Connection {first.connection.id}"
    example = "" if count == 1 else f"{which}: "
    parts = (head, example + first.facts, _behind_a_proxy(members), _mixture(grades))
    return " ".join(part for part in parts if part)


def _behind_a_proxy(members: list[Settled]) -> str:
    """That the address is a proxy's, and what failed is inside its tunnel, where the facts do not say so."""
    first = members[0].verdict
    told = "tunnel" in first.facts or "proxy" in first.facts
    if told or not all(member.tunnelled for member in members):
        return ""
    return f"{first.connection.server} is a proxy: this happened inside its tunnel."


def _mixture(grades: Counter[Certainty]) -> str:
    """What is certain of how many, where the members of a finding differ."""
    if len(grades) == 1:
        return ""
    parts = [f"{grades[grade]} {grade}" for grade in reversed(GRADES) if grades[grade]]
    return f"({', '.join(parts)}.)"


def _evidence(members: list[Verdict]) -> list[Evidence]:
    """The evidence of the first members, whole ones, each packet's statement once."""
    cited: list[Evidence] = []
    for member in members:
        ordered = sorted(member.evidence, key=lambda evidence: evidence.packet)
        fresh = [evidence for evidence in ordered if evidence not in cited]
        if cited and len(cited) + len(fresh) > EVIDENCE_LIMIT:
            break
        cited += fresh
    return cited


def _quotes(members: list[Verdict]) -> list[Quoted]:
    """What the first members quote, each text once."""
    found: dict[tuple[str, str], Quoted] = {}
    for member in members:
        for quoted in member.quotes:
            if len(found) < QUOTES_LIMIT:
                found.setdefault((quoted.what, quoted.text), quoted)
    return list(found.values())


def _retry_safe(members: list[Verdict]) -> bool | None:
    answers = {v.retry_safe for v in members}
    if False in answers:
        return False
    return True if answers == {True} else None
