"""The bundle in the package is what the sources in web/ give."""

from __future__ import annotations

import subprocess
from pathlib import Path

from plainwire.report.page import bundle
from tests.needs import tool, without

WEB = Path(__file__).parents[3] / "web"


def test_the_bundle_is_built_from_its_sources_and_these_have_no_errors_of_type() -> None:
    if not (WEB / "node_modules").exists():
        without("web/node_modules is missing: make web/node_modules")
    for command in (["node_modules/.bin/tsc", "--noEmit"], ["build.mjs", "--check"]):
        done = subprocess.run(
            [tool("node"), *command], cwd=WEB, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_policy_forbids_all_but_the_bundle() -> None:
    parts = dict(part.strip().split(" ", 1) for part in bundle.policy().split(";"))
    assert parts["default-src"] == "'none'"
    assert parts["connect-src"] == "'none'"
    assert parts["script-src"].startswith("'sha256-")
    assert "unsafe" not in bundle.policy()
