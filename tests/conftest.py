"""What holds for all tests."""

from __future__ import annotations

import os
from typing import NoReturn

import hypothesis
import pytest

from plainwire.model import Bugs
from tests import own_network

hypothesis.settings.register_profile("here", deadline=None, max_examples=60, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Each process that runs tests has a network of its own, not the one that only hands them out."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        own_network.enter()


@pytest.fixture(autouse=True)
def _no_inherited_key_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be logging secrets or running under plainwire: tests start from neither."""
    for name in ("SSLKEYLOGFILE", "LD_PRELOAD"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("PLAINWIRE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _bugs_are_errors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that would cost users a part of their report fails the test that meets it."""
    if "broken" not in request.keywords:
        monkeypatch.setattr(Bugs, "note", _raise)


def _raise(_bugs: Bugs, _what: str, error: Exception) -> NoReturn:
    raise error
