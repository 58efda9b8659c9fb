"""Rule sick-backend: failures at one of several servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.statistics.exact import fisher_greater
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Exchange


_FEWEST_FAILED = 3
"""Failures: with fewer no test can tell (Fisher's exact test)."""

_MUCH_WORSE = 3
"""Times as frequent as elsewhere."""

_CHANCE_LEVEL = 0.01
"""Probability that chance alone makes so large a difference."""

_FIELDS = ("x-served-by", "x-backend", "x-backend-server", "x-server", "x-instance", "x-node", "x-upstream")

_SHOWN = re.compile(r"[A-Za-z0-9._:-]{1,60}")
"""What a server may call itself and be named by; of other values it is only said that there is one."""

_MOST_CITED = 4


class _Trial(Struct, frozen=True):
    """One exchange, or one connection without any, and whether it failed."""

    connection: Connection
    exchange: Exchange | None
    failed: bool

    @property
    def packet(self) -> int:
        """A packet of it that shows where it went."""
        exchange = self.exchange
        message = None if exchange is None else exchange.response or exchange.request
        return self.connection.first_packet if message is None else message.packet


def sick_backend(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """One address, or one value of a field that names servers, where failures are far more frequent."""
    failing = [
        v
        for v in verdicts
        if v.fault != "client" and traffic.causes[v.code].by_backend and v.failure is not False
    ]
    if len(failing) < _FEWEST_FAILED:
        return []
    exchanges = {number for verdict in failing for number in verdict.exchanges}
    connections = {verdict.connection.id for verdict in failing if not verdict.exchanges}
    found: list[Verdict] = []
    for trials in _by_name(traffic, exchanges, connections):
        verdict = _by_address(trials) or _by_field(trials)
        if verdict is not None:
            found.append(verdict)
    return found


def _by_name(traffic: Traffic, exchanges: set[int], connections: set[int]) -> Iterator[list[_Trial]]:
    """All trials for one server name (without TLS: one authority), where any failed."""
    groups: dict[tuple[str, int], list[_Trial]] = {}
    for connection in traffic.connections:
        trials = [
            _Trial(connection, e, e.id in exchanges) for e in connection.exchanges if e.request is not None
        ]
        if connection.id in connections and not trials:
            trials = [_Trial(connection, None, failed=True)]
        if trials:
            groups.setdefault((_name(connection), connection.server.port), []).extend(trials)
    # A connection that was not established has no name: that of others at its address is its own.
    known = {t.connection.server: key for key, group in groups.items() if key[0] for t in group}
    merged: dict[tuple[str, int], list[_Trial]] = {}
    for key, group in groups.items():
        for trial in group:
            merged.setdefault(key if key[0] else known.get(trial.connection.server, key), []).append(trial)
    return (group for group in merged.values() if any(trial.failed for trial in group))


def _name(connection: Connection) -> str:
    if connection.tls is not None and connection.tls.server_name:
        return connection.tls.server_name
    first = next((e.request for e in connection.exchanges if e.request is not None), None)
    return (first.authority or "") if first is not None else ""


def _by_address(trials: list[_Trial]) -> Verdict | None:
    return _concentrated(
        trials, {id(t): t.connection.server.address for t in trials}, "the server's address", "address"
    )


def _by_field(trials: list[_Trial]) -> Verdict | None:
    """By what servers behind one address say of themselves; a response must be there."""
    told: dict[str, dict[int, str]] = {field: {} for field in _FIELDS}
    wanted: dict[str, dict[int, str] | None] = {}  # by names as they are written
    for number, trial in enumerate(trials):
        response = trial.exchange.response if trial.exchange is not None else None
        for name, value in response.headers if response is not None else ():
            if name not in wanted:
                wanted[name] = told.get(name.lower())
            of_field = wanted[name]
            if of_field is not None:
                of_field.setdefault(number, value)
    for field, values in told.items():
        if len(values) < len(trials) // 2 or len(set(values.values())) < 2:
            continue
        named = [trials[number] for number in values]
        names = {id(trial): name for trial, name in zip(named, values.values(), strict=True)}
        verdict = _concentrated(named, names, f"the field {field}", field)
        if verdict is not None:
            return verdict
    return None


def _concentrated(trials: list[_Trial], key: dict[int, str], by: str, what: str) -> Verdict | None:
    groups: dict[str, list[_Trial]] = {}
    for trial in trials:
        groups.setdefault(key[id(trial)], []).append(trial)
    if len(groups) < 2:
        return None
    bad = sum(trial.failed for trial in trials)
    worst, members = max(groups.items(), key=lambda item: sum(t.failed for t in item[1]))
    here = sum(trial.failed for trial in members)
    elsewhere, good = bad - here, len(trials) - len(members)
    if here < _FEWEST_FAILED:
        return None
    p = fisher_greater(here, len(members) - here, elsewhere, good - elsewhere) * len(groups)
    if p >= _CHANCE_LEVEL or here * good <= _MUCH_WORSE * elsewhere * len(members):
        return None
    failed = [trial for trial in members if trial.failed]
    contrast = next((t for t in trials if not t.failed and key[id(t)] != worst), None)
    where = f"{what} {worst}" if _SHOWN.fullmatch(worst) else f"one value of {what}"
    return Verdict(
        code="sick-backend",
        connection=failed[0].connection,
        exchanges=tuple(t.exchange.id for t in failed if t.exchange is not None),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"{here} of {len(members)} tries that went to {where} failed, and {elsewhere} of {good} that "
        f"went to {plurals.count(len(groups) - 1, 'other')} (p = {p:.2g}, Fisher's exact test, times "
        f"{len(groups)} for as many that were looked at; by {by}).",
        evidence=(
            *(Evidence(t.packet, f"a failed try at {where}") for t in failed[:_MOST_CITED]),
            *(
                (Evidence(contrast.packet, "a try elsewhere that did not fail"),)
                if contrast is not None
                else ()
            ),
        ),
        runner_up="a cause that strikes all servers alike: refuted by these counts",
        retry_safe=None,
        time_ns=failed[0].connection.opened_ns,
        failure=False,
        counts=True,
    )
