"""Connections between two ends of aioquic: what plainwire reads is what was said."""

from __future__ import annotations

import itertools

import pytest
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

from plainwire.model import Gap
from plainwire.tls.certificate import read as read_certificate
from tests.quic.talk import ALPN, Talk, configurations
from tests.quic.wire import AWAY, CLIENT, HOME, MOVED, SERVER, Sent, read
from tests.tls.live import HOST

QUESTION, ANSWER = b"what is there?" * 3, bytes(range(256)) * 300
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2


def talk(**settings: object) -> Talk:
    """A question on stream 0, a long answer, and a close by the client."""
    made = Talk(configurations(**settings)).connect()
    return exchange(made)


def exchange(made: Talk, stream: int = 0) -> Talk:
    made.say(CLIENT, stream, QUESTION, end=True)
    made.run()
    made.say(SERVER, stream, ANSWER, end=True)
    return made.run()


@pytest.fixture(scope="module")
def plain() -> Talk:
    made = talk()
    made.client.close(error_code=0x100, reason_phrase="bye \x1b[31m")
    return made.run()


def test_both_sides_of_a_stream_are_read(plain: Talk) -> None:
    reading = read(plain.wire, plain.key_log)
    assert reading.text(0, CLIENT) == QUESTION
    assert reading.text(0, SERVER) == ANSWER
    assert reading.ends == {(0, CLIENT): None, (0, SERVER): None}
    assert not reading.gaps
    facts = reading.only
    assert facts.sizes == [len(QUESTION), len(ANSWER)]
    assert facts.decrypted
    assert facts.undecrypted == []


def test_what_the_handshake_says(plain: Talk) -> None:
    facts = read(plain.wire, plain.key_log).only
    assert facts.transport == "quic"
    assert (facts.client, facts.server) == (HOME, AWAY)
    assert not facts.mid_stream
    assert facts.established
    assert facts.tls is not None
    assert facts.tls.version == "TLS 1.3"
    assert facts.tls.server_name == HOST
    assert facts.tls.alpn == ALPN
    assert facts.tls.handshake_complete
    assert facts.tls.client_random.hex() in plain.key_log.decode()
    assert facts.tls.resumed is False
    assert facts.tls.alpn_offered == [ALPN]
    assert read_certificate(facts.tls.certificate).subject == f"CN={HOST}"
    assert facts.rtt_syn_ns is not None
    assert facts.rtt_syn_ns > 0


def test_transport_parameters_are_facts(plain: Talk) -> None:
    info = read(plain.wire, plain.key_log).only.quic
    assert info is not None
    assert info.version == "QUIC v1"
    client, server = info.parameters
    assert client["max_idle_timeout"] == server["max_idle_timeout"] == 60_000
    assert info.idle_timeout_ns == 60_000_000_000
    assert client["initial_max_data"] == 1_048_576
    assert (
        server["original_destination_connection_id"] == plain.client.original_destination_connection_id.hex()
    )


def test_the_size_of_the_first_datagrams(plain: Talk) -> None:
    facts = read(plain.wire, plain.key_log).only
    assert facts.quic is not None
    assert facts.quic.largest_initial == len(plain.wire[0].data) >= 1200
    small = Talk()
    setattr(small.client, "_max_datagram_size", 900)  # noqa: B010 - aioquic refuses so small a setting
    small.client.connect((AWAY.address, AWAY.port), now=small.now_ns / 1e9)
    small.flight(CLIENT)  # the server drops it
    facts = read(small.wire, small.key_log).only
    assert facts.quic is not None
    assert facts.quic.largest_initial == 900


def test_a_close_says_who_when_and_why(plain: Talk) -> None:
    facts = read(plain.wire, plain.key_log).only
    close = facts.closes[0]
    assert (close.kind, close.side, close.detail) == ("connection_close", CLIENT, "H3_NO_ERROR")
    assert plain.wire[close.packet - 1].source == HOME
    assert close.time_ns == plain.wire[close.packet - 1].time_ns
    assert facts.closed_by is CLIENT
    (event,) = (e for e in facts.events if e.kind == "connection_close")
    assert event.code == 0x100
    assert event.detail == "bye \\x1b[31m"  # nothing from the wire reaches a terminal as it is


