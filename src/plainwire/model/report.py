"""Findings, coverage, the whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from plainwire.model.connection import Connection
    from plainwire.model.http import Exchange
    from plainwire.model.transport import Endpoint

Fault = Literal["server", "client", "both", "path", "unknown"]
Certainty = Literal["proved", "likely", "possible"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One packet and what it shows."""

    packet: int
    says: str


@dataclass(slots=True)
class Finding:
    """One cause, established on one or more exchanges. Field meanings: docs/report.md."""

    code: str
    claim: str
    fault: Fault
    certainty: Certainty
    exchanges: list[int]
    connections: list[int]
    evidence: list[Evidence]
    refuted_by: str
    runner_up: str = ""  # the next best explanation and what refuted it
    retry_safe: bool | None = None
    advice_client: str = ""
    advice_server: str = ""
    references: list[str] = field(default_factory=list)
    failure: bool = True  # its exchanges failed

    @property
    def packets(self) -> list[int]:
        """The packets that the evidence cites, in order, each once."""
        return sorted({e.packet for e in self.evidence})


@dataclass(slots=True)
class ServerFacts:
    """What the traffic says about one server address."""

    address: Endpoint
    announces_close: bool | None = None
    software: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Coverage:
    """What was seen, and what was not."""

    packets: int = 0
    packets_dropped: int | None = None  # None: the capture does not say
    connections: int = 0
    decrypted: int = 0
    undecrypted: list[tuple[int, str]] = field(default_factory=list)  # connection, reason
    mid_stream: list[int] = field(default_factory=list)
    other_connections: int = 0  # of other processes: not in the report
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The whole answer."""

    coverage: Coverage
    connections: list[Connection]
    exchanges: list[Exchange]
    servers: list[ServerFacts]
    findings: list[Finding]
