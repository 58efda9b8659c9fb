"""Each promise about the shape of the house is held, and what breaks it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import house

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_two_files_that_import_each_other_are_a_circle_even_inside_functions(tmp_path: Path) -> None:
    _write(
        tmp_path,
        pack__one="from pack import two\n",
        pack__two="def late():\n    from pack.three import thing\n",
        pack__three="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .one import thing\n",
    )
    assert list(house.circles(tmp_path)) == [
        "circle of imports: pack.one -> pack.two -> pack.three -> pack.one"
    ]


def test_imports_in_one_direction_are_no_circle(tmp_path: Path) -> None:
    _write(
        tmp_path,
        pack__one="import pack.two\nfrom pack.three import thing\n",
        pack__two="from pack import three\n",
        pack__three="",
    )
    assert not list(house.circles(tmp_path))


def test_a_class_name_that_stands_twice_is_told_with_its_places(tmp_path: Path) -> None:
    _write(tmp_path, one="class Same: ...\n", two="\nclass Same: ...\nclass Other: ...\n")
    assert list(house.repeated_classes(tmp_path)) == ["class Same stands 2 times: one.py:1, two.py:2"]


def test_a_class_may_extend_its_namesake(tmp_path: Path) -> None:
    _write(tmp_path, one="class Same: ...\n", two="import one\nclass Same(one.Same): ...\n")
    assert not list(house.repeated_classes(tmp_path))


def test_a_test_without_its_file_is_told(tmp_path: Path) -> None:
    _write(
        tmp_path,
        src__plainwire__room__door="",
        src__plainwire__top="",
        tests__room__test_door="",
        tests__room__test_door_at_night="",
        tests__room__test_window="",
        tests__test_top="",
        tests__bench__test_speed="",
        bench__speed="",
    )
    told = [line for line in house.unmirrored(tmp_path) if "ELSEWHERE names" not in line]
    assert len(told) == 1
    assert told[0].startswith("tests/room/test_window.py mirrors no file")


def test_an_exception_for_a_test_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert len(list(house.unmirrored(tmp_path))) == len(house.ELSEWHERE)
