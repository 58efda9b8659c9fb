"""``plainwire compare``: two captures held against each other."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plainwire.cli import completion, debug, output, source


@click.command("compare", epilog="Example: plainwire compare client.pcapng server.pcapng")
@click.argument("one", metavar="A", type=click.Path(path_type=Path), shell_complete=completion.cases)
@click.argument("other", metavar="B", type=click.Path(path_type=Path), shell_complete=completion.cases)
@source.options
@output.color_option
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(
    one: Path,
    other: Path,
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    color: output.Color,
    *,
    as_json: bool,
) -> int:
    """Hold two cases or capture files against each other.

    The same traffic captured at two places (client and server, before and behind a proxy): clocks are aligned
    by what passed both, each request is found again, and for each failure it is said where the request
    vanished and who made the reset.

    Captures with nothing in common (it works here and fails there): what their connections and requests
    differ in, from the address and the ClientHello to header fields.

    Exit status: 0 no failure, 1 failures, 2 unreadable input.
    """
    from plainwire import comparing  # noqa: PLC0415 - kept out of the start-up of other commands
    from plainwire.comparing import words  # noqa: PLC0415 - as above
    from plainwire.report.style import Style  # noqa: PLC0415 - as above

    reports = [source.analyze(path, keys, private_keys, psks) for path in (one, other)]
    for report in reports:
        debug.show(report)
    found = comparing.compare(*reports)
    if as_json:
        click.echo(words.encode(found), nl=False)
    else:
        colored = output.is_colored(sys.stdout, color)
        style = Style.of(output.width(sys.stdout), color=colored)
        click.echo(words.text(found, (str(one), str(other)), style), nl=False, color=colored)
    return int(found.fails)
