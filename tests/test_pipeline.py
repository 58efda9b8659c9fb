"""The joints between the rooms: from packets to exchanges, which connections are the program's, and what
the report owns up to.
"""

from __future__ import annotations

import gc
import gzip
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.keys import read_keys
from plainwire.model import PacketBatch, ProgramConnection, ProgramEvents, Side, Unreached, UserError
from plainwire.report import json, terminal
from tests.builders.captures import enhanced, interface, pcap, secrets, section
from tests.builders.conversation import Conversation
from tests.builders.packets import SYN, packet
from tests.http.talk2 import Pair
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.model import CaptureItem, Connection, Report


def _analyzed(folder: Path, events: ProgramEvents) -> Report:
    capture = folder / "two.pcap"
    syns = [packet(("10.0.0.1", port), ("10.0.0.2", 443), 1, flags=SYN) for port in (5001, 5002)]
    capture.write_bytes(pcap(syns))
    return pipeline.analyze([capture], [], events=events, program_only=True)


def test_connections_of_other_programs_are_left_out_and_counted(tmp_path: Path) -> None:
    mine = ("10.0.0.1:5002", "10.0.0.2:443")
    owner = ProgramConnection(pid=7, thread=7, command="client")
    report = _analyzed(tmp_path, ProgramEvents(by_sockets={mine: [(1_700_000_000_000_000_000, owner)]}))
    assert [str(c.client) for c in report.connections] == ["10.0.0.1:5002"]
    assert report.coverage.other_connections == 1


def test_all_connections_stay_where_the_program_could_not_be_watched_and_the_report_says_why(
    tmp_path: Path,
) -> None:
    report = _analyzed(tmp_path, ProgramEvents(notes=["the interposer was not compiled"], unwatched=True))
    assert len(report.connections) == 2
    assert report.coverage.other_connections == 0
    assert report.coverage.notes == ["the interposer was not compiled"]


def test_a_program_that_was_watched_and_made_no_connection_gets_none_of_others(tmp_path: Path) -> None:
    report = _analyzed(tmp_path, ProgramEvents())
    assert report.connections == []
    assert report.coverage.other_connections == 2


# --- from packets to exchanges ------------------------------------------------------------------------

CLIENT, SERVER = Side.CLIENT, Side.SERVER
GET = b"GET /object HTTP/1.1\r\nHost: storage.example\r\n\r\n"
BODY = bytes(range(256)) * 20
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5120\r\n\r\n" + BODY


