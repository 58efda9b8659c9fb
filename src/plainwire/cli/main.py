"""The command line: one file per subcommand, named in the list below."""

from __future__ import annotations

import importlib
import os
import sys

import click

from plainwire.model import UserError

COMMANDS = ("run", "hunt", "analyze", "show", "explain", "inspect", "demo")
"""Each has its module ``plainwire.cli.NAME`` with a click command called ``command``."""


class _Lazy(click.Group):
    """Imports a subcommand's module when that subcommand is asked for, so that start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"plainwire.cli.{name}").command
        return command


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="plainwire")
def plainwire() -> None:
    """Find out what really happened on an HTTPS connection, and who hung up.

    Example: plainwire run -- python test.py
    """


def main() -> None:
    """Run the command line; misuse and unreadable input become one line and an exit code."""
    try:
        status = plainwire(standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        asked = context.command_path if context else "plainwire"
        _fail(f"{error.format_message().rstrip('.')} (see {asked} --help)", 2)
    except click.exceptions.Abort:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.stderr.flush()
    # Python would take a large report apart object by object first: a fifth of the time of an analysis.
    os._exit(status if isinstance(status, int) else 0)


def _fail(message: str, exit_code: int) -> None:
    sys.stderr.write(f"plainwire: {message}\n")
    sys.exit(exit_code)
