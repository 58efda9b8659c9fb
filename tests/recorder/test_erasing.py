from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plainwire.recorder import erasing

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_erased_is_overwritten_before_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"secret" * 1000)
    with path.open("rb") as held:
        folder = os.open(tmp_path, os.O_RDONLY)
        erasing.erase("keys", folder)
        os.close(folder)
        assert held.read() == bytes(6000)
    assert not path.exists()


def test_links_and_what_they_lead_to_stay(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"of somebody else")
    (tmp_path / "symbolic").symlink_to(other)
    (tmp_path / "hard").hardlink_to(other)
    os.mkfifo(tmp_path / "pipe")
    folder = os.open(tmp_path, os.O_RDONLY)
    for name in ("symbolic", "hard", "pipe", "missing"):
        erasing.erase(name, folder)
    os.close(folder)
    assert other.read_bytes() == b"of somebody else"
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
