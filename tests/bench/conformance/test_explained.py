"""The explanations of differences: each line is read, and fits what it names and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance import explained
from conformance.message import KINDS, Message

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = Message("http1.request", "GET /", (3, 4))


def _read(folder: Path, *lines: str) -> list[explained.Explanation]:
    path = folder / "explained.tsv"
    path.write_text("\n".join(("capture\twhose\tkind\twhich\treason", *lines, "")))
    return explained.read(path)


def _why(explanations: list[explained.Explanation], capture: str, whose: str, message: Message) -> str | None:
    line = explained.find(explanations, capture, whose, message)
    return line.reason if line else None


def test_a_line_fits_its_captures_side_kind_and_packets(tmp_path: Path) -> None:
    explanations = _read(tmp_path, "some/*.pcap one.pcap\ttheirs\thttp1.*\t2,4-6\twhy")
    assert _why(explanations, "some/a.pcap", "theirs", MESSAGE) == "why"
    assert _why(explanations, "one.pcap", "theirs", MESSAGE) == "why"
    for capture, whose, message in (
        ("other/a.pcap", "theirs", MESSAGE),
        ("some/a.pcap", "ours", MESSAGE),
        ("some/a.pcap", "theirs", Message("http2.request", "GET /", (3, 4))),
        ("some/a.pcap", "theirs", Message("http1.request", "GET /", (3, 3))),
    ):
        assert _why(explanations, capture, whose, message) is None


def test_a_line_can_ask_for_what_plainwire_says_of_the_message(tmp_path: Path) -> None:
    explanations = _read(tmp_path, "*\tours\t*\tsays cut off\twhy")
    assert _why(explanations, "a.pcap", "ours", replace(MESSAGE, flaw="it is cut off here")) == "why"
    assert _why(explanations, "a.pcap", "ours", MESSAGE) is None


def test_a_line_that_is_not_of_the_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns"):
        _read(tmp_path, "a.pcap\ttheirs\t*\t*")
    with pytest.raises(ValueError, match="invalid literal"):
        _read(tmp_path, "a.pcap\ttheirs\t*\tfour\twhy")


def test_every_line_of_the_project_is_about_something_that_can_be() -> None:
    for line in explained.read():
        assert line.whose in {"theirs", "ours", "body", "decrypted", "packets"}
        assert line.kind == "*" or any(kind.startswith(line.kind.rstrip("*")) for kind in KINDS)
        assert len(line.reason) > 20
