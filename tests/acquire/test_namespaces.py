"""Which container a process is in, by the names that engines give to control groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import namespaces

if TYPE_CHECKING:
    from pathlib import Path

ID = "3f2a" * 16


@pytest.mark.parametrize(
    "cgroup",
    [
        f"12:pids:/docker/{ID}\n0::/docker/{ID}\n",
        f"0::/system.slice/docker-{ID}.scope\n",
        f"0::/machine.slice/libpod-{ID}.scope/container\n",
        f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n",
        f"0::/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope\n",
        f"0::/kubepods/besteffort/pod1/{ID}\n",
    ],
)
def test_names_of_engines(cgroup: str) -> None:
    assert namespaces.containers_in(cgroup) == [ID]


@pytest.mark.parametrize(
    "cgroup", ["0::/\n", "0::/user.slice/user-0.slice/session-1.scope\n", "", "0::/" + ID[:-1]]
)
def test_what_is_in_no_container(cgroup: str) -> None:
    assert namespaces.containers_in(cgroup) == []


def test_processes_of_a_container(tmp_path: Path) -> None:
    for pid, cgroup in {11: f"0::/docker/{ID}", 12: "0::/", 13: f"0::/docker/{'0' * 64}"}.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cgroup").write_text(cgroup)
    (tmp_path / "14").mkdir()
    assert namespaces.in_container("3f2a3f", tmp_path) == [11]
    assert namespaces.in_container("3f", tmp_path) == []
    assert namespaces.in_container("ffff", tmp_path) == []