def test_text_leads_back_to_the_packets_that_brought_it(plain: Talk) -> None:
    reading = read(plain.wire, plain.key_log)
    for side, sender in ((CLIENT, HOME), (SERVER, AWAY)):
        for _, (packet,) in reading.places[0, side]:
            assert plain.wire[packet - 1].source == sender
    offsets = [offset for offset, _ in reading.places[0, SERVER]]
    assert offsets == sorted(offsets)
    assert len({packet for _, (packet,) in reading.places[0, SERVER]}) == len(offsets)


@pytest.mark.parametrize("full", [None, 1350])
def test_datagrams_that_the_kernel_is_yet_to_cut_are_read(plain: Talk, full: int | None) -> None:
    """A capture on the sender's host takes what is sent with UDP_SEGMENT as one datagram."""
    made = plain
    if full is not None:  # of a size that no datagram had before
        made = Talk()
        for end in (made.client, made.server):
            setattr(end, "_max_datagram_size", full)  # noqa: B010
        exchange(made.connect())
    joined: list[Sent] = []
    size = 0  # of the datagrams that the last one holds; 0 where nothing may follow
    for sent in made.wire:
        fits = 0 < len(sent.data) <= size and not sent.data[0] & 0x80
        if fits and joined[-1].source == sent.source == AWAY:
            joined[-1] = joined[-1]._replace(data=joined[-1].data + sent.data)
            size = size if len(sent.data) == size else 0
        else:
            joined.append(sent)
            size = len(sent.data) if len(sent.data) >= 1200 and not sent.data[0] & 0x80 else 0
    assert len(joined) < len(made.wire)
    reading = read(joined, made.key_log)
    assert reading.text(0, SERVER) == ANSWER
    assert not reading.gaps


def test_an_acknowledgment_says_who_has_what(plain: Talk) -> None:
    reading = read(plain.wire, plain.key_log)
    info = reading.only.quic
    assert info is not None
    (_, (packet,)) = reading.places[0, CLIENT][0]
    found = info.receipt(CLIENT, packet)
    assert found is not None
    time_ns, carrier = found
    assert plain.wire[carrier - 1].source == AWAY
    assert carrier > packet
    assert time_ns == plain.wire[carrier - 1].time_ns
    assert info.receipt(CLIENT, len(plain.wire) + 1) is None


@pytest.mark.parametrize(
    "suite",
    [
        CipherSuite.AES_128_GCM_SHA256,
        CipherSuite.AES_256_GCM_SHA384,
        CipherSuite.CHACHA20_POLY1305_SHA256,
    ],
)
def test_each_cipher_suite(suite: CipherSuite) -> None:
    made = talk(cipher_suites=[suite])
    reading = read(made.wire, made.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)
    tls = reading.only.tls
    assert tls is not None
    assert tls.cipher_suite == f"TLS_{suite.name}"


def test_version_2() -> None:
    made = talk(supported_versions=[V2], original_version=V2)
    reading = read(made.wire, made.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)
    assert reading.only.quic is not None
    assert reading.only.quic.version == "QUIC v2"


def test_a_server_that_goes_on_in_version_2() -> None:
    """Compatible version negotiation: RFC 9368 section 2.3."""
    client, server = configurations()
    client.supported_versions, client.original_version = [V2, V1], V1
    server.supported_versions = [V2, V1]
    made = exchange(Talk((client, server)).connect())
    reading = read(made.wire, made.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)
    assert reading.only.quic is not None
    assert (reading.only.quic.version, reading.only.quic.first_version) == ("QUIC v2", "QUIC v1")


def test_key_updates_by_either_side() -> None:
    made = talk()
    for _, end in enumerate((made.client, made.server, made.client)):
        end.request_key_update()
        stream = made.client.get_next_available_stream_id()
        exchange(made, stream)
    reading = read(made.wire, made.key_log)
    for key, data in made.said.items():
        assert reading.text(*key) == data
    assert reading.only.tls is not None
    assert reading.only.tls.key_updates == [3, 3]


