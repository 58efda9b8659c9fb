"""An HTTP/2 server that refuses, resets, says GOAWAY or just closes, and what plainwire makes of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENT = """
import ssl, sys, httpx
base, authority, *targets = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
for target in targets:
    with httpx.Client(http2=True, http1=False, verify=context, trust_env=False, timeout=30) as client:
        for each in ("/first", target):
            try:
                answer = client.get(base + each)
                print(each, answer.status_code, answer.text)
            except httpx.HTTPError as error:
                print(each, "failed", type(error).__name__)
"""
FAILURES = {
    "/refused": ("refused", "h2-stream-refused", "server", True),
    "/failed": ("unanswered", "h2-stream-reset-internal-error", "server", True),
    "/accused": ("unanswered", "h2-stream-reset-protocol-error", "unknown", True),
    "/half": ("truncated", "h2-stream-reset-internal-error", "server", True),
    "/left-out": ("refused", "goaway-race", "both", True),
    "/promised": ("aborted", "client-abort", "client", True),  # httpx does not wait for the answer
    "/angry": ("aborted", "goaway-error-enhance-your-calm", "unknown", True),
    "/gone": ("unanswered", "h2-close-without-goaway", "server", True),
}
"""Target to outcome, finding, fault, and whether a GET may be repeated."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, int]]:
    papers = certificates.make(tmp_path, (wires.HOST,))
    listener = wires.listening()
    port: int = listener.getsockname()[1]
    command = wires.python("failing_h2.py", listener.fileno(), papers.chain, papers.key)
    with wires.started(command, tmp_path / "server", [listener]):
        yield f"https://{wires.HOST}:{port}", papers.authority, port


def test_each_end_of_a_stream_has_its_outcome_and_its_cause(
    server: tuple[str, Path, int], tmp_path: Path
) -> None:
    base, authority, port = server
    recorded = record(tmp_path, sys.executable, "-c", CLIENT, base, authority, *FAILURES, "/trailers")
    said = dict(line.split(" ", 1) for line in recorded.stdout.splitlines())
    exchanges = recorded.exchanges_with(port)
    by_target = {e["request"]["target"]: e for e in reversed(exchanges)}
    causes = [f for f in recorded.report["findings"] if f["code"] != "hidden-retry"]
    findings = {number: f for f in causes for number in f["exchanges"]}
    for target, expected in FAILURES.items():
        assert said[target].startswith("failed") or target == "/left-out", target
        exchange = by_target[target]
        finding = findings[exchange["id"]]
        assert (exchange["outcome"], finding["code"], finding["fault"], finding["retry_safe"]) == expected, (
            target
        )
        assert finding["certainty"] == "proved"
    assert said["/trailers"] == said["/first"] == said["/left-out"] == "200 whole"
    assert [e["outcome"] for e in exchanges if e["request"]["target"] == "/left-out"] == [
        "refused",
        "complete",
    ]
    assert by_target["/trailers"]["outcome"] == "complete"
    assert len(exchanges) == 2 * len(FAILURES) + 3
    assert {f["code"] for f in causes} == {code for _, code, _, _ in FAILURES.values()}
    (hidden,) = (f for f in recorded.report["findings"] if f["code"] == "hidden-retry")
    assert hidden["exchanges"] == [e["id"] for e in exchanges if e["request"]["target"] == "/left-out"]
