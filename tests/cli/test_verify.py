"""``plainwire verify``."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tests.cli.test_share import plainwire
from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    capture, keys = case.write(tmp_path)
    path, changed = tmp_path / "bundle.zip", tmp_path / "changed.zip"
    assert plainwire("share", capture, "--keys", keys, "-o", path)[0] == 0
    status, output, error = plainwire("verify", path)
    assert (status, error) == (0, "")
    assert "reset-mid-request" in output
    assert "the packets show the same verdict" in output
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            changed_text = b"evidence" if name == "README.txt" else b"Evidence"
            target.writestr(name, source.read(name).replace(b"Evidence", changed_text))
    status, output, error = plainwire("verify", "-q", changed)
    assert (status, output) == (1, "")
    assert error == f"{changed}: README.txt is not the file that was packed: its SHA-256 is another\n"


def test_what_is_no_bundle_is_one_line(tmp_path: Path) -> None:
    capture, _ = case.write(tmp_path)
    status, _, error = plainwire("verify", capture)
    assert (status, error.count("\n")) == (2, 1)
