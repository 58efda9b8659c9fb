"""Programs that musl's loader loads, as all of Alpine Linux are: the same interposer goes into them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import inspection, patching
from plainwire.acquire.target import find
from tests import own_network
from tests.acquire.conftest import CLIENTS, python
from tests.needs import needs, tool, without

if TYPE_CHECKING:
    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

ALPINES = ["psycopg-binary==3.1.18", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
"""Has OpenSSL 1.1.1 as Alpine builds it; later ones need a newer musl than Debian 12 has (DT_RELR)."""


@pytest.fixture(scope="module")
def of_musl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client of HTTPS, linked with musl and with Alpine's OpenSSL."""
    needs("musl-gcc")
    folder = tmp_path_factory.mktemp("musl")
    command = [sys.executable, "-m", "pip", "download", "-q", *ALPINES, "--platform=musllinux_1_1_x86_64"]
    if not own_network.fetches(command, where=folder):
        without("pip could not fetch psycopg-binary for musl", part_of_the_judgement=False)
    shutil.unpack_archive(next(folder.glob("*.whl")), folder, "zip")
    libssl = next(folder.glob("*.libs/libssl*"))
    where = [f"-Wl,-rpath,{libssl.parent}", f"-Wl,-rpath-link,{libssl.parent}", "-Wl,--allow-shlib-undefined"]
    program = folder / "of_musl"
    source = CLIENTS / "openssl_of_musl.c"
    subprocess.run(
        [tool("musl-gcc"), "-D_GNU_SOURCE", "-o", program, source, libssl, *where], check=True, timeout=60
    )
    return program


def test_secrets_of_a_program_of_musl_and_of_one_of_glibc_that_it_becomes(
    run: Run, server: TlsServer, of_musl: Path
) -> None:
    outcome = run(of_musl, str(server.port), *python("with_requests", server))
    assert (outcome.status, outcome.output) == (0, "HTTP/1.1 200 OK\n" + "200\n" * 3), outcome.errors
    assert outcome.keys == server.secrets()
    first, *others = (json.loads(line) for line in outcome.lines("tls"))
    assert (first["how"], Path(first["library"]).parent.name) == ("callback", "psycopg_binary.libs")
    assert others
    assert {line["peer"] for line in map(json.loads, outcome.lines("connect"))} == {
        f"127.0.0.1:{server.port}"
    }


def test_what_musl_would_load_is_told_beforehand(of_musl: Path) -> None:
    found = inspection.of_command([str(of_musl)])
    assert [(Path(each.path).parent.name, each.method) for each in found.libraries] == [
        ("psycopg_binary.libs", "preload")
    ]
    assert found.notes == []


def test_place_to_patch_is_where_a_function_begins(of_musl: Path) -> None:
    """Alpine's compiler saves bytes: code for several labels jumps to the same place within its function."""
    libssl = next(of_musl.parent.glob("*.libs/libssl*"))
    frames: list[str | Path] = [tool("readelf"), "--debug-dump=frames-interp", libssl]
    told = subprocess.run(frames, capture_output=True, text=True, check=True, timeout=60).stdout
    found = patching.of_library(libssl)
    assert isinstance(found, patching.KeyLogFunction)
    assert found.function in {int(start, 16) for start in re.findall(r"pc=([0-9a-f]+)", told)}


def test_program_of_another_loader_is_left_alone(tmp_path: Path) -> None:
    """Android's, say: of a library that it cannot load it would complain."""
    (tmp_path / "other.c").write_text("int main(void) { return 0; }\n")
    loader = "-Wl,--dynamic-linker=/system/bin/linker64"
    other = tmp_path / "other"
    subprocess.run([tool("gcc"), loader, "-o", other, tmp_path / "other.c"], check=True, timeout=60)
    assert "has another loader" in str(find([str(other)]).untouched)
    assert find([sys.executable]).untouched is None
