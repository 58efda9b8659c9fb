"""Questions, repetitions and answers, as they stand in captures."""

from __future__ import annotations

import csv
import subprocess
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import reader
from plainwire.dns.lookups import Lookups
from plainwire.model import Lookup, PacketBatch
from plainwire.packets.decode import Decoder
from tests.corpus import corpus
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "suricata-verify/datasets-04-http-dns.pcap",
    "zeek/dns-edns-ecs.pcap",
    "zeek/dns-edns-cookie.pcap",
    "zeek/dns-inverse-query.pcap",
)
FIELDS = ("frame.number", "dns.flags.response", "dns.qry.name", "dns.a", "dns.aaaa", "dns.count.add_rr")


def lookups(capture: Path) -> list[Lookup]:
    decoder, found = Decoder(), Lookups()
    for item in reader.read([capture]):
        if isinstance(item, PacketBatch):
            datagrams = decoder.decode(item).datagrams
            if datagrams is not None:
                found.feed(datagrams)
    return found.found


@pytest.mark.parametrize("name", FILES)
def test_tshark_sees_the_same_questions_and_addresses(name: str) -> None:
    capture = corpus() / name
    asked: set[tuple[int, str]] = set()
    told: dict[int, set[str]] = {}
    beside: set[int] = set()  # answers with further records, whose addresses tshark lists as well
    words = [tool("tshark"), "-n", "-r", str(capture), "-Y", "udp.port == 53 && dns.qry.type in {1,28}"]
    words += ["-T", "fields", "-E", "separator=|", *(part for field in FIELDS for part in ("-e", field))]
    output = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    for number, response, question, four, six, more in csv.reader(output.splitlines(), delimiter="|"):
        if response != "1":
            asked.add((int(number), question.lower()))
            continue
        told[int(number)] = {address for address in (*four.split(","), *six.split(",")) if address}
        if int(more) > 1:
            beside.add(int(number))
    found = lookups(capture)
    assert {(packet, each.name) for each in found for packet, _ in each.sent} == asked
    for each in found:
        if each.answer is not None:
            addresses = set(each.addresses)
            assert addresses == told[each.answer] or (each.answer in beside and addresses < told[each.answer])
