"""``plainwire completion``: what a shell needs to complete commands, options, codes, demos and cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_PLAINWIRE_COMPLETE"


@click.command("completion", epilog='Example: eval "$(plainwire completion bash)"')
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options, codes, demos and cases; for its start-up file."""
    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(context.find_root().command, {}, "plainwire", _VARIABLE).source())


def codes(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Codes of findings with their titles; behind a comma too."""
    from plainwire.diagnose.causes.catalogue import CAUSES  # noqa: PLC0415 - for completion alone

    before, comma, last = begun.rpartition(",")
    return [
        CompletionItem(f"{before}{comma}{code}", help=cause.title)
        for code, cause in CAUSES.items()
        if code.startswith(last)
    ]


def demos(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Scenarios of the demo."""
    from plainwire.lab import scenarios  # noqa: PLC0415 - as above

    return _beginning(begun, (scenario.name for scenario in scenarios.SCENARIOS))


def cases(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Folders that hold a case; where there is none, files."""
    folder = Path(begun) if begun.endswith("/") else Path(begun).parent
    try:
        found = [each for each in sorted(folder.iterdir()) if (each / "capture.pcapng").is_file()]
    except OSError:
        found = []
    names = [str(each) for each in found]
    return _beginning(begun.removeprefix("./"), names) or [CompletionItem(begun, type="file")]


def _beginning(begun: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(begun)]
