"""Small captures of every hostile kind: a report comes of each, and no part of plainwire breaks over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hostile import SIZES, name_of
from hostility.tls import KEY_LOG
from hostility.wire import write

from plainwire import pipeline
from plainwire.report import json, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from hostile import Make

_PART = 20_000
"""Of what makes a capture of about 60 MB."""


@pytest.mark.parametrize("make", SIZES, ids=name_of)
def test_a_report_comes_of_it(make: Make, tmp_path: Path) -> None:
    capture, keys = tmp_path / "hostile.pcap", tmp_path / "keys.log"
    write(capture, make(max(1, SIZES[make] // _PART)))
    keys.write_text(KEY_LOG)
    report = pipeline.analyze([capture], [keys])
    assert report.coverage.bugs == []
    assert sum(map(len, json.encoded(report)))
    assert terminal.verdict(report)
