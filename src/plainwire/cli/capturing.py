"""What of a host's packets a command records that captures them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., object]")


def options(command: _Command) -> _Command:
    """Give a command ``interface`` and ``capture_filter``."""
    interface = click.option(
        "-i", "--interface", default="any", show_default=True, help="The network interface to capture on."
    )
    wanted = click.option(
        "-f",
        "--filter",
        "capture_filter",
        default="",
        metavar="FILTER",
        help="What to capture, a filter as in pcap-filter(7).",
    )
    return interface(wanted(command))
