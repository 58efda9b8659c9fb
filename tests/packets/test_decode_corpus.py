"""Captures of others with rare links, tunnels and fragments: packet by packet as tshark reads them."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest

from tests.corpus import corpus
from tests.needs import needs
from tests.packets.reading import by_tshark, by_us

if TYPE_CHECKING:
    from pathlib import Path

COMMON = {"ether", "null", "rawip4"}
RARE = re.compile(
    r"vlan|qinq|vntag|vxlan|geneve|gre[-_.]|gtp|mpls|ppp|teredo|erspan|frag|tunnel|ip6|ipv6|6in4|ayiya"
    r"|icmp|nflog|80211|aruba|fabric|null|malformed|reassembly|fuzz|truncated"
)

EXPLAINED = {
    "gopacket/fmt__test901.pcapng": "a section of another version of the format: tshark stops there",
    "pcapplusplus/tcp-reassembly.pcap": "sFlow: tshark looks into the samples of packets that it carries",
    "suricata-verify/firewall__tcp-session-decode-malformed-ipv4.pcap": "damaged options: tshark stops",
    "zeek/383379789-decrypt-crash.pcap": "cut fragments: tshark has the length of the whole",
    "zeek/cisco-fabric-path.pcap": "no check sequence: tshark takes four bytes of each packet for one",
    "zeek/fuzz-72.pcap": "IP longer than the frame: tshark goes by the frame",
    "zeek/gtp9_unknown_or_too_short_payload.pcap": "IP longer than its tunnel: tshark goes by the tunnel",
    "zeek/reassembly.pcap": "IP longer than the frame: tshark goes by the frame",
}
PARTS = 8


def rare(folder: Path) -> list[str]:
    with (folder / "manifest.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [row["name"] for row in rows if row["link"] not in COMMON or RARE.search(row["name"])]


@pytest.mark.parametrize("part", range(PARTS))
def test_tshark_reads_the_same_of_captures_made_by_others(part: int) -> None:
    needs("tshark")
    folder = corpus()
    differing = []
    for name in rare(folder)[part::PARTS]:
        theirs = {row.number: row for row in by_tshark(folder / name)}
        ours = {row.number: row for row in by_us(folder / name)}
        if theirs != ours and name not in EXPLAINED:
            differing.append((name, sorted(set(theirs.values()) ^ set(ours.values()))[:2]))
    assert not differing
