from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from plainwire.model import UserError
from plainwire.recorder import home as homes
from tests.needs import needs
from tests.users import USER

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_folder_is_the_users_alone_and_its_inbox_goes_with_the_recorder(tmp_path: Path) -> None:
    home = homes.opened(tmp_path / "flight")
    inbox = home.inbox()
    keys = inbox.folder / inbox.keys.name
    os.write(inbox.place.make(inbox.keys.name), b"secret")
    with keys.open("rb") as held:
        home.close()
        assert held.read() == bytes(6)
    assert {path.name for path in (tmp_path / "flight").iterdir()} == {"ring", "cases"}
    assert {oct(path.stat().st_mode)[-3:] for path in (tmp_path / "flight").rglob("*")} == {"700"}
    inbox.close()


def test_only_one_recorder_is_at_work_in_a_folder_and_the_next_goes_on(tmp_path: Path) -> None:
    first = homes.opened(tmp_path / "flight")
    with pytest.raises(UserError, match="a recorder is at work in it already"):
        homes.opened(tmp_path / "flight")
    with pytest.raises(UserError, match="a recorder is at work in it already"):
        homes.held(tmp_path / "flight")
    first.close()
    homes.opened(tmp_path / "flight").close()
    homes.held(tmp_path / "flight").close()


def test_what_a_killed_recorder_left_in_the_inbox_is_erased(tmp_path: Path) -> None:
    home = homes.opened(tmp_path / "flight")
    inbox = home.inbox()
    os.write(inbox.place.make(inbox.keys.name), b"secret")
    for each in (home.place, home.ring, home.cases):
        each.close()
    with (tmp_path / "flight" / "inbox" / "keys.log").open("rb") as held:
        homes.opened(tmp_path / "flight").close()
        assert held.read() == bytes(6)
    assert not (tmp_path / "flight" / "inbox").exists()
    inbox.close()


@pytest.mark.parametrize("what", ["other", "more", "link", "inbox"])
def test_what_is_no_recorders_folder_is_left_alone(tmp_path: Path, what: str) -> None:
    folder, other = tmp_path / "flight", tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("x")
    homes.opened(folder).close()
    if what == "other":
        folder = other
    elif what == "more":
        (folder / "precious").write_text("x")
    elif what == "link":
        (folder / "ring").rmdir()
        (folder / "ring").symlink_to(other)
    else:
        (folder / "inbox").symlink_to(other)
    with pytest.raises(UserError):
        homes.opened(folder)
    assert (other / "precious").read_text() == "x"


@pytest.mark.parametrize("what", ["owner", "mode"])
def test_a_ring_that_others_can_change_is_refused(tmp_path: Path, what: str) -> None:
    needs("root")
    homes.opened(tmp_path / "flight").close()
    ring = tmp_path / "flight" / "ring"
    if what == "owner":
        os.chown(ring, USER, USER)
    else:
        ring.chmod(0o770)
    with pytest.raises(UserError, match="not ours alone"):
        homes.opened(tmp_path / "flight")
