"""The compiled interposer itself: how much stack it needs, and what it needs of others."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from plainwire.acquire import interposer
from tests.needs import tool

SOURCES = Path(__file__).parents[2] / "native" / "interposer"
FLAGS = re.findall(
    r'"(-[^"]*)"', (SOURCES.parents[1] / "setup.py").read_text().split("extra_compile_args")[1]
)
MOST_STACK = 2048
"""Bytes: what a hook and all that it calls of ours may need. A signal handler's own stack often has 8,192,
of which the kernel takes up to 3,500 for the registers."""

CALLED_BACK = {
    "objects.c:iterate_objects": {"objects.c:step"},
    "objects_after_ours": {"objects.c:step"},
    "objects_all": {"objects.c:step"},
    "objects.c:step": {
        "copies.c:enroll",
        "objects.c:defines",
        "patches.c:look_once",
        "patches.c:is_wanted",
    },
}
"""Calls that the compiler does not see, since they go by way of the loader."""


@pytest.fixture(scope="module")
def call_graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, set[str]]]:
    """The bytes of each function's frame, with its return address, and the functions that it calls."""
    folder = tmp_path_factory.mktemp("graph")
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    compile_flags = [flag for flag in FLAGS if not flag.startswith("-Wl")]
    for source in SOURCES.parent.glob("*/*.c"):
        made = folder / f"{source.stem}.o"
        command = [
            tool("gcc"),
            *compile_flags,
            "-fPIC",
            "-fcallgraph-info=su",
            "-c",
            str(source),
            "-o",
            str(made),
        ]
        subprocess.run(command, check=True, timeout=120, cwd=SOURCES)
        graph = re.sub(r'"[^"]*/([\w.]+:[\w.]+)"', r'"\1"', made.with_suffix(".ci").read_text())
        named = re.findall(r'node: \{ title: "([^"]+)" label: "[^"]*?(\d+) bytes', graph)
        frames |= {name: int(size) + 8 for name, size in named}
        for caller, called in re.findall(r'sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
            calls.setdefault(caller, set()).add(called)
    for caller, targets in CALLED_BACK.items():
        calls[caller] = calls.get(caller, set()) | targets
    return frames, calls


def test_no_hook_needs_more_stack_than_it_may(
    call_graph: tuple[dict[str, int], dict[str, set[str]]],
) -> None:
    frames, calls = call_graph

    def depth(function: str, above: tuple[str, ...] = ()) -> int:
        if function in above:
            return 0
        below = [depth(called, (*above, function)) for called in calls.get(function, ())]
        return frames.get(function, 0) + max(below, default=0)

    hooks = exported() | {"on_key_line", "patches.c:on_secret", "patches.c:rust_log"}
    assert hooks <= frames.keys()
    assert {hook: depth(hook) for hook in hooks if depth(hook) > MOST_STACK} == {}


def exported() -> set[str]:
    return symbols("--defined-only")


def symbols(which: str) -> set[str]:
    library = interposer.compiled()
    assert library, interposer.missing()
    listed = subprocess.run(
        [tool("nm"), "-D", which, str(library)], capture_output=True, text=True, check=True, timeout=60
    )
    return {line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines()}


def test_nothing_is_called_that_a_sanitizer_stands_before() -> None:
    """What is not data comes from the loader, which is there before all others; the C library is called by
    addresses that were found in itself.
    """
    data = {
        "__environ",
        "__progname",
        "_r_debug",
        "environ",
        "program_invocation_short_name",
        "stderr",
        "stdout",
    }
    loaders = {"__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable"}
    assert symbols("--undefined-only") <= data | loaders | {"__errno_location", "dl_iterate_phdr"}


def test_only_hooks_are_seen_by_others() -> None:
    declared = set()
    for source in SOURCES.parent.glob("*/*.c"):
        declared |= set(re.findall(r"^HOOK [^(]*?(\w+)\(", source.read_text(), re.MULTILINE))
    generated = {"read", "recv", "recvfrom", "recvmsg", "readv", "send", "sendto", "sendmsg"}
    generated |= {"__read_chk", "__recv_chk", "__recvfrom_chk"}
    generated |= {"br_tls10_prf", "br_tls12_sha256_prf", "br_tls12_sha384_prf"}
    generated |= {f"mbedtls_ssl_{name}" for name in ("init", "free", "config_init", "config_free")}
    generated |= {"setuid", "seteuid", "setreuid", "setresuid", "chroot", "unshare", "setns", "capset"}
    assert exported() == declared | generated
