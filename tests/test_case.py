"""Case folders: evidence is neither overwritten nor left half-written, and is its owner's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.model import UserError

if TYPE_CHECKING:
    from pathlib import Path

SOME_DAY = 1_700_000_000.0


def test_folders_of_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    folders = [case.create_named(tmp_path, SOME_DAY).folder for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.name.startswith("plainwire-case-2023111") for folder in folders)
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_a_working_directory_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No such file or directory; name a folder with -o$"):
        case.create_named(tmp_path / "gone", SOME_DAY)


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        case.write(tmp_path / "report.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o600


def test_a_link_that_waits_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "report.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        case.write(tmp_path / "report.json", b"{}")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_finds_no_room_is_not_left_in_part(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    script = f"""
import pathlib, resource
from plainwire import case
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    case.write(pathlib.Path({str(path)!r}), bytes(1001))
except OSError as error:
    print(error.strerror)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "File too large\n"
    assert not path.exists()


def test_discarding_a_case_leaves_what_is_not_ours(tmp_path: Path) -> None:
    made = case.create(tmp_path / "case")
    case.write(made.capture, b"")
    (made.folder / "notes.txt").write_text("the user's own")
    case.discard(made)
    assert [entry.name for entry in made.folder.iterdir()] == ["notes.txt"]
    (made.folder / "notes.txt").unlink()
    case.discard(made)
    assert not made.folder.exists()
