"""Endpoints keep their numbers, and cost little until they are asked for."""

from __future__ import annotations

import random

from plainwire.model import Endpoint
from plainwire.packets.decode import Decoder
from tests.builders.packets import RAW, ipv4, ipv6, tcp
from tests.packets.reading import batch


def test_numbers_are_the_same_in_every_batch_for_both_versions_of_ip() -> None:
    chosen = random.Random(1)
    ends = [(f"192.0.2.{n % 200}", f"2001:db8::{n % 7}:{n % 200:x}", 1 + n % 60_000) for n in range(3_000)]
    decoder = Decoder()
    numbers: dict[Endpoint, int] = {}
    for _ in range(20):
        some = chosen.sample(ends, 100)
        frames = [ipv4(four, "198.51.100.7", tcp(port, 443, 1)) for four, _, port in some]
        frames += [ipv6(six, "2001:db8::7", tcp(port, 443, 1)) for _, six, port in some]
        found = decoder.decode(batch(frames, RAW)).segments
        sent = [Endpoint(four, port) for four, _, port in some]
        named = [found.endpoints[number] for number in found.source.tolist()]
        assert named[:100] == sent
        for endpoint, number in zip(named, found.source.tolist(), strict=True):
            assert numbers.setdefault(endpoint, number) == number
    assert len(set(numbers.values())) == len(numbers)
    assert decoder.endpoints[:2] == [decoder.endpoints[0], decoder.endpoints[1]]
