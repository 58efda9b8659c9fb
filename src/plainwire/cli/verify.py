"""``plainwire verify``: what whoever gets a bundle runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire.cli import debug, output

if TYPE_CHECKING:
    from plainwire.share.bundle import Bundle


@click.command("verify", epilog="Example: plainwire verify for-the-vendor.zip")
@click.argument("bundle", type=click.Path(path_type=Path))
@output.color_option
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
def command(bundle: Path, color: output.Color, *, quiet: bool) -> int:
    """Check a BUNDLE that plainwire share made: its files by their hashes, its verdict by its packets.

    Exit status: 0 all is as its manifest says; 1 something is not; 2 it cannot be read.
    """
    from plainwire.report import terminal  # noqa: PLC0415 - kept out of the start-up of other commands
    from plainwire.share import bundle as bundles  # noqa: PLC0415 - as above
    from plainwire.share.verifying import verify  # noqa: PLC0415 - as above

    opened = bundles.opened(bundle)
    verified = verify(opened)
    debug.show(verified.report)
    if not quiet:
        looks = output.looks(sys.stdout, color, verified.report)
        click.echo(terminal.verdict(verified.report, **looks), color=looks["color"])
    for trouble in verified.troubles:
        click.echo(f"{bundle}: {trouble}", err=True)
    if not verified.troubles and not quiet:
        click.echo(
            f"{bundle}: all {len(opened.manifest.files)} files are as they were packed{_shown(opened)}."
        )
    for verdict in () if quiet else verified.untold:
        click.echo(
            f"{bundle}: {verdict} cannot be derived here: it is about packets of QUIC, which are encrypted, "
            "and their secrets are not in the bundle. It is the word of whoever made the bundle."
        )
    return 1 if verified.troubles else 0


def _shown(bundle: Bundle) -> str:
    if bundle.manifest.verdict or not bundle.manifest.encrypted:
        return ", and the packets show the same verdict"
    return ""
