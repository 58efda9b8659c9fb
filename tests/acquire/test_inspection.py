"""Which TLS libraries are found, held against what the loader and the libraries themselves say."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.backends import openssl

from plainwire.acquire import elf, inspection, interposer, patching
from tests.needs import needs, tool


def test_curl_has_openssl_of_the_version_that_curl_names() -> None:
    says = subprocess.run([tool("curl"), "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"OpenSSL/(\S+)", says)
    assert version
    openssl = [one for one in inspection.of_command(["curl"]).libraries if one.name == "OpenSSL"]
    assert [(one.version, one.method) for one in openssl] == [(version[1], "preload")]


def test_python_is_asked_about_its_ssl_module() -> None:
    version = ssl.OPENSSL_VERSION.split()[1]
    found = inspection.of_command([sys.executable, "test.py"])
    assert [(one.name, one.version, one.method) for one in found.libraries] == [
        ("OpenSSL", version, "preload")
    ]


def test_script_is_known_by_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{sys.executable}\n")
    script.chmod(0o755)
    assert [one.name for one in inspection.of_command([str(script)]).libraries] == ["OpenSSL"]


def test_running_process_is_known_by_what_it_has_mapped() -> None:
    script = "import ssl, sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        found = inspection.of_process(process.pid)
        process.communicate()
    openssl = [one for one in found.libraries if one.name == "OpenSSL"]
    assert [one.version for one in openssl] == [ssl.OPENSSL_VERSION.split()[1]]
    assert str(process.pid) in found.subject


def test_tls_library_linked_into_something_else_is_found() -> None:
    """The `cryptography` package is linked with an OpenSSL of its own, and exports nothing of it."""
    version = openssl.backend.openssl_version_text().split()[1]
    linked = [one for one in inspection.of_process(os.getpid()).libraries if one.name == "linked in"]
    assert [(one.version, one.method) for one in linked if "cryptography" in one.path] == [(version, "patch")]


@pytest.mark.parametrize(
    ("program", "name", "method"),
    [("node", "linked in", "patch"), ("java", "JSSE", "agent"), ("tstclnt", "NSS", "patch")],
)
def test_program_with_tls_of_its_own(program: str, name: str, method: str) -> None:
    """As `plainwire run` does it: test_interposer_patched.py, test_interposer_clients.py."""
    found = inspection.of_command([tool(program)]).libraries
    assert [one.method for one in found if one.name == name] == [method]


@pytest.mark.parametrize(
    ("package", "name", "method"), [("httpr", "rustls", "patch"), ("awscrt.io", "s2n", "preload")]
)
def test_tls_inside_a_python_package(package: str, name: str, method: str) -> None:
    script = f"import {package}, sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        found = inspection.of_process(process.pid)
        process.communicate()
    assert [one.method for one in found.libraries if one.name == name] == [method]


def test_file_that_only_looks_like_tls(tmp_path: Path) -> None:
    """Whatever is in it: no ELF, or cut at any place; nothing is patched, and nothing breaks."""
    whole = Path(tool("node")).read_bytes()[: 1 << 20]
    for number, start in enumerate((0, 3, 64, 100, 4096, len(whole))):
        program = tmp_path / f"program{number}"
        program.write_bytes(whole[:start] + b"CLIENT_HANDSHAKE_TRAFFIC_SECRET\0NoKey")
        program.chmod(0o755)
        assert patching.judge(program) is None or start > 64
        assert isinstance(patching.of_go(program), str)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interposer, "compiled", lambda: None)
    found = inspection.of_command(["sh"])
    assert found.libraries == []
    assert [line.startswith("the interposer was not compiled") for line in found.missing] == [True]


def test_loaded_libraries_in_elf_headers_are_those_that_readelf_shows() -> None:
    needs("readelf")
    shown_by_readelf = subprocess.run(
        [tool("readelf"), "-d", tool("curl")], capture_output=True, text=True, check=True
    ).stdout
    image = elf.read(Path(tool("curl")))
    assert image
    assert image.needed == re.findall(r"\(NEEDED\).*\[(.*)\]", shown_by_readelf)
    assert image.native
    assert image.takes_preloads


def test_cut_headers_are_no_elf_file(tmp_path: Path) -> None:
    whole = Path(tool("curl")).read_bytes()
    for length in (0, 3, 4, 5, 17, 40, 63, 64, 65, 200, 500, 1000):
        (tmp_path / "cut").write_bytes(whole[:length])
        image = elf.read(tmp_path / "cut")
        assert image is None or image.interpreter is None or length > 500