def test_a_late_packet_of_the_keys_before() -> None:
    made = talk()
    late = len(made.wire)
    made.say(CLIENT, 4, b"before", end=True)
    made.flight(CLIENT)
    delayed = made.wire[late]
    made.run()
    made.client.request_key_update()
    made.say(CLIENT, 8, b"after", end=True)
    made.run()
    wire = [*made.wire[:late], *made.wire[late + 1 :], delayed]
    reading = read(wire, made.key_log)
    assert reading.text(4, CLIENT) == b"before"
    assert reading.text(8, CLIENT) == b"after"


def test_a_key_update_with_the_first_packets_after_it_not_captured() -> None:
    made = talk()
    for stream in (4, 8, 12):
        made.client.request_key_update()
        made.say(CLIENT, stream, b"update", end=True)
        begin = len(made.wire)
        made.run()
    wire = made.wire[:begin]  # after the third: all but what the client sent last is missing
    lost = [sent for sent in made.wire[begin:] if sent.source == HOME]
    reading = read([*wire, *lost], made.key_log)
    assert reading.text(12, CLIENT) == b"update"


def test_0_rtt_that_the_server_takes() -> None:
    first = talk()
    client, server = configurations()
    client.session_ticket = first.given[0]
    second = Talk((client, server), tickets=first.tickets)
    second.client.connect((AWAY.address, AWAY.port), now=second.now_ns / 1e9)
    second.say(CLIENT, 0, QUESTION, end=True)
    second.run()
    second.say(SERVER, 0, ANSWER, end=True)
    second.run()
    assert b"CLIENT_EARLY_TRAFFIC_SECRET" in second.key_log
    reading = read(second.wire, second.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)
    info, tls = reading.only.quic, reading.only.tls
    assert info is not None
    assert tls is not None
    assert tls.early_data == "accepted"
    assert info.early_packets > 0
    assert tls.resumed
    (packet,) = reading.places[0, CLIENT][0][1]
    assert packet == 1  # the question was in the first flight


def test_0_rtt_that_the_server_refuses_is_not_read() -> None:
    first = talk()
    client, server = configurations()
    client.session_ticket = first.given[0]
    second = Talk((client, server))  # another server: it does not know the ticket
    second.client.connect((AWAY.address, AWAY.port), now=second.now_ns / 1e9)
    second.say(CLIENT, 0, QUESTION, end=True)
    second.run()
    reading = read(second.wire, second.key_log)
    tls = reading.only.tls
    assert tls is not None
    assert tls.early_data == "rejected"
    assert reading.only.undecrypted == []
    for _, (packet,) in reading.places.get((0, CLIENT), []):
        assert packet > 1


def test_early_data_is_read_where_the_answer_was_not_captured() -> None:
    first = talk()
    client, server = configurations()
    client.session_ticket = first.given[0]
    second = Talk((client, server), tickets=first.tickets)
    second.client.connect((AWAY.address, AWAY.port), now=second.now_ns / 1e9)
    second.say(CLIENT, 0, QUESTION, end=True)
    second.flight(CLIENT)
    reading = read(second.wire, second.key_log)
    assert reading.text(0, CLIENT) == QUESTION


def test_a_client_that_changes_its_address() -> None:
    made = talk()
    made.client_at = MOVED
    before = len(made.wire)
    exchange(made, 4)
    reading = read(made.wire, made.key_log)
    assert reading.text(4, CLIENT) == QUESTION
    assert reading.text(4, SERVER) == ANSWER
    facts = reading.only
    assert facts.quic is not None
    assert facts.quic.paths == [(HOME, AWAY), (MOVED, AWAY)]
    (event,) = (e for e in facts.events if e.kind == "migration")
    assert (event.side, event.packet) == (CLIENT, before + 1)
    assert event.detail == f"from {HOME} to {MOVED}"


def test_a_client_that_changes_connection_id_and_address() -> None:
    made = talk()
    made.client.change_connection_id()
    made.client_at = MOVED
    exchange(made, 4)
    reading = read(made.wire, made.key_log)
    assert reading.text(4, CLIENT) == QUESTION
    assert reading.text(4, SERVER) == ANSWER
    assert len(reading.connections) == 1


