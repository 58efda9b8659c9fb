"""Files and objects by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.cluster import storage
from plainwire.model import UserError

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fsspec")


def test_a_listing_has_files_alone_in_order(tmp_path: Path) -> None:
    for name in ("b.pcap", "a.pcap", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.pcap").mkdir()
    found = storage.listed(f"file://{tmp_path}/*.pcap")
    assert [storage.name_of(place) for place in found] == [f"{tmp_path}/a.pcap", f"{tmp_path}/b.pcap"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3://key:hunter2@bucket/*.pcap", "user information"),
        ("zip://*.pcap::/tmp/x.zip", "chains"),
        ("nothing://x", "nothing"),
        ("/nowhere/*.pcap", "no such file"),
    ],
)
def test_what_cannot_be_listed_is_said_in_a_line(url: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as error:
        storage.listed(url)
    assert "hunter2" not in str(error.value)


def test_a_name_that_looks_like_a_chain_is_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a::b.pcap").write_bytes(b"x")
    (place,) = storage.listed(str(tmp_path / "a*.pcap"))
    with storage.opened(place) as file:
        assert file.read() == b"x"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    place = storage.at(str(tmp_path / "a" / "b"))
    assert storage.read(place) is None
    storage.write(place, b"one")
    before = storage.identity(place)
    storage.write(place, b"other")
    assert storage.read(place) == b"other"
    assert storage.identity(place) != before
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
