"""What is said of very many captures."""

from __future__ import annotations

from plainwire.cluster.scheduling import ClusterRun
from plainwire.cluster.words import text


def _record(source: str, **more: object) -> dict[str, object]:
    found = {"code": "reset-mid-request", "fault": "server", "certainty": "likely", "failure": True}
    finding = {**found, "exchanges": 2, "connections": 1, "findings": 1}
    counts = {"exchanges": 1500, "connections": 3, "decrypted": 2, "exit_code": 1}
    return {"source": source, "again": True, "findings": [finding], **counts, **more}


def test_captures_are_added_up() -> None:
    run = ClusterRun([_record("a"), _record("b", again=False)], [("c", "not a capture file")])
    said = text(run, "s3://out")
    assert "2 captures read, 1 of them before: 3,000 exchanges on 6 connections, 4 of them decrypted." in said
    assert "\n  4 requests, 2 connections, 2 captures (likely, fault: server)\n  first: a\n" in said
    assert "1 capture could not be read:\n  c: not a capture file\n" in said


def test_names_from_a_bucket_do_not_reach_the_terminal_as_they_are() -> None:
    said = text(ClusterRun([_record("\x1b[31m\n")], [("\x1b]0;x\x07", "\x1b")]), "out")
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "first: \n" not in said


def test_the_exit_status_is_that_of_a_capture() -> None:
    clean = _record("a", exit_code=0, findings=[])
    assert ClusterRun([clean]).exit_code == 0
    assert ClusterRun([clean], [("b", "")]).exit_code == 3
    assert ClusterRun([clean, _record("c")], [("b", "")]).exit_code == 1
    assert ClusterRun([], [("b", "")]).exit_code == 2