def _live(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[Live, Conversation]:
    """A real TLS connection with one exchange, ended by the server, as packets."""
    live = Live(*contexts(version))
    live.say(CLIENT, GET)
    live.say(SERVER, OK)
    live.close(SERVER)
    conversation = Conversation().open()
    for side, data in live.wire:
        conversation.send(side, data)
    return live, conversation.fin(SERVER).fin(CLIENT)


def _report(folder: Path, packets: list[bytes], key_log: bytes = b"") -> Report:
    (folder / "a.pcap").write_bytes(pcap(packets))
    (folder / "keys.log").write_bytes(key_log)
    return pipeline.analyze([folder / "a.pcap"], [folder / "keys.log"], keep_bodies=True)


def _only(report: Report) -> Connection:
    (connection,) = report.connections
    return connection


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_exchange_inside_tls(version: ssl.TLSVersion, tmp_path: Path) -> None:
    live, conversation = _live(version)
    report = _report(tmp_path, conversation.packets, live.key_log)
    connection = _only(report)
    (exchange,) = report.exchanges
    assert (exchange.outcome, connection.application, connection.decrypted) == ("complete", "http/1.1", True)
    assert exchange.response
    assert exchange.response.body == BODY
    assert (report.coverage.decrypted, report.coverage.undecrypted) == (1, [])
    assert [(c.kind, c.side) for c in connection.closes] == [
        ("close_notify", SERVER),
        ("fin", SERVER),
        ("fin", CLIENT),
    ]
    closing = connection.closes[0]
    assert closing.packet == len(conversation.packets) - 2
    assert closing.ack == sum(len(data) for side, data in live.wire if side == CLIENT)
    assert pipeline.exit_code(report) == 0


def test_an_empty_line_before_the_first_request(tmp_path: Path) -> None:
    report = _report(tmp_path, Conversation().open().send(CLIENT, b"\r\n" + GET).send(SERVER, OK).packets)
    assert [e.outcome for e in report.exchanges] == ["complete"]


def test_packets_of_messages_in_clear_text(tmp_path: Path) -> None:
    talk = Conversation().open().send(CLIENT, GET).send(SERVER, OK).send(CLIENT, GET).rst(SERVER)
    report = _report(tmp_path, talk.packets)
    first, second = report.exchanges
    assert first.request
    assert first.response
    assert second.request
    assert (first.request.packet, first.response.packet, first.response.last_packet) == (4, 5, 8)
    assert (second.request.packet, second.outcome) == (9, "unanswered")
    assert report.findings
    assert pipeline.exit_code(report) == 1


@pytest.mark.parametrize("late", [False, True])
def test_secrets_inside_the_capture_before_or_after_the_packets(tmp_path: Path, *, late: bool) -> None:
    live, conversation = _live()
    blocks = [enhanced(each, number) for number, each in enumerate(conversation.packets)]
    blocks.insert(len(blocks) if late else 0, secrets(live.key_log))
    (tmp_path / "a.pcapng").write_bytes(section() + interface() + b"".join(blocks))
    report = pipeline.analyze([tmp_path / "a.pcapng"])
    assert [e.outcome for e in report.exchanges] == ["complete"]


def test_the_caller_s_garbage_is_collected_again_afterwards(tmp_path: Path) -> None:
    capture = tmp_path / "made.pcap"
    capture.write_bytes(pcap([]))
    seen: list[bool] = []
    gc.enable()  # the command line leaves it off, and may have been called by a test

    def through(items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        seen.append(gc.isenabled())
        return items

    pipeline.analyze([capture], through=through)
    with pytest.raises(UserError):
        pipeline.analyze([tmp_path / "none"])
    assert seen == [False]
    assert gc.isenabled()


def test_packets_one_by_one_give_the_same_report(tmp_path: Path) -> None:
    live, conversation = _live()
    whole = _report(tmp_path, conversation.packets, live.key_log)
    assert json.encode(_one_by_one(tmp_path)) == json.encode(whole)


def _one_by_one(folder: Path) -> Report:
    """The report on what ``_report`` wrote, fed packet by packet."""
    analysis = pipeline.Analysis(read_keys([folder / "keys.log"]), keep_bodies=True)
    for item in reader.read([folder / "a.pcap"]):
        for row in range(len(item.number) if isinstance(item, PacketBatch) else 0):
            analysis.feed(_row(item, row))
    return analysis.close()


def _row(batch: object, row: int) -> PacketBatch:
    assert isinstance(batch, PacketBatch)
    names = ("number", "time_ns", "offset", "caplen", "length", "link")
    return PacketBatch(batch.data, *(getattr(batch, name)[row : row + 1] for name in names))


def test_without_secrets_the_report_says_so(tmp_path: Path) -> None:
    _, conversation = _live()
    report = _report(tmp_path, conversation.packets)
    assert report.exchanges == []
    assert report.coverage.undecrypted == [(1, "no secret for this client random")]
    assert pipeline.exit_code(report) == 3


def test_junk_in_a_key_log_is_counted_and_costs_nothing(tmp_path: Path) -> None:
    live, conversation = _live()
    report = _report(tmp_path, conversation.packets, b"junk\n" + live.key_log + b"\xff\n")
    assert [e.outcome for e in report.exchanges] == ["complete"]
    assert "2 lines are not in the format of a key log" in report.coverage.notes


def test_a_connection_whose_secrets_the_program_should_have_given_says_why(tmp_path: Path) -> None:
    _, conversation = _live()
    (tmp_path / "a.pcap").write_bytes(pcap(conversation.packets))
    report = pipeline.analyze([tmp_path / "a.pcap"], events=ProgramEvents())
    assert report.coverage.undecrypted == [(1, "no secrets, the program's TLS library was not reached")]


def test_a_connection_of_tls_that_could_not_be_reached_says_which_and_why(tmp_path: Path) -> None:
    _, conversation = _live()
    (tmp_path / "a.pcap").write_bytes(pcap(conversation.packets))
    events = ProgramEvents(unreached=[Unreached(5, "/bin/other", "-"), Unreached(4, "/bin/it", "no room")])
    whole = pipeline.analyze([tmp_path / "a.pcap"]).connections[0]
    sockets = str(whole.client), str(whole.server)
    events.by_sockets[sockets] = [(whole.opened_ns or 0, ProgramConnection(4, 4, "it"))]
    report = pipeline.analyze([tmp_path / "a.pcap"], events=events)
    assert report.coverage.undecrypted == [(1, "no secrets, the TLS inside /bin/it was not reached: no room")]


def test_a_connection_is_its_program_s_by_client_random(tmp_path: Path) -> None:
    live, conversation = _live()
    (tmp_path / "a.pcap").write_bytes(pcap(conversation.packets))
    owner = ProgramConnection(pid=7, thread=7, command="client")
    random = live.wire[0][1][11:43]  # record 5, handshake 4, version 2 (RFC 8446 section 4.1.2)
    events = ProgramEvents(by_client_random={random: owner})
    report = pipeline.analyze([tmp_path / "a.pcap"], events=events, program_only=True)
    assert _only(report).program is owner


def test_a_connection_whose_secrets_are_in_the_key_log_of_the_program_is_its_own(tmp_path: Path) -> None:
    live, conversation = _live()
    capture = tmp_path / "a.pcap"
    capture.write_bytes(pcap(conversation.packets))
    (tmp_path / "keys.log").write_bytes(live.key_log)
    events = ProgramEvents()
    report = pipeline.analyze([capture], [tmp_path / "keys.log"], events=events, program_only=True)
    assert _only(report).decrypted
    assert report.coverage.other_connections == 0


@pytest.mark.parametrize(("known", "told"), [(0, 0), (1, 1), (None, 0)])
def test_of_a_program_s_tls_that_a_relay_carries_on_only_its_own_leg_is_told(
    tmp_path: Path, known: int | None, told: int
) -> None:
    """Its sockets tell which it is; where they are not known (addresses were rewritten), the order."""
    live, _ = _live()
    relay = ("10.0.0.9", 443)
    legs = [Conversation(("10.0.0.1", 5001), relay).open(), Conversation(relay, ("10.0.0.2", 443)).open()]
    for side, data in live.wire:
        for leg in legs:
            leg.send(side, data)
    capture = tmp_path / "a.pcap"
    capture.write_bytes(pcap([p for pair in zip(*(leg.packets for leg in legs), strict=True) for p in pair]))
    (tmp_path / "keys.log").write_bytes(live.key_log)
    events = ProgramEvents()
    if known is not None:
        ends = tuple(f"{address}:{port}" for address, port in (legs[known].client, legs[known].server))
        owner = ProgramConnection(pid=7, thread=7, command="client")
        events.by_sockets[ends[0], ends[1]] = [(1_700_000_000_000_000_000, owner)]
    report = pipeline.analyze([capture], [tmp_path / "keys.log"], events=events, program_only=True)
    assert str(_only(report).client) == "{}:{}".format(*legs[told].client)
    assert report.coverage.other_connections == 1
    assert len(report.exchanges) == 1


def test_http_2_is_read_where_alpn_is_silent(tmp_path: Path) -> None:
    live = Live(*contexts())
    live.say(CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
    conversation = Conversation().open()
    for side, data in live.wire:
        conversation.send(side, data)
    connection = _only(_report(tmp_path, conversation.packets, live.key_log))
    assert connection.application == "h2"
    assert [(event.kind, event.side) for event in connection.events] == [("settings", CLIENT)]


@pytest.mark.parametrize("first", [b"SSH-2.0-x\r\n", b"220 mail.example ESMTP\r\n", b"\0\1\2\3"])
def test_what_is_neither_tls_nor_http_makes_no_exchange(first: bytes, tmp_path: Path) -> None:
    talk = Conversation().open().send(SERVER, first).send(CLIENT, first).fin(CLIENT).fin(SERVER)
    report = _report(tmp_path, talk.packets)
    assert (report.exchanges, report.findings, _only(report).application) == ([], [], None)


@pytest.mark.parametrize("start", [GET, OK, b"\x16\3\1\0\5\1\0\0\1x", b"\x16\3\3\0\5\2\0\0\1x"])
def test_without_a_syn_the_first_message_tells_who_is_the_client(start: bytes, tmp_path: Path) -> None:
    asks = start is GET or start[:6].endswith(b"\1")
    talk = Conversation(("192.0.2.1", 9000), ("192.0.2.2", 9001)).send(CLIENT if asks else SERVER, start)
    connection = _only(_report(tmp_path, talk.packets))
    assert (connection.client.port, connection.roles_guessed) == (9000, True)


def test_a_packet_that_the_capture_lost_from_a_clear_body_is_bridged(tmp_path: Path) -> None:
    talk = Conversation().open().send(CLIENT, GET).send(SERVER, OK).send(CLIENT, GET).send(SERVER, OK)
    report = _report(tmp_path, [p for n, p in enumerate(talk.fin(SERVER).packets, 1) if n != 6])
    assert [e.outcome for e in report.exchanges] == ["complete", "complete"]
    assert [(g.offset, g.length) for g in _only(report).gaps] == [(1460, 1460)]


def test_a_packet_that_the_capture_lost_from_tls_leaves_the_answer_unseen(tmp_path: Path) -> None:
    live, conversation = _live()
    lost = len(conversation.packets) - 4  # a middle packet of the answer
    report = _report(tmp_path, [p for n, p in enumerate(conversation.packets) if n != lost], live.key_log)
    assert [e.outcome for e in report.exchanges] == ["unseen"]
    assert {finding.code for finding in report.findings} == {"capture-artifact"}
    assert len(_only(report).gaps) == 1
    assert report.coverage.undecrypted == []  # behind the hole its records are read again
    assert pipeline.exit_code(report) == 3


@given(data=st.data())
def test_packets_lost_doubled_or_swapped_never_make_up_text(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    talk = Conversation(segment_size=700).open()
    for _ in range(3):
        talk.send(CLIENT, GET).send(SERVER, OK)
    packets = talk.fin(SERVER).packets
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(packets) - 1))
        change = data.draw(st.sampled_from(["lose", "double", "swap"]))
        if change == "lose":
            packets = packets[:at] + packets[at + 1 :]
        elif change == "double":
            packets = packets[: at + 1] + packets[at:]
        else:
            packets = packets[:at] + packets[at : at + 2][::-1] + packets[at + 2 :]
    report = _report(tmp_path_factory.mktemp("lossy"), packets)
    json.encode(report)
    for exchange in report.exchanges:
        if exchange.request is not None:
            assert (exchange.request.method, exchange.request.target) == ("GET", "/object")
        if exchange.response is not None and exchange.response.complete:
            assert (exchange.response.status, exchange.response.body_size) == (200, len(BODY))


def test_a_response_that_was_captured_ahead_of_its_request_answers_it_all_the_same(tmp_path: Path) -> None:
    """Each direction captured elsewhere, the server's by a clock that is behind."""
    talk = Conversation().open()
    for _ in range(2):
        talk.send(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        talk.send(Side.SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    syn, syn_ack, ack, first, answer, second, last = talk.packets
    report = _report(tmp_path, [syn, syn_ack, ack, answer, first, last, second])
    assert [(e.request is not None, e.outcome) for e in report.exchanges] == [(True, "complete")] * 2
    assert report.findings == []
    unasked = Conversation().open()
    unasked.send(Side.SERVER, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    early = unasked.packets[-1]
    unasked.send(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").fin(Side.SERVER)
    report = _report(tmp_path, [*unasked.packets[:3], early, *unasked.packets[4:]])
    assert [e.request is not None for e in report.exchanges] == [False, True]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("at", [0, 3, 1499])
def test_so_does_one_early_in_a_long_connection(tmp_path: Path, at: int, *, late: bool) -> None:
    """More segments than a connection keeps; one of the requests lies in a hole."""
    talk = Conversation().open()
    for number in range(1500):
        talk.send(Side.CLIENT, b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        talk.send(Side.SERVER, b"HTTP/1.1 200 OK\r\nX: %d\r\nContent-Length: 2\r\n\r\nok" % number)
    packets = talk.fin(Side.CLIENT).fin(Side.SERVER).packets
    request = 3 + 2 * at
    packets[request : request + 2] = packets[request : request + 2][::-1]
    whole = _report(tmp_path, packets[3 if late else 0 :])
    for report in (whole, _one_by_one(tmp_path)):
        assert report.findings == []
        assert len(report.exchanges) == 1500
        for exchange in report.exchanges:
            assert exchange.request is not None
            assert exchange.response is not None
            assert exchange.request.target == "/" + dict(exchange.response.headers)["X"]


@pytest.mark.parametrize("cut", [7, 8, 12, 30])
def test_http2_in_clear_text_is_read_from_the_middle_of_a_frame_on(tmp_path: Path, cut: int) -> None:
    pair = Pair()
    pair.answer(pair.ask(), bytes(range(256)) * 60)
    for _ in range(2):
        pair.answer(pair.ask(), b"yes")
    talk = Conversation(segment_size=600).open()
    for act in pair.talk.acts:
        talk.send(act.side, act.data or b"")
    report = _report(tmp_path, talk.fin(SERVER).fin(CLIENT).packets[cut:])
    assert _only(report).application == "h2"
    assert [e.outcome for e in report.exchanges[-2:]] == ["complete"] * 2
    assert json.encode(_one_by_one(tmp_path)) == json.encode(report)
    assert report.findings == []


def test_a_reset_of_an_idle_connection_is_no_failure_and_is_said(tmp_path: Path) -> None:
    says = "Theserverresettheidleconnection1;aclientthatwritesonitnextgetsECONNRESETwithoutapacket."
    talk = Conversation().open().send(CLIENT, GET).send(SERVER, OK).ack(CLIENT)
    report = _report(tmp_path, talk.rst(SERVER).packets)
    assert report.findings == []
    assert says in "".join(terminal.verdict(report).split())
    talk = Conversation().open().send(CLIENT, GET).send(SERVER, OK).ack(CLIENT)
    report = _report(tmp_path, talk.fin(SERVER).rst(SERVER).packets)
    assert "ECONNRESET" not in terminal.verdict(report)


def test_a_fin_that_the_capture_lost_leaves_open_who_closed_first(tmp_path: Path) -> None:
    talk = Conversation().open()
    talk.send(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.send(Side.SERVER, b"HTTP/1.0 200 OK\r\n\r\nok").fin(Side.SERVER).fin(Side.CLIENT)
    whole = _only(_report(tmp_path, talk.packets))
    assert (whole.closed_by, whole.exchanges[0].outcome) == (Side.SERVER, "complete")
    without = _report(tmp_path, [*talk.packets[:5], talk.packets[6]])
    assert _only(without).unseen_fins == [False, True]
    assert _only(without).exchanges[0].outcome == "unseen"
    assert without.findings == []


def test_a_hole_in_a_coded_body_makes_it_no_corrupt_one(tmp_path: Path) -> None:
    body = gzip.compress(bytes(range(256)) * 40, mtime=0) + b""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    talk = Conversation(segment_size=100).open()
    talk.send(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").send(Side.SERVER, head + body)
    talk.send(Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    report = _report(tmp_path, [*talk.packets[:6], *talk.packets[7:]])
    response = report.exchanges[0].response
    assert response is not None
    assert response.content is not None
    assert response.content.defect == "100 bytes of it are not in the capture"
    assert report.findings == []
