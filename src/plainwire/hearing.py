"""What the watched program said: findings that only its words tell of, and its account beside all others.

Only a run that was watched needs it, so that an analysis of captures alone does not load it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import account_program
from plainwire.diagnose.testimony.closed_in_order import ended_behind_close
from plainwire.diagnose.testimony.early_answers import answers_lost, answers_taken
from plainwire.diagnose.testimony.lost_redirects import lost_redirects
from plainwire.diagnose.testimony.matching import testify as matched
from plainwire.diagnose.testimony.own_errors import own_errors
from plainwire.diagnose.testimony.own_words import spoken
from plainwire.diagnose.testimony.proxy_variables import name_proxies
from plainwire.diagnose.testimony.refused_certificates import refused_certificates
from plainwire.diagnose.testimony.refused_heads import refused_defects, refused_heads
from plainwire.diagnose.testimony.refused_messages import refused_messages
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.spoken_goaways import spoken_goaways
from plainwire.diagnose.testimony.spoken_handshakes import spoken_handshakes
from plainwire.diagnose.testimony.spoken_timeouts import spoken_timeouts
from plainwire.diagnose.testimony.unanswered_connects import unanswered_connects
from plainwire.diagnose.testimony.without_packet import without_packet
from plainwire.diagnose.testimony.without_request import without_request
from plainwire.stopping import stopped_by, stopped_child

if TYPE_CHECKING:
    from plainwire.diagnose.testimony.sayings import Said
    from plainwire.model import Lookup, ProgramEvents, Report

__all__ = ["hear", "read_messages", "spoken", "testify"]


def hear(report: Report, lookups: list[Lookup], events: ProgramEvents, said: list[Said]) -> None:
    """Add the findings that only the program's words tell of."""
    report.findings = [
        *without_request(report.connections, lookups, events, said),
        *without_packet(report.connections, events, said),
        *refused_heads(report.connections, events, said),
        *refused_messages(report.connections, report.findings, events, said),
        *refused_defects(report.connections, report.findings, events, said),
        *([] if stopped_by(events) else lost_redirects(report.connections, report.findings, events)),
        *report.findings,
    ]


def testify(report: Report, lookups: list[Lookup], events: ProgramEvents, said: list[Said]) -> None:
    """Add what the program's words mean, held against the findings."""
    report.findings = unanswered_connects(report.connections, report.findings, report.signs, events, said)
    report.findings = refused_certificates(report.connections, report.findings, report.signs, events, said)
    report.findings = spoken_handshakes(report.connections, report.findings, report.signs, events, said)
    report.findings = own_errors(report.connections, report.findings, report.signs, events)
    if not stopped_by(events):
        report.findings += ended_behind_close(report.connections, report.findings, events)
    spoken_timeouts(report.connections, report.findings, report.signs, events, said)
    spoken_goaways(report.connections, report.findings, events, said)
    answers_taken(report.connections, report.findings, events, said)
    report.findings += answers_lost(report.connections, events, said, report.signs)
    report.testimony = matched(report.connections, report.findings, events, said)
    name_proxies(report.connections, lookups, report.findings, events)
    stopped = stopped_by(events)
    if not stopped and any(exchange.stopped for exchange in report.exchanges):
        stopped = stopped_child(events)
    signs, finding = account_program(report, events, report.testimony, stopped=stopped)
    report.signs += signs
    report.findings += [] if finding is None else [finding]
