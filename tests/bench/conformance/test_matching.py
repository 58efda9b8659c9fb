"""What counts as found must not be a guess: the comparison itself, on messages made by hand."""

from __future__ import annotations

from dataclasses import replace

from conformance.matching import compare
from conformance.message import Body, Message, end, plain

ENDS = ("10.0.0.1:40000", "10.0.0.2:80")


def _request(target: str, packet: int, first: int = 0) -> Message:
    return Message("http1.request", f"GET {target}", (first or packet, packet), ENDS)


def test_the_same_message_is_found() -> None:
    found = compare([_request("/a", 4)], [_request("/a", 4)])
    assert len(found.both) == 1
    assert not found.ours
    assert not found.theirs


def test_another_target_another_connection_and_another_kind_are_not_found() -> None:
    ours = [_request("/a", 4)]
    others = [
        _request("/b", 4),
        replace(_request("/a", 4), ends=("10.0.0.1:40001", "10.0.0.2:80"), frames=(5, 5)),
        replace(_request("/a", 4), kind="http2.request"),
        replace(_request("/a", 4), stream=1),
    ]
    for other in others:
        found = compare(ours, [other])
        assert (found.both, found.ours, found.theirs) == ([], ours, [other])


def test_one_message_of_ours_stands_for_one_of_theirs() -> None:
    found = compare([_request("/a", 4)], [_request("/a", 4), _request("/a", 9)])
    assert [theirs.frames for _, theirs in found.both] == [(4, 4)]
    assert [theirs.frames for theirs in found.theirs] == [(9, 9)]


def test_of_equal_messages_those_in_the_same_packet_belong_together() -> None:
    found = compare([_request("/a", 4), _request("/a", 9)], [_request("/a", 9)])
    assert [ours.frames for ours, _ in found.both] == [(9, 9)]
    assert [ours.frames for ours in found.ours] == [(4, 4)]


def test_a_message_over_several_packets_is_found_by_any_of_them() -> None:
    found = compare([_request("/a", 20, first=1), _request("/a", 40, first=30)], [_request("/a", 33)])
    assert [ours.frames for ours, _ in found.both] == [(30, 40)]


def test_where_the_reference_knows_no_ends_the_packet_decides() -> None:
    theirs = replace(_request("/a", 4), ends=None)
    assert len(compare([_request("/a", 4)], [theirs]).both) == 1
    assert not compare([_request("/a", 5)], [theirs]).both


def test_another_text_in_the_same_packet_is_named_but_not_found() -> None:
    found = compare([_request("/a b", 4)], [_request("/a", 4)])
    assert not found.both
    assert [(ours.essence, theirs.essence) for ours, theirs in found.near] == [("GET /a b", "GET /a")]


def test_bodies_are_compared_by_their_bytes() -> None:
    theirs = replace(_request("/a", 4), bodies=(Body(3, "abc"),))
    same, other = replace(theirs), replace(theirs, bodies=(Body(3, "abd"),))
    assert not compare([same], [theirs]).bodies
    assert compare([other], [theirs]).bodies == [(other, theirs)]
    assert compare([replace(theirs, bodies=())], [theirs]).bodies


def test_what_the_two_write_differently_is_the_same_text() -> None:
    assert plain("/a?b\\x07c") == plain("/a?b\x07c")
    assert plain("/\u00e9") == plain("/\ufffd")
    assert end("::ffff:5.6.7.8", 80) == end("::ffff:506:708", "80")