@pytest.mark.parametrize("size", [0, 4, 8, 18, 20])
def test_connection_ids_of_each_size(size: int) -> None:
    made = talk(connection_id_length=size)
    reading = read(made.wire, made.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)


def test_connections_one_after_the_other_between_the_same_ports() -> None:
    talks = [talk(), talk(connection_id_length=0)]
    reading = read([sent for made in talks for sent in made.wire], b"".join(made.key_log for made in talks))
    assert len(reading.connections) == 2
    for index in range(2):
        assert reading.text(0, SERVER, index) == ANSWER


def test_connections_at_the_same_time_between_the_same_ports() -> None:
    talks = [talk(), talk()]
    pairs = itertools.zip_longest(*(made.wire for made in talks))
    wire = [sent for pair in pairs for sent in pair if sent is not None]
    reading = read(wire, b"".join(made.key_log for made in talks))
    assert len(reading.connections) == 2
    for index in range(2):
        assert reading.text(0, SERVER, index) == ANSWER


def test_a_stream_that_is_reset() -> None:
    made = talk()
    made.say(CLIENT, 4, b"only the beginning")
    made.run()
    made.client.reset_stream(4, 0x10C)
    made.run()
    reading = read(made.wire, made.key_log)
    assert reading.text(4, CLIENT) == b"only the beginning"
    assert reading.ends[4, CLIENT] == 0x10C
    (event,) = (e for e in reading.only.events if e.kind == "reset_stream")
    assert (event.side, event.stream, event.code, event.name) == (CLIENT, 4, 0x10C, "H3_REQUEST_CANCELLED")


def test_a_receiver_that_wants_no_more() -> None:
    made = talk()
    made.say(CLIENT, 4, b"question")
    made.run()
    made.client.stop_stream(4, 0x10C)
    made.run()
    reading = read(made.wire, made.key_log)
    (event,) = (e for e in reading.only.events if e.kind == "stop_sending")
    assert (event.side, event.stream, event.name) == (CLIENT, 4, "H3_REQUEST_CANCELLED")


def test_a_transport_error_names_itself() -> None:
    made = talk()
    made.server.close(error_code=0x0A, frame_type=0x08, reason_phrase="no")
    made.run()
    facts = read(made.wire, made.key_log).only
    assert (facts.closes[0].side, facts.closes[0].detail) == (SERVER, "PROTOCOL_VIOLATION")
    (event,) = (e for e in facts.events if e.kind == "connection_close")
    assert event.detail == "frame type 0x8: no"


def test_a_handshake_that_fails_is_seen_without_secrets() -> None:
    client, server = configurations()
    server.alpn_protocols = ["other"]
    made = Talk((client, server)).connect()
    facts = read(made.wire).only
    assert facts.closes[0].side is SERVER
    assert facts.closes[0].detail.startswith("CRYPTO_ERROR (")


def test_datagrams_of_the_application_are_counted() -> None:
    made = talk(max_datagram_frame_size=65536)
    made.client.send_datagram_frame(b"ping")
    made.run()
    info = read(made.wire, made.key_log).only.quic
    assert info is not None
    assert info.datagrams == [1, 0]


def test_lost_datagrams_leave_no_hole_when_their_bytes_are_sent_again() -> None:
    made = Talk(lose=lambda number, side: side is SERVER and number % 7 == 0).connect()
    exchange(made)
    for _ in range(200):
        if made.flight(CLIENT) or made.flight(SERVER):
            continue
        made.now_ns += 500_000_000
    kept = [sent for number, sent in enumerate(made.wire, 1) if number % 7 or sent.source != AWAY]
    assert len(kept) < len(made.wire)
    reading = read(kept, made.key_log)
    assert reading.text(0, SERVER) == ANSWER
    assert not reading.gaps
    info = reading.only.quic
    assert info is not None
    assert info.missing_packets[SERVER] > 0


