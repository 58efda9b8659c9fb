"""What is published: one wheel for every Python, and a list of what comes with it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import wheels

ROOT = Path(__file__).parents[2]


def test_a_wheel_is_for_every_python_and_brings_the_command_and_the_interposer(tmp_path: Path) -> None:
    archive = subprocess.run(["git", "archive", "HEAD"], capture_output=True, check=True, cwd=ROOT).stdout
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(["tar", "-x", "-C", str(copy)], input=archive, check=True)
    compiler = {**os.environ, "PLAINWIRE_TARGET": "", "SOURCE_DATE_EPOCH": "1700000000"}
    build = [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str(tmp_path)]
    subprocess.run(build, cwd=copy, env=compiler, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stem.split("-")[2:4] == ["py3", "none"]
    assert platform.machine() in wheel.stem
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        command = next(name for name in names if name.endswith("/scripts/plainwire"))
        assert "plainwire/acquire/libplainwire.so" in names
        assert opened.read(command).startswith(b"#!/bin/sh")


def test_the_list_of_what_comes_with_it_names_each_package_once_and_what_depends_on_it() -> None:
    made = wheels.sbom(
        [("plainwire", "0.1.0", "Apache-2.0"), ("msgspec", "0.19.0", ""), ("Ruamel_Yaml", "1.0", "MIT")]
    )
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    components = made["components"]
    assert isinstance(components, list)
    assert [c["purl"] for c in components] == ["pkg:pypi/ruamel-yaml@1.0", "pkg:pypi/msgspec@0.19.0"]
    assert components[0]["licenses"] == [{"expression": "MIT"}]
    assert made["dependencies"] == [
        {"ref": "pkg:pypi/plainwire@0.1.0", "dependsOn": [c["bom-ref"] for c in components]}
    ]
