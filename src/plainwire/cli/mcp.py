"""``plainwire mcp``: for coding agents."""

from __future__ import annotations

import click

from plainwire.model import UserError


@click.command("mcp", epilog="Example: plainwire mcp --no-run")
@click.option("--no-run", is_flag=True, help="Only read captures and cases; run no programs.")
def command(*, no_run: bool) -> None:
    """Serve coding agents on standard input and output, by the Model Context Protocol.

    Tools: run, analyze, findings, exchange, explain, compare. Answers are bounded, have packet numbers and
    what was ruled out, and no secrets. Needs the extra: pip install 'plainwire[mcp]'.
    """
    try:
        from plainwire.mcp import server  # noqa: PLC0415 - the SDK is not always there
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install 'plainwire[mcp]'"
        raise UserError(message) from error
    server.make(may_run=not no_run).run("stdio")
