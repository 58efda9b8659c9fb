"""``python tools/settings.py`` writes ``docs/settings.md``, the settings that advice names, from the table.

A test holds the file equal to the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.diagnose.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.settings.table import Setting

PLACE = Path(__file__).resolve().parents[1] / "docs/settings.md"

_HEAD = """\
# Settings that advice names

Where the client or the server of a finding was recognised, its advice names the very setting, its default,
and an example with the value that the traffic asks for. This page is made by `tools/settings.py` from
`src/plainwire/diagnose/settings/table.py`. The source says where a setting is documented; most rows were
held against documentation or source code, some examples are written from them and were not run. Tests hold
defaults against what is installed of requests, urllib3, httpx, aiohttp, botocore, Node.js, HAProxy and Apache
httpd; of load balancers and gateways in clouds nothing can be run here: their rows rest on what their makers
document.

- A client is recognised by a User-Agent field that is the library's own default form, where the runtime of
  the process does not contradict it; by the runtime alone only for what is set for all of it (Node.js, Java,
  curl, .NET); where no request was sent, by the exception that it printed. A User-Agent of the program's own
  names nobody.
- A server is recognised by its Server field, or, where it sends none, by what only it sends. A gateway that
  tells of itself (Via, marks of a CDN, a load balancer's cookies) goes before what stands behind it.
- Where signs contradict each other nothing is named; nor where the idle timeout is the default of others.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_part("client", "Clients"), *_part("server", "Servers and gateways")]) + "\n"


def _part(side: str, title: str) -> Iterator[str]:
    yield from (
        f"## {title}",
        "",
        "| program | for | setting | default | example | source |",
        "|---|---|---|---|---|---|",
    )
    yield from (_row(row) for row in SETTINGS if row.side == side)
    yield ""


def _row(row: Setting) -> str:
    since = f" from {row.since}" if row.since else ""
    before = f" before {row.before}" if row.before else ""
    example = row.example.replace("{}", "…").replace("|", "\\|")
    cells = (
        row.product + since + before,
        row.need,
        f"`{row.setting}`",
        row.default,
        f"`{example}`",
        row.source,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PLACE.write_text(page(), encoding="utf-8")
