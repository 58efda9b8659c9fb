"""Reading what the program's side saw, from files that anybody may have written into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plainwire.acquire import events
from plainwire.case import Case
from plainwire.model import ProgramConnection, Unreached

if TYPE_CHECKING:
    from pathlib import Path

CONNECT = {
    "event": "connect",
    "time": 1700000000.25,
    "pid": 7,
    "tid": 8,
    "command": "python",
    "local": "127.0.0.1:5000",
    "peer": "127.0.0.1:443",
}
TLS = CONNECT | {"event": "tls", "client_random": "0f" * 32, "library": "/lib/libssl.so.3"}


def written(path: Path, *lines: object) -> Path:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


def test_each_kind_of_event_is_entered(tmp_path: Path) -> None:
    start = {"event": "start", "time": 1.0, "command": ["python", "test.py"], "pid": 7}
    note = {"event": "note", "text": "statically linked"}
    end = {"event": "exit", "time": 2.0, "status": 137}
    found = events.read(written(tmp_path / "program.jsonl", start, CONNECT, TLS, note, end))
    assert found.command == ["python", "test.py"]
    assert found.exit_status == 137
    assert found.notes == ["statically linked"]
    assert found.by_client_random == {b"\x0f" * 32: ProgramConnection(7, 8, "python", "/lib/libssl.so.3")}
    assert found.by_sockets == {
        ("127.0.0.1:5000", "127.0.0.1:443"): [(1700000000250000000, ProgramConnection(7, 8, "python"))]
    }


def test_how_secrets_were_had_and_which_could_not_be(tmp_path: Path) -> None:
    unreached = {"event": "unreached", "time": 1.0, "pid": 7, "library": "/bin/x", "why": "it is not known"}
    found = events.read(written(tmp_path / "program.jsonl", TLS | {"how": "patch"}, unreached))
    assert [program.secrets_by for program in found.by_client_random.values()] == ["patch"]
    assert found.unreached == [Unreached(7, "/bin/x", "it is not known")]
    assert found.notes == []


def test_socket_that_only_its_handshake_shows_is_the_programs_too(tmp_path: Path) -> None:
    """It was inherited, or accepted."""
    found = events.read(written(tmp_path / "program.jsonl", TLS))
    assert list(found.by_sockets) == [("127.0.0.1:5000", "127.0.0.1:443")]


def test_session_over_memory_bios_is_known_by_its_random_alone(tmp_path: Path) -> None:
    found = events.read(written(tmp_path / "program.jsonl", TLS | {"local": None, "peer": None}))
    assert list(found.by_client_random) == [b"\x0f" * 32]
    assert found.by_sockets == {}


def test_address_is_written_as_elsewhere(tmp_path: Path) -> None:
    sixth = CONNECT | {"local": "[0:0:0:0:0:0:0:1]:5000", "peer": "[2001:DB8::1]:443"}
    found = events.read(written(tmp_path / "program.jsonl", sixth))
    assert list(found.by_sockets) == [("[::1]:5000", "[2001:db8::1]:443")]


def test_same_port_pair_used_twice_keeps_both_times(tmp_path: Path) -> None:
    found = events.read(
        written(tmp_path / "program.jsonl", CONNECT, CONNECT | {"time": 1700000060.0, "pid": 9})
    )
    assert [(time // 10**9, user.pid) for time, user in next(iter(found.by_sockets.values()))] == [
        (1700000000, 7),
        (1700000060, 9),
    ]


def test_connect_that_failed_made_an_attempt(tmp_path: Path) -> None:
    error = CONNECT | {"event": "error", "call": "connect", "errno": 111, "local": "0.0.0.0:5000"}
    found = events.read(written(tmp_path / "program.jsonl", error))
    assert list(found.by_sockets) == [("0.0.0.0:5000", "127.0.0.1:443")]
    for other in ({"call": "read"}, {"peer": None}, {"local": "0.0.0.0:0"}):
        assert events.read(written(tmp_path / "program.jsonl", error | other)).by_sockets == {}


def test_only_plainwires_own_word_says_that_nothing_was_seen_of_sockets(tmp_path: Path) -> None:
    note = {"event": "note", "text": "process 7 still runs"}
    assert not events.read(written(tmp_path / "program.jsonl", note)).unwatched
    assert events.read(written(tmp_path / "program.jsonl", note | {"unwatched": True})).unwatched
    assert not events.read(written(tmp_path / "program.jsonl", note)).relayed
    assert events.read(written(tmp_path / "program.jsonl", note | {"relayed": True})).relayed


def test_what_was_left_out_of_the_capture_is_counted(tmp_path: Path) -> None:
    left_out = {"event": "left out", "packets": 12}
    assert events.read(written(tmp_path / "program.jsonl", left_out)).left_out == 12


@pytest.mark.parametrize(
    "junk",
    [
        b'{"event": "connect", "time": 17',
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"event": "unheard of"}',
        orjson.dumps(CONNECT | {"local": "somewhere"}),
        orjson.dumps(CONNECT | {"peer": "127.0.0.1:70000000000000000000000"}),
        orjson.dumps(CONNECT | {"time": None}),
        orjson.dumps(CONNECT | {"pid": [1]}),
        orjson.dumps(TLS | {"client_random": "xyz"}),
        orjson.dumps(CONNECT | {"command": "x" * 20_000}),
    ],
)
def test_line_that_does_not_fit_is_counted_and_hurts_no_other(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "program.jsonl"
    path.write_bytes(junk + b"\n" + orjson.dumps(TLS) + b"\n")
    found = events.read(path)
    assert list(found.by_client_random) == [b"\x0f" * 32]
    assert found.notes == ["program.jsonl: 1 line could not be understood"]


def test_very_many_notes_are_not_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "program.jsonl"
    notes = [{"event": "note", "text": f"{number // 10}"} for number in range(20_000)]
    path.write_bytes(b"".join(orjson.dumps(note) + b"\n" for note in notes))
    assert events.read(path).notes == [str(number) for number in range(events.MOST_NOTES)]


def test_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert events.read(tmp_path / "program.jsonl").by_client_random == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=300), cut=st.integers(0, 400))
def test_any_bytes_are_read(tmp_path: Path, junk: bytes, cut: int) -> None:
    path = tmp_path / "program.jsonl"
    path.write_bytes(orjson.dumps(TLS)[:cut] + junk)
    events.read(path)


def test_sink_is_sorted_into_keys_and_events(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.keys.write_text("CLIENT_RANDOM 00 11\n")
    case.program.touch()
    sink = tmp_path / "sink"
    sink.write_bytes(b"CLIENT_RANDOM 22 33\n" + orjson.dumps(TLS) + b"\nCLIENT_RANDOM 44 55\n")
    events.merge(sink, 0, case)
    assert case.keys.read_text().splitlines() == [
        "CLIENT_RANDOM 00 11",
        "CLIENT_RANDOM 22 33",
        "CLIENT_RANDOM 44 55",
    ]
    assert list(events.read(case.program).by_client_random) == [b"\x0f" * 32]


def test_secrets_stay_out_of_what_is_read_as_events(tmp_path: Path) -> None:
    path = tmp_path / "program.jsonl"
    path.write_text("CLIENT_RANDOM 0011 deadbeef\n")
    assert "deadbeef" not in repr(events.read(path))


def test_tests_resets_and_acknowledged_bytes_are_read(tmp_path: Path) -> None:
    common = {"time": 5.0, "pid": 7, "tid": 7, "command": "x"}
    client, server = "192.0.2.1:4", "192.0.2.2:443"
    ends = {"local": client, "peer": server}
    sent = {"local": server, "peer": client, "state": "TCP_CLOSE", "reason": "TCP_STATE"}
    lines = [
        json.dumps({"event": kind, **common, **more})
        for kind, more in (
            ("test", {"name": "a.py::tést".encode().decode("latin-1")}),
            ("error", {**ends, "call": "read", "errno": 104, "acked": 518}),
            ("close", {**ends, "unread": 0}),
            ("reset", sent),
        )
    ]
    (tmp_path / "program.jsonl").write_text("".join(f"{line}\n" for line in lines))
    found = events.read(tmp_path / "program.jsonl")
    assert found.notes == []
    assert [(test.pid, test.name) for test in found.tests] == [(7, "a.py::tést")]
    assert [error.acked for error in found.errors] == [518]
    assert [close.acked for close in found.closes] == [None]
    (reset,) = found.resets
    assert (reset.local, reset.peer, reset.reason) == (server, client, "TCP_STATE")
