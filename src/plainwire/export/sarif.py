"""SARIF 2.1.0 (OASIS): findings as results and their causes as rules, for the alerts of code hosts.

A result's location is the capture; its packets are logical locations. ``level`` follows the certainty: an
alert that may be wrong should look like one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.report import terminal
from plainwire.report.coverage import shortfalls
from plainwire.report.escape import printable, printable_json

if TYPE_CHECKING:
    from plainwire.model import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"proved": "error", "likely": "warning", "possible": "note"}

Json = dict[str, Any]


def encode(report: Report, version: str, capture: str = "capture.pcapng") -> bytes:
    """Encode the log file; ``capture`` is the URI to give for the capture."""
    codes = list(dict.fromkeys(finding.code for finding in report.findings))
    missing = shortfalls(report)
    run = {
        "tool": {
            "driver": {
                "name": "plainwire",
                "version": version,
                "rules": [_rule(code) for code in codes],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not report.coverage.bugs,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": line}} for line in missing
                ],
            }
        ],
        "results": [
            _result(finding, codes.index(finding.code), report, capture) for finding in report.findings
        ],
        "columnKind": "unicodeCodePoints",
    }
    whole = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return printable_json(orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _rule(code: str) -> Json:
    cause = CAUSES[code]
    return {
        "id": code,
        "shortDescription": {"text": cause.title},
        "fullDescription": {"text": cause.meaning},
        "help": {
            "text": "\n".join(
                text
                for text in (
                    f"Established by: {cause.established}",
                    f"Refuted by: {cause.refuted}",
                    f"Client: {cause.client}" if cause.client else "",
                    f"Server: {cause.server}" if cause.server else "",
                    f"References: {', '.join(cause.references)}" if cause.references else "",
                )
                if text
            )
        },
        "defaultConfiguration": {"level": "warning" if cause.failure else "note"},
    }


def _result(finding: Finding, rule: int, report: Report, capture: str) -> Json:
    wanted = set(finding.exchanges)
    concerned = [terminal.describe(e, 200) for e in report.exchanges if e.id in wanted]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.certainty] if finding.failure else "note",
        "message": {
            "text": "\n".join([printable(finding.claim), terminal.WHO[finding.fault], *concerned[:10]])
        },
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": capture}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {"name": f"packet {e.packet}", "kind": "packet", "fullyQualifiedName": printable(e.says)}
                    for e in finding.evidence
                ],
            }
        ],
        "partialFingerprints": {"cause/v1": _fingerprint(finding, report)},
        "properties": {
            "certainty": finding.certainty,
            "fault": finding.fault,
            "exchanges": finding.exchanges,
            "connections": finding.connections,
            "packets": finding.packets,
            "retry_safe": finding.retry_safe,
        },
    }


def _fingerprint(finding: Finding, report: Report) -> str:
    """A fingerprint that stays the same for the same cause at the same server, run after run."""
    servers = sorted({str(c.server) for c in report.connections if c.id in set(finding.connections)})
    return hashlib.sha256(" ".join([finding.code, *servers]).encode()).hexdigest()[:32]
