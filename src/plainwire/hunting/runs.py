"""What is kept of every run: small rows, one JSON object a line in ``FOLDER/runs.jsonl``.

Of a run that did not fail nothing else is kept, so a row holds all that a comparison needs.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from msgspec import Struct, field

from plainwire import case as cases
from plainwire.diagnose.comparison.trials import Trials, of_connections, of_requests
from plainwire.model import Discreet, UserError
from plainwire.pipeline import exit_code
from plainwire.report import redact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plainwire.model import Bounds, Certainty, Exchange, Fault, Finding, Report, ServerFacts

Span = tuple[int, int, int]
"""A duration in ns, from and to, and how often it was seen."""

_MOST_SERVERS = 20
_MOST_ASKED = 20


class RunFinding(Struct, frozen=True):
    """One finding of one run; ``requests`` and ``connections`` are counts.

    ``asked``: method and target of its requests, each once, without what may be secrets.
    """

    code: str
    claim: str
    fault: Fault
    certainty: Certainty
    failure: bool
    requests: int
    connections: int
    advice_client: str
    advice_server: str
    asked: list[str] = []


class Limits(Struct, frozen=True):
    """What one run showed of a server's limits; durations in ns."""

    address: str
    idle_timeout: Span | None
    silent_limit: Span | None
    hint_timeout_ns: int | None
    max_requests: int | None
    round_trip_ns: int | None


class Run(Discreet, Struct):
    """One run. ``status``: the exit status, 128 + n where signal n ended it.

    ``whole``: all that it said could be seen. ``reused``: requests on connections that had carried others.
    ``aimed``: the program was to be stopped for a while, now and then (``--aim``).
    ``case`` names the folder beside ``runs.jsonl`` where the run failed and was kept.
    """

    unshown = ("trials", "attempts")

    number: int
    started_ns: int
    duration_ns: int
    status: int
    whole: bool
    requests: int
    reused: int
    connections: int
    longest_idle_ns: int
    most_requests: int
    findings: list[RunFinding]
    servers: list[Limits]
    trials: Trials
    attempts: Trials
    agents: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False
    aimed: bool = False
    case: str | None = None

    @property
    def codes(self) -> list[str]:
        """The causes of failures that were found, in the order of the report."""
        return [found.code for found in self.findings if counts(found)]

    @property
    def hidden(self) -> bool:
        """Whether something failed of which the program's exit status says nothing."""
        return self.status == 0 and bool(self.codes)


def counts(found: RunFinding | Finding) -> bool:
    """Whether a finding says that something failed: what a capture lacks is no failure."""
    return found.failure and found.code != "capture-artifact"


def of_report(report: Report, *, number: int, started_ns: int, duration_ns: int, status: int) -> Run:
    """Take from a report what is to be kept of its run."""
    asked = [e for e in report.exchanges if e.request is not None]
    return Run(
        number=number,
        started_ns=started_ns,
        duration_ns=duration_ns,
        status=status,
        whole=exit_code(report) != 3,
        requests=len(asked),
        reused=sum(e.ordinal > 1 for e in asked),
        connections=len(report.connections),
        longest_idle_ns=max((e.idle_before_ns or 0 for e in asked if e.outcome == "complete"), default=0),
        most_requests=max((e.ordinal for e in asked if e.outcome == "complete"), default=0),
        findings=[_found(finding, asked) for finding in report.findings],
        servers=[_limits(facts, report) for facts in report.servers[:_MOST_SERVERS]],
        trials=redacted(of_requests(report.connections, report.findings, whole=True)),
        attempts=of_connections(report.connections, report.findings, whole=True),
        agents=sorted({_agent(e) for e in asked} - {""})[:_MOST_SERVERS],
        notes=redact.lines(report.coverage.notes),
    )


def redacted(table: Trials) -> Trials:
    """The table without what may be secrets in the paths of requests."""
    paths = table.labels.get("path", [])
    shown = {path: redact.target(path) for path in set(paths)}
    table.labels.update({"path": [shown[path] for path in paths]} if paths else {})
    return table


def _agent(exchange: Exchange) -> str:
    """The name of the client's software, without its version or anything else."""
    headers = exchange.request.headers if exchange.request is not None else []
    agent = next((value for name, value in headers if name.lower() == "user-agent"), "")
    name = agent.partition("/")[0].lower()
    return name if name.replace("-", "").isalnum() and len(name) <= 30 else ""


def _found(finding: Finding, exchanges: Sequence[Exchange]) -> RunFinding:
    wanted = set(finding.exchanges)
    requests = (e.request for e in exchanges if e.id in wanted)
    asked = dict.fromkeys(f"{r.method} {redact.target(r.target)}" for r in requests if r is not None)
    return RunFinding(
        finding.code,
        finding.claim,
        finding.fault,
        finding.certainty,
        finding.failure,
        len(finding.exchanges),
        len(finding.connections),
        finding.client_advice,
        finding.server_advice,
        list(asked)[:_MOST_ASKED],
    )


def _limits(facts: ServerFacts, report: Report) -> Limits:
    trips = [c.rtt_syn_ns for c in report.connections if c.server == facts.address and c.rtt_syn_ns]
    return Limits(
        str(facts.address),
        _span(facts.idle_timeout),
        _span(facts.silent_limit),
        facts.hint_timeout_ns,
        facts.max_requests,
        min(trips, default=None),
    )


def _span(bounds: Bounds | None) -> Span | None:
    return None if bounds is None else (bounds.low_ns, bounds.high_ns, bounds.count)


# --- the file -----------------------------------------------------------------------------------------


def encode(run: Run) -> bytes:
    """A run as one line of JSON."""
    return orjson.dumps(run, default=msgspec.to_builtins, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Run:
    """Read what ``encode`` wrote.

    Raises:
        ValueError, KeyError, TypeError: the line is not one of ours.

    """
    values: dict[str, Any] = json.loads(line)
    values["findings"] = [RunFinding(**found) for found in values["findings"]]
    values["servers"] = [Limits(**{**limits, **_spans(limits)}) for limits in values["servers"]]
    for name in ("trials", "attempts"):
        table = values[name]
        table["labels"] = {key: [*map(sys.intern, column)] for key, column in table["labels"].items()}
        values[name] = Trials.from_dict(table)
    return Run(**values)


def _spans(limits: dict[str, Any]) -> dict[str, Span | None]:
    return {name: limits[name] and tuple(limits[name]) for name in ("idle_timeout", "silent_limit")}


def load(folder: Path) -> list[Run]:
    """Read the runs of an earlier hunt.

    Raises:
        UserError: there was none in this folder, or its file is damaged.

    """
    path = cases.HuntFolder(folder).runs
    try:
        with path.open("rb") as lines:
            return [decode(line) for line in lines if line.endswith(b"\n")]
    except OSError as error:
        message = f"{path}: {error.strerror}; name the folder that a hunt left"
        raise UserError(message) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path}: not the file of a hunt"
        raise UserError(message) from error
