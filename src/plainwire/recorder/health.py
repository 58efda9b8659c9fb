"""How a recorder is: what it could not do, what it costs, and the same as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.plurals import count
from plainwire.recorder.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AGAIN = 60.0
"""Seconds after which the same trouble is told again, where there is more of it."""
_BEHIND = 3
"""Finished segments that wait to be examined: one or two always do."""


class Health(Struct):
    """Figures of a recorder from its start. ``dropped`` and ``packets`` are the kernel's; ``shed`` n: one
    connection in ``2**n`` is captured; bytes and seconds else. ``analysis`` and ``own`` are seconds of a
    processor.
    """

    began: float = 0.0
    packets: int = 0
    dropped: int | None = 0
    shed: int = 0
    unwritten: int = 0
    evicted_unexamined: int = 0
    lost_secrets: int = 0
    waiting: int = 0
    lag: float = 0.0
    size: int = 0
    cases: int = 0
    cases_size: int = 0
    unsaved: int = 0
    failed: int = 0
    connections: int = 0
    undecrypted: int = 0
    own: float = 0.0
    analysis: float = 0.0

    def troubles(self) -> Iterator[tuple[str, int, str]]:
        """What is wrong: a name, how much of it, and words."""
        if self.dropped:
            words = f"the kernel dropped {count(self.dropped, 'packet')} so far: the capture cannot keep up"
            yield "dropped", self.dropped, words
        if self.unwritten:
            words = f"disk or ring had no room for {self.unwritten:,} bytes of packets, which are lost"
            yield "unwritten", self.unwritten, words
        if self.lost_secrets:
            what = count(self.lost_secrets, "secret")
            words = f"{what} of the program were lost: there is no room for more; start it anew"
            yield "secrets", self.lost_secrets, words
        if self.evicted_unexamined:
            what = count(self.evicted_unexamined, "segment")
            words = f"{what} made room before the analysis had come to them: a failure in them was not seen"
            yield "unexamined", self.evicted_unexamined, words
        if self.waiting > _BEHIND:
            words = f"the analysis is {self.lag:.0f} s behind ({self.waiting} segments): it cannot keep up"
            yield "behind", self.waiting, words
        if self.failed:
            words = f"{count(self.failed, 'segment')} could not be examined as a whole"
            yield "failed", self.failed, words
        if self.unsaved:
            words = f"{count(self.unsaved, 'case')} could not be saved (cases.jsonl says why)"
            yield "unsaved", self.unsaved, words

    def share(self, now: float) -> tuple[float, float]:
        """Of one processor, in percent: for the recording, and for the analysis."""
        passed = max(now - self.began, 0.001)
        return 100 * self.own / passed, 100 * self.analysis / passed

    def metrics(self, findings: Mapping[str, int]) -> list[Metric]:
        """For Prometheus."""
        by_code = {f'code="{code}"': float(n) for code, n in sorted(findings.items())}
        cpu = {'part="recording"': self.own, 'part="analysis"': self.analysis}
        return [
            Metric("findings_total", "counter", "Findings, each counted once.", by_code),
            Metric("packets_total", "counter", "Packets that were captured.", self.packets),
            *(
                []
                if self.dropped is None
                else [Metric("packets_dropped_total", "counter", "Packets the kernel dropped.", self.dropped)]
            ),
            Metric(
                "captured_share", "gauge", "Share of all connections that is captured.", 1 / (1 << self.shed)
            ),
            Metric(
                "unwritten_bytes_total",
                "counter",
                "Bytes of packets there was no room for.",
                self.unwritten,
            ),
            Metric("lost_secrets_total", "counter", "Secrets there was no room for.", self.lost_secrets),
            Metric("lag_seconds", "gauge", "How far the analysis is behind.", self.lag),
            Metric("lag_segments", "gauge", "Segments that wait to be examined.", self.waiting),
            Metric(
                "unexamined_segments_total",
                "counter",
                "Segments that nobody looked at.",
                self.evicted_unexamined + self.failed,
            ),
            Metric("connections_total", "counter", "Connections, counted in each segment.", self.connections),
            Metric(
                "undecrypted_connections_total", "counter", "Those that could not be read.", self.undecrypted
            ),
            Metric("ring_bytes", "gauge", "Size of the ring.", self.size),
            Metric("cases_bytes", "gauge", "Size of the saved cases.", self.cases_size),
            Metric("cases_total", "counter", "Cases that were saved.", self.cases),
            Metric("cases_unsaved_total", "counter", "Cases that could not be saved.", self.unsaved),
            Metric("cpu_seconds_total", "counter", "Seconds of a processor.", cpu),
            Metric("start_time_seconds", "gauge", "When the recorder began.", self.began),
        ]


class Teller:
    """Says what is wrong: each thing at once, and again where it became more, once a minute."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, int]] = {}

    def words(self, health: Health, now: float) -> list[str]:
        """What is to be said now."""
        said = []
        for name, much, words in health.troubles():
            at, before = self._told.get(name, (float("-inf"), 0))
            if much > before and now - at >= _AGAIN:
                self._told[name] = now, much
                said.append(words)
        return said


def summary(health: Health, now: float) -> str:
    """One line at the end."""
    recording, analysis = health.share(now)
    dropped = "an unknown number" if health.dropped is None else f"{health.dropped:,}"
    hours, seconds = divmod(round(now - health.began), 3600)
    passed = f"{hours} h {seconds // 60} min" if hours else f"{seconds} s"
    return (
        f"recorded {passed}: {count(health.packets, 'packet')}, {dropped} dropped by the kernel; "
        f"{count(health.cases, 'case')} saved; of one processor {recording:.1f} % for the recording, "
        f"{analysis:.1f} % for the analysis"
    )
