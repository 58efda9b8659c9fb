"""Which packets of a capture are the program's, and which are others'."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from plainwire.keys import read_keys
from plainwire.model import ProgramConnection, ProgramEvents, Side
from plainwire.sifting import own_packets
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.builders.packets import ACK, RST, SYN, ipv4, packet
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = 1_700_000_000_000_000_000
"""When the packets of ``pcap`` begin, in ns."""
OWNER = ProgramConnection(pid=7, thread=7, command="client")
MINE, OTHER, SERVER = ("10.0.0.1", 5001), ("10.0.0.1", 5002), ("10.0.0.2", 443)
RESOLVER = ("10.0.0.53", 53)
UDP, ICMP = 17, 1


def text(end: tuple[str, int]) -> str:
    return f"{end[0]}:{end[1]}"


def connected(*clients: tuple[str, int], local: str | None = None) -> ProgramEvents:
    """The program has called connect(2) for these."""
    return ProgramEvents(
        by_sockets={(local or text(client), text(SERVER)): [(BEGAN, OWNER)] for client in clients}
    )


def stay(
    folder: Path,
    packets: list[bytes],
    events: ProgramEvents,
    key_log: bytes = b"",
    sent: list[tuple[int, int]] | None = None,
) -> list[int]:
    """The indices of the packets that stay."""
    capture, keys = folder / "a.pcap", folder / "keys.log"
    capture.write_bytes(pcap(packets))
    keys.write_bytes(key_log)
    found = own_packets(capture, events, read_keys([keys]), sent)
    assert len(found.flags) == len(packets)
    assert found.left_out == found.flags.count(0)
    return [index for index, flag in enumerate(found.flags) if flag]


def udp(source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    header = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0)
    return ipv4(source[0], target[0], header + payload, protocol=UDP)


def question(name: str, number: int = 1) -> bytes:
    return udp(MINE, RESOLVER, _message(number, 0x0100, name, b""))


def answer(name: str, *addresses: str, number: int = 1, code: int = 0) -> bytes:
    records = b"".join(
        struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, *map(int, address.split("."))) for address in addresses
    )
    return udp(RESOLVER, MINE, _message(number, 0x8180 | code, name, records, len(addresses)))


def _message(number: int, flags: int, name: str, records: bytes, count: int = 0) -> bytes:
    """RFC 1035 section 4.1: one question for an address."""
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack("!6H", number, flags, 1, count, 0, 0) + labels + struct.pack("!HH", 1, 1) + records


def test_packets_of_other_programs_do_not_stay(tmp_path: Path) -> None:
    mine, other = (Conversation(end, SERVER).open().send(Side.CLIENT, b"GET") for end in (MINE, OTHER))
    packets = [each for pair in zip(other.packets, mine.packets, strict=True) for each in pair]
    assert stay(tmp_path, packets, connected(MINE)) == [1, 3, 5, 7]
    assert stay(tmp_path, packets, ProgramEvents()) == []


def test_what_is_no_ip_does_not_stay(tmp_path: Path) -> None:
    assert stay(tmp_path, [b"\x00" * 40, packet(MINE, SERVER, 1, flags=SYN)], connected(MINE)) == [1]


def test_an_attempt_whose_local_address_the_kernel_forgot_stays(tmp_path: Path) -> None:
    packets = [packet(OTHER, SERVER, 1, flags=SYN), packet(MINE, SERVER, 1, flags=SYN)]
    packets.append(packet(SERVER, MINE, 0, 2, flags=RST | ACK))
    assert stay(tmp_path, packets, connected(MINE, local=f"0.0.0.0:{MINE[1]}")) == [1, 2]


def test_another_connection_with_the_same_ends_later_is_not_the_programs(tmp_path: Path) -> None:
    """Seconds later: the program's call came before it."""
    packets = [packet(MINE, SERVER, 1, flags=SYN), packet(SERVER, MINE, 0, 2, flags=RST | ACK)]
    packets += [packet(MINE, SERVER, 9000, flags=SYN), packet(SERVER, MINE, 0, 9001, flags=RST | ACK)]
    (tmp_path / "a.pcap").write_bytes(pcap(packets, step=600_000))
    found = own_packets(tmp_path / "a.pcap", connected(MINE), read_keys([]))
    assert list(found.flags) == [1, 1, 0, 0]


