"""A finding that rests on what the program said or met, where the wire alone does not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.diagnose.certainty import SURE
from plainwire.diagnose.grounds import Ground
from plainwire.model import Finding

from .sentences import speaker

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from plainwire.model import Connection, Evidence, Fault, ProgramEvents, Sign

    from .sayings import Said


def of_processes(connections: Iterable[Connection], pids: Container[int]) -> Iterator[Connection]:
    """The connections that these processes made."""
    return (c for c in connections if c.program is not None and c.program.pid in pids)


def take_over(signs: Iterable[Sign], old: str, new: str, connections: Container[int]) -> None:
    """Give the finding ``new`` the signs of these connections that ``old``, which it replaces, claimed."""
    for sign in signs:
        if sign.claimed_by == old and sign.connection in connections:
            sign.claimed_by = new


def finding_of_the_program(
    code: str,
    claim: str,
    evidence: list[Evidence],
    said: Sequence[Said],
    events: ProgramEvents,
    *,
    runner_up: str,
    fault: Fault = "client",
    told: str = "",
    advice: str = "",
    connections: Iterable[Connection] = (),
    exchanges: Iterable[int] = (),
) -> Finding:
    """Make a finding with the words of ``code``'s cause; a connection may be named more than once.

    ``told`` is its ``program_says`` where nothing was ``said``; ``advice`` goes before the cause's own.
    """
    cause = CAUSES[code]
    if said:
        more = f", {len(said)} times" if len(said) > 1 else ""
        told = f"{speaker(said[0], events.processes.get(said[0].pid))} said {said[0].label}{more}."
    return Finding(
        code=code,
        claim=claim,
        fault=fault,
        certainty=SURE[Ground.INFERENCE],
        exchanges=list(exchanges),
        connections=list(dict.fromkeys(c.id for c in connections)),
        evidence=evidence,
        refuted_by=cause.refuted,
        runner_up=runner_up,
        retry_safe=True,
        advice_client=advice or cause.client,
        advice_server=cause.server,
        references=list(cause.references),
        failure=True,
        program_says=told,
        client_needs=cause.client_needs,
        server_needs=cause.server_needs,
        retry_useful=False if cause.lasting else None,
    )
