"""Rule clock-skew-cert: a certificate that is not yet, or no longer, valid by the capture's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import SKEW_NS
from plainwire.diagnose.traffic.server_clock import skew
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Certificate, Connection


def clock_skew_cert(verdict: Verdict, connection: Connection, traffic: Traffic) -> Verdict:
    """The verdict with what the certificate's dates add to it."""
    leaf = connection.tls.leaf if connection.tls is not None else None
    if leaf is None or leaf.defect:
        return verdict
    now = connection.last_ns
    if leaf.not_before_ns > now:
        return _not_yet_valid(verdict, leaf, now, traffic)
    if leaf.not_after_ns < now:
        ago = wording.long_span(now - leaf.not_after_ns)
        return replace(
            verdict,
            fault="server",
            facts=f"{verdict.facts} The certificate had expired {ago} before, by the capture's clock.",
        )
    return verdict


def _not_yet_valid(verdict: Verdict, leaf: Certificate, now: int, traffic: Traffic) -> Verdict:
    ahead = wording.long_span(leaf.not_before_ns - now)
    clock = skew(traffic)
    wrong = clock is not None and abs(clock[0]) > SKEW_NS
    says = "" if clock is None else (
        " The Date of a response says that the capture's clock is wrong by "
        f"{wording.long_span(abs(clock[0]))}."
        if wrong
        else " By the Date of a response the capture's clock is right."
    )  # fmt: skip
    return replace(
        verdict,
        code="clock-skew-cert",
        fault="unknown" if clock is None else "client" if wrong else "server",
        facts=f"{verdict.facts} The certificate becomes valid only {ahead} later, by the capture's "
        f"clock.{says}",
        evidence=(
            *verdict.evidence,
            *(() if clock is None else (Evidence(clock[1], "a response with a Date"),)),
        ),
    )
