"""Command lines without the secrets in them."""

from __future__ import annotations

import pytest

from plainwire.report.redact import HIDDEN, arguments


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -u bob:hunter2 https://h/a", f"curl -u bob:{HIDDEN} https://h/a"),
        ("curl -ubob:hunter2", f"curl -ubob:{HIDDEN}"),
        ("curl -H|Authorization: Bearer hunter2", f"curl -H|Authorization: Bearer {HIDDEN}"),
        ("curl -H|Accept: text/plain", "curl -H|Accept: text/plain"),
        ("curl -b sid=hunter2", f"curl -b sid={HIDDEN}"),
        ("curl https://bob:hunter2@h/?token=x", f"curl https://{HIDDEN}@h/?token={HIDDEN}"),
        ("tool --api-key hunter2 --verbose", f"tool --api-key {HIDDEN} --verbose"),
        ("tool --password=hunter2 file", f"tool --password={HIDDEN} file"),
        ("env API_KEY=hunter2 tool", f"env API_KEY={HIDDEN} tool"),
        ("sh -c|curl -u bob:hunter2 h; echo", f"sh -c|curl -u bob:{HIDDEN} h; echo"),
        ("/usr/bin/mysql -phunter2 db", f"/usr/bin/mysql -p{HIDDEN} db"),
        ("ssh -p 2222 host", "ssh -p 2222 host"),
        ("python -m pytest tests/test_auth.py -k token", "python -m pytest tests/test_auth.py -k token"),
    ],
)
def test_secrets_of_a_command_line_are_hidden(command: str, shown: str) -> None:
    """A bar joins words that have spaces in them to the option before."""
    assert arguments(_words(command)) == _words(shown)


def _words(command: str) -> list[str]:
    before, *more = command.split("|")
    return [*before.split(" "), *more]
