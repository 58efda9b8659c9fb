"""The program and the style of the page, built from ``web/``: files of this package, as its modules are."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources


@cache
def script() -> str:
    """The page's program."""
    return _text("app.js")


@cache
def style() -> str:
    """Its style sheet."""
    return _text("app.css")


def policy(connect: str = "'none'") -> str:
    """The content security policy: nothing runs and nothing is fetched but what is named here by its hash.

    ``connect`` is what the page may ask for while it is open. No text can become markup (Trusted Types).
    """
    return (
        f"default-src 'none'; script-src '{_hash(script())}'; style-src '{_hash(style())}'; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _text(name: str) -> str:
    return resources.files("plainwire.report.page").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
