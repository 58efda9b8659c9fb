"""Folders whose names somebody else may turn into something else: held, and given to nobody by mistake."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from plainwire import folder
from plainwire.model import UserError
from tests.needs import needs
from tests.users import USER, as_sudo, home, open_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_sudo", "home", "open_folder"]

SECRET = b"root:$y$j9T$\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file that is not for reading here."""
    path = tmp_path / "elsewhere"
    path.write_bytes(SECRET)
    return path


def in_place_of(path: Path, elsewhere: Path, kind: str) -> None:
    """Put something else where a file was."""
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(elsewhere)
    elif kind == "hard link":
        path.hardlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("link", "a link, which is not followed"),
        ("hard link", "has another name too (a hard link), and is not opened"),
        ("pipe", "no regular file"),
        ("folder", "no regular file"),
        ("device", "no regular file"),
        ("nothing", "No such file or directory"),
    ],
)
def test_what_is_no_plain_file_is_not_opened(tmp_path: Path, elsewhere: Path, kind: str, said: str) -> None:
    needs("root")
    place = folder.made(tmp_path / "case")
    in_place_of(place.path / "keys.log", elsewhere, kind)
    with pytest.raises(UserError) as refused:
        place.open("keys.log")
    assert str(refused.value) == f"{place.path}/keys.log: {said}"


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder", "nothing"])
def test_a_file_that_was_made_counts_whatever_its_name_stands_for(
    tmp_path: Path, elsewhere: Path, kind: str
) -> None:
    place = folder.made(tmp_path / "case")
    os.write(place.make("keys.log"), b"our own")
    assert place.amiss() is None
    in_place_of(place.path / "keys.log", elsewhere, kind)
    with os.fdopen(place.open("keys.log").reader()) as file:
        assert file.read() == "our own"
    assert place.amiss() == "keys.log removed or replaced while the program ran"
    place.remove("keys.log")
    assert (place.path / "keys.log").exists() is (kind != "nothing")
    assert elsewhere.read_bytes() == SECRET


def test_a_file_is_replaced_where_it_was_and_not_where_a_link_leads(tmp_path: Path, elsewhere: Path) -> None:
    place = folder.made(tmp_path / "case")
    os.write(place.make("capture.pcapng"), b"before")
    for name in ("capture.pcapng", "capture.pcapng.part"):
        in_place_of(place.path / name, elsewhere, "link")
    place.replace("capture.pcapng", lambda file: file.write(b"after"))
    assert (place.path / "capture.pcapng").read_bytes() == b"after"
    assert not (place.path / "capture.pcapng").is_symlink()
    assert elsewhere.read_bytes() == SECRET
    assert [entry.name for entry in place.path.iterdir()] == ["capture.pcapng"]


def test_a_folder_that_was_moved_is_still_the_one_that_is_written_to(tmp_path: Path) -> None:
    place = folder.made(tmp_path / "case")
    place.path.rename(tmp_path / "away")
    (tmp_path / "case").mkdir()
    place.write("report.json", b"{}")
    assert (tmp_path / "away" / "report.json").read_bytes() == b"{}"
    assert list((tmp_path / "case").iterdir()) == []
    assert place.amiss() == f"moved while the program ran, to {tmp_path}/away"


def test_a_folder_that_was_removed_takes_nothing_more(tmp_path: Path) -> None:
    place = folder.made(tmp_path / "case")
    place.path.rmdir()
    with pytest.raises(FileNotFoundError):
        place.write("report.json", b"{}")
    assert place.amiss() == "removed while the program ran; nothing is kept"


# --- an existing folder ----------------------------------------------------------------------------------


def test_an_empty_folder_of_ones_own_is_taken_and_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir(mode=0o755)
    assert stat.S_IMODE(folder.made(tmp_path / "case").path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("kind", "said"), [("full", "not empty"), ("link", "a link"), ("foreign", "belongs to another user")]
)
def test_an_existing_folder_that_is_not_so_is_refused_and_stays(tmp_path: Path, kind: str, said: str) -> None:
    needs("root")
    target = tmp_path / "case"
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    if kind == "link":
        target.symlink_to(tmp_path / "elsewhere")
    else:
        target.mkdir(mode=0o755)
    if kind == "full":
        (target / "evidence").touch()
    if kind == "foreign":
        os.chown(target, USER, USER)
    before = target.lstat()
    with pytest.raises(UserError) as refused:
        folder.made(target)
    assert str(refused.value) == f"{target}: {said}; name a new folder with -o"
    after = target.lstat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_a_folder_is_made_with_the_callers_rights(home: Path) -> None:
    assert folder.made(home / "case").path.stat().st_uid == USER
    assert folder.made(home / "new" / "case").path.parent.stat().st_uid == USER


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_an_empty_folder_of_roots_is_not_handed_over(open_folder: Path, home: Path) -> None:
    (open_folder / "roots").mkdir()
    with pytest.raises(UserError, match="belongs to another user"):
        folder.made(open_folder / "roots")
    assert (open_folder / "roots").stat().st_uid == 0
    (home / "callers").mkdir()
    os.chown(home / "callers", USER, USER)
    assert folder.made(home / "callers").path.stat().st_uid == USER


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_no_folder_is_made_where_a_link_of_the_callers_leads(
    open_folder: Path, home: Path
) -> None:
    (open_folder / "roots").mkdir()
    (home / "mine").symlink_to(open_folder / "roots")
    with pytest.raises(UserError, match="Permission denied"):
        folder.made(home / "mine" / "case")
    assert list((open_folder / "roots").iterdir()) == []


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_a_folder_is_made_in_one_of_roots_that_only_root_can_change(open_folder: Path) -> None:
    assert folder.made(open_folder / "case").path.stat().st_uid == USER


@pytest.mark.parametrize("kind", ["link", "pipe", "link on the way"])
@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_what_is_written_is_written_with_the_callers_rights(
    home: Path, elsewhere: Path, kind: str
) -> None:
    path = home / "out" / elsewhere.name
    if kind == "link on the way":
        path.parent.symlink_to(elsewhere.parent)
    else:
        path.parent.mkdir()
        in_place_of(path, elsewhere, kind)
        for each in (path.parent, path):
            os.chown(each, USER, USER, follow_symlinks=False)
    with pytest.raises(OSError, match=r"denied|No such device"):
        folder.output(path)
    assert elsewhere.read_bytes() == SECRET


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_what_is_written_is_the_callers(home: Path) -> None:
    for append in (False, True):
        with folder.output(home / "out", append=append) as file:
            file.write(b"x")
    folder.output_folder(home / "tables" / "below")
    assert (home / "out").read_bytes() == b"xx"
    made = [home / "out", home / "tables", home / "tables" / "below"]
    assert {each.stat().st_uid for each in made} == {USER}
    assert {each.stat().st_mode & 0o077 for each in made if each.is_file()} == {0}


def test_a_link_is_followed_where_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with folder.output(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "file").read_bytes() == b"x"
    with pytest.raises(OSError, match="symbolic links"):
        folder.output(tmp_path / "link", links=False)
