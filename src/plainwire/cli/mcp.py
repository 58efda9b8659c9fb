"""``plainwire mcp``: for coding agents."""

from __future__ import annotations

from pathlib import Path

import click

from plainwire.model import UserError


@click.command("mcp", epilog="Example: plainwire mcp --no-run")
@click.option(
    "--cases",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Keep the cases of programs that were run in DIR. Else they are removed when the server ends.",
)
@click.option("--no-run", is_flag=True, help="Only read captures and cases; run no programs.")
def command(folder: Path | None, *, no_run: bool) -> None:
    """Serve coding agents on standard input and output, by the Model Context Protocol.

    Tools: run, analyze, findings, exchange, explain, compare. Answers are bounded, have packet numbers and
    what was ruled out, and no secrets. A case that run leaves, which has the packets and their secrets, lasts
    until the server ends. Needs the extra: pip install 'plainwire[mcp]'.
    """
    try:
        from plainwire.mcp import server  # noqa: PLC0415 - the SDK is not always there
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install 'plainwire[mcp]'"
        raise UserError(message) from error
    if no_run:
        server.make(None).run("stdio")
        return
    with server.cases_in(folder) as cases:
        server.make(cases).run("stdio")
