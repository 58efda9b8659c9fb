"""qlog of QUIC connections, held against what aioquic writes of the same ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from aioquic.quic.logger import QuicLogger

from plainwire.capture.pcapng import WrittenPacket, file_of
from tests.export import case
from tests.quic.test_quic_connection_live import live
from tests.share.test_extract import frame, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.quic.wire import Sent

Packets = dict[tuple[str, str, int], Counter[str]]
RAW_IP = 101


def export(capture: Path, *more: object) -> tuple[int, bytes, str]:
    words = [sys.executable, "-m", "plainwire", "export", capture, "--qlog", *more]
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


def captured(wire: Iterable[Sent], keys: bytes, folder: Path) -> Path:
    whole = [(sent.time_ns, frame(sent)) for sent in wire]
    packets = [WrittenPacket(time_ns, RAW_IP, len(data), data) for time_ns, data in whole]
    capture = folder / "quic.pcapng"
    capture.write_bytes(b"".join(file_of(packets, keys, 0)))
    return capture


def packets(trace: dict[str, Any]) -> Packets:
    """Frame types (padding apart) by direction, packet type and number."""
    found: Packets = {}
    for event in trace["events"]:
        name, data = event["name"].partition(":")[2], event["data"]
        if name not in ("packet_sent", "packet_received") or "packet_number" not in data["header"]:
            continue
        key = name, data["header"]["packet_type"], data["header"]["packet_number"]
        kinds = Counter(each["frame_type"] for each in data["frames"] if each["frame_type"] != "padding")
        found.setdefault(key, kinds)
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Our qlog of a connection that began with a Retry, the client's own, and the connection's secrets."""
    logger = QuicLogger()
    reading, relay = live(retry=True, requests=3, quic_logger=logger)
    assert reading.only.undecrypted == []
    capture = captured(relay.wire, relay.secrets, tmp_path_factory.mktemp("qlog"))
    status, output, error = export(capture)
    assert (status, error) == (0, "")
    (theirs,) = (t for t in logger.to_dict()["traces"] if t["vantage_point"]["type"] == "client")
    return json.loads(output), theirs, relay.secrets


def test_packet_numbers_and_frames_are_those_that_aioquic_tells(both: tuple[Any, Any, bytes]) -> None:
    ours, theirs = packets(both[0]["traces"][0]), packets(both[1])
    assert len(theirs) > 20
    assert {key: ours.get(key) for key in theirs} == theirs
    # The rest is what was still on its way when the client closed: it was captured, and read by nobody.
    last = max(number for direction, _, number in theirs if direction == "packet_received")
    late = [key for key in ours if key not in theirs]
    assert all(key[0] == "packet_received" and key[2] > last for key in late), late


def test_events_come_in_order_by_the_times_of_their_packets(both: tuple[Any, Any, bytes]) -> None:
    events = both[0]["traces"][0]["events"]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    sent = [e["time"] for e in both[1]["events"] if e["name"] == "transport:packet_sent"]
    assert abs(next(e["time"] for e in events if e["name"] == "quic:packet_sent") - sent[0]) < 60_000
    names = Counter(event["name"] for event in events)
    assert names["quic:connection_started"] == names["quic:connection_closed"] == 1
    assert events[0]["name"] == "quic:connection_started"
    retry = [e for e in events if e["data"].get("header", {}).get("packet_type") == "retry"]
    assert [e["name"] for e in retry] == ["quic:packet_received"]


def test_it_says_which_drafts_it_follows_and_what_qvis_asks_for(both: tuple[Any, Any, bytes]) -> None:
    ours = both[0]
    assert ours["file_schema"] == "urn:ietf:params:qlog:file:contained"
    assert (ours["qlog_version"], ours["qlog_format"]) == ("0.3", "JSON")
    (trace,) = ours["traces"]
    assert trace["vantage_point"]["flow"] == "client"
    assert trace["common_fields"]["group_id"] == both[1]["common_fields"]["ODCID"]
    assert {e["category"] for e in trace["events"]} == {"connectivity", "transport"}


def test_no_secrets_and_no_content(both: tuple[Any, Any, bytes]) -> None:
    text = json.dumps(both[0])
    for line in both[2].split():
        assert line.decode() not in text
    assert "reset_token" not in text


def test_only_the_connections_that_are_asked_for(tmp_path: Path) -> None:
    talks = [spoken(50001), spoken(50002)]
    wire = [sent for pair in zip(*(talk.wire for talk in talks), strict=False) for sent in pair]
    capture = captured(wire, b"".join(talk.key_log for talk in talks), tmp_path)
    assert len(json.loads(export(capture)[1])["traces"]) == 2
    (trace,) = json.loads(export(capture, "--connection", 2)[1])["traces"]
    assert trace["title"].startswith("connection 2: ")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    capture = captured(spoken(50001).wire, b"", tmp_path)
    (trace,) = json.loads(export(capture)[1])["traces"]
    assert "could be read: no TLS secret" in trace["description"] or "secret" in trace["description"]
    kinds = {e["data"]["header"]["packet_type"] for e in trace["events"] if "header" in e["data"]}
    assert kinds == {"initial"}


def test_a_case_without_quic_is_one_line(tmp_path: Path) -> None:
    capture, _ = case.write(tmp_path)
    status, output, error = export(capture)
    assert (status, output) == (2, b"")
    assert (
        error
        == f"plainwire: {capture}: none of these connections is one of QUIC: --qlog is about no others\n"
    )
