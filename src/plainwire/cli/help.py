"""``plainwire help``: the same as ``--help`` behind a command."""

from __future__ import annotations

import click


@click.command("help", epilog="Example: plainwire help run")
@click.argument("name", required=False, metavar="[COMMAND]")
@click.option("--man", is_flag=True, help="Print the manual page of all commands (man -l reads it).")
@click.pass_context
def command(context: click.Context, name: str | None, *, man: bool) -> None:
    """Show the help of COMMAND, or of plainwire."""
    whole = context.find_root()
    if man:
        from plainwire.cli import manual  # noqa: PLC0415 - only where it is asked for

        click.echo(manual.page(whole), nl=False)
        return
    group = whole.command
    if name is None or not isinstance(group, click.Group):
        click.echo(whole.get_help())
        return
    found = group.get_command(whole, name)
    if found is not None:
        with click.Context(found, info_name=name, parent=whole) as inner:
            click.echo(found.get_help(inner))