@pytest.mark.parametrize("before", [b"", b"CONNECT storage.example:443 HTTP/1.1\r\n\r\n"])
def test_a_connection_whose_secrets_are_the_programs_stays_from_its_first_packet(
    tmp_path: Path, before: bytes
) -> None:
    live = Live(*contexts())
    live.say(Side.CLIENT, b"GET / HTTP/1.1\r\n\r\n")
    talk = Conversation(MINE, SERVER).open()
    if before:
        talk.send(Side.CLIENT, before).send(Side.SERVER, b"HTTP/1.1 200 OK\r\n\r\n")
    for side, data in live.wire:
        talk.send(side, data)
    other = Conversation(OTHER, SERVER).open().send(Side.CLIENT, b"of others")
    kept = stay(tmp_path, [*other.packets, *talk.packets], ProgramEvents(), live.key_log)
    assert kept == list(range(len(other.packets), len(other.packets) + len(talk.packets)))


def test_of_what_a_relay_carries_on_only_the_programs_own_leg_stays(tmp_path: Path) -> None:
    live = Live(*contexts())
    legs = [Conversation(MINE, OTHER).open(), Conversation(OTHER, SERVER).open()]
    for side, data in live.wire:
        for leg in legs:
            leg.send(side, data)
    packets = [*legs[1].packets, *legs[0].packets]
    events = ProgramEvents(by_sockets={(text(MINE), text(OTHER)): [(BEGAN, OWNER)]})
    kept = stay(tmp_path, packets, events, live.key_log)
    assert kept == list(range(len(legs[1].packets), len(packets)))


def test_errors_stay_that_are_about_its_packets(tmp_path: Path) -> None:
    syns = [packet(end, SERVER, 1, flags=SYN) for end in (MINE, OTHER)]
    errors = [ipv4("10.0.0.254", "10.0.0.1", b"\3\1\0\0\0\0\0\0" + syn[:28], protocol=ICMP) for syn in syns]
    assert stay(tmp_path, [*syns, *errors], connected(MINE)) == [0, 2]


def test_all_fragments_of_its_packets_stay(tmp_path: Path) -> None:
    whole = packet(MINE, SERVER, 2, 1, ACK, b"x" * 100)
    body = whole[20:]
    first = ipv4(MINE[0], SERVER[0], body[:40], fragment=0x2000)
    second = ipv4(MINE[0], SERVER[0], body[40:], fragment=5)
    syn = packet(MINE, SERVER, 1, flags=SYN)
    stranger = ipv4(MINE[0], SERVER[0], body[:40], fragment=0x2000, ident=99)
    assert stay(tmp_path, [syn, first, stranger, second], connected(MINE)) == [0, 1, 3]


def test_questions_stay_whose_names_lead_to_where_the_program_went(tmp_path: Path) -> None:
    packets = [
        *(question("storage.example"), answer("storage.example", SERVER[0])),
        *(question("bank.example"), answer("bank.example", "203.0.113.9")),
        packet(MINE, SERVER, 1, flags=SYN),
    ]
    assert stay(tmp_path, packets, connected(MINE)) == [0, 1, 4]


def test_questions_stay_whose_names_no_answer_knew_or_that_were_not_answered(tmp_path: Path) -> None:
    packets = [question("lost.example"), answer("lost.example", code=3), question("silent.example", 2)]
    assert stay(tmp_path, packets, ProgramEvents()) == [0, 1, 2]


def test_questions_stay_whose_names_the_program_spoke_of(tmp_path: Path) -> None:
    packets = [question("bank.example"), answer("bank.example", "203.0.113.9")]
    assert stay(tmp_path, packets, ProgramEvents(command=["curl", "https://Bank.example/"])) == [0, 1]
    assert stay(tmp_path, packets, ProgramEvents(command=["curl", "https://storage.example/"])) == []


def test_where_the_kernel_tells_what_was_sent_only_the_programs_own_questions_stay(tmp_path: Path) -> None:
    packets = [question("lost.example"), answer("lost.example", code=3), question("of-others.example", 2)]
    size = len(_message(1, 0x0100, "lost.example", b""))
    assert stay(tmp_path, packets, ProgramEvents(), sent=[(BEGAN, size)]) == [0, 1]
    assert stay(tmp_path, packets, ProgramEvents(), sent=[(BEGAN + 5_000_000_000, size)]) == []
    assert stay(tmp_path, packets, ProgramEvents(), sent=[]) == []