def test_datagrams_that_were_not_captured_are_gaps() -> None:
    made = talk()
    big = [n for n, sent in enumerate(made.wire) if sent.source == AWAY and len(sent.data) > 1000]
    lost = big[len(big) // 2]
    reading = read(made.wire[:lost] + made.wire[lost + 1 :], made.key_log)
    (gap,) = reading.gaps
    assert isinstance(gap, Gap)
    assert gap.side is SERVER
    assert len(reading.text(0, SERVER)) + gap.length == len(ANSWER)
    text = reading.text(0, SERVER)
    assert text == ANSWER[: gap.offset] + ANSWER[gap.offset + gap.length :]
    assert reading.only.gaps == [gap]


def test_datagrams_in_another_order() -> None:
    made = talk()
    wire = list(made.wire)
    for at in range(6, len(wire) - 3, 4):
        wire[at], wire[at + 2] = wire[at + 2], wire[at]
    reading = read(wire, made.key_log)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)


def test_the_same_datagrams_captured_twice(plain: Talk) -> None:
    once = read(plain.wire, plain.key_log)
    twice = read([sent for sent in plain.wire for _ in range(2)], plain.key_log)
    assert twice.texts == once.texts
    assert len(twice.only.closes) == len(once.only.closes)


@pytest.mark.parametrize("step", [1, 2, 7])
def test_fed_in_pieces_or_at_once(plain: Talk, step: int) -> None:
    whole, pieces = read(plain.wire, plain.key_log), read(plain.wire, plain.key_log, step=step)
    assert pieces.texts == whole.texts
    assert pieces.places == whole.places
    assert pieces.only == whole.only


def test_without_secrets_the_reason_is_exact(plain: Talk) -> None:
    reading = read(plain.wire)
    (reason,) = reading.only.undecrypted
    assert reason.reason == "no secret for this client random"
    assert reason.side is None
    assert not reading.only.decrypted
    assert reading.only.tls is not None
    assert reading.only.tls.server_name == HOST  # which Initial packets tell anybody
    assert reading.only.established


def test_a_wrong_secret_is_named_with_its_packet(plain: Talk) -> None:
    lines = [
        line[:-4] + b"beef" if line.startswith(b"SERVER_TRAFFIC_SECRET_0") else line
        for line in plain.key_log.splitlines()
    ]
    reading = read(plain.wire, b"\n".join(lines))
    assert reading.text(0, CLIENT) == QUESTION
    (reason,) = reading.only.undecrypted
    assert reason.side is SERVER
    assert reason.packet is not None
    assert plain.wire[reason.packet - 1].source == AWAY
    assert reason.reason == f"packet {reason.packet} does not authenticate"


def test_a_secret_that_is_missing_is_named(plain: Talk) -> None:
    lines = [line for line in plain.key_log.splitlines() if b"CLIENT_TRAFFIC_SECRET_0" not in line]
    reading = read(plain.wire, b"\n".join(lines))
    assert reading.text(0, SERVER) == ANSWER
    (reason,) = reading.only.undecrypted
    assert reason.side is CLIENT
    assert reason.reason == "no CLIENT_TRAFFIC_SECRET_0 for this client random"


def test_secrets_that_come_late(plain: Talk) -> None:
    whole = read(plain.wire, plain.key_log)
    reading = read(plain.wire, step=1, late=plain.key_log)
    assert reading.texts == whole.texts
    assert reading.only.undecrypted == []


def test_secrets_under_a_client_random_that_is_not_on_the_wire(
    plain: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with Encrypted Client Hello; here each ClientHello passes for one that offers it."""
    monkeypatch.setattr("plainwire.tls.handshake_messages.ENCRYPTED_CLIENT_HELLO", 51)
    outer = read(plain.wire).only.tls
    assert outer is not None
    inner = bytes(32)
    log = plain.key_log.replace(outer.client_random.hex().encode(), inner.hex().encode())
    other = b"SERVER_HANDSHAKE_TRAFFIC_SECRET " + b"11" * 32 + b" " + b"22" * 48 + b"\n"
    reading = read(plain.wire, other + log)
    assert reading.text(0, SERVER) == ANSWER
    assert reading.only.tls is not None
    assert reading.only.tls.client_random == inner
    assert reading.only.tls.encrypted_client_hello == "accepted"
    assert reading.only.undecrypted == []


def test_labels_of_old_drafts() -> None:
    made = talk()
    log = b"".join(b"QUIC_" + line + b"\n" for line in made.key_log.splitlines())
    assert read(made.wire, log).text(0, SERVER) == ANSWER
