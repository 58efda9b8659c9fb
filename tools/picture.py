"""``... --color always | python tools/picture.py FILE``: what a terminal shows, as an SVG for the README.

It names no font of its own and loads nothing, so that it is shown wherever an image is.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

_COLUMNS = 98
_FORM = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="What plainwire says of a failure">
<style>text {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 20px }} {styles}</style>
<rect width="{width}" height="{height}" rx="8" fill="#1b1b1f"/>
<defs>{lines}</defs>
{backgrounds}<g class="{unique_id}-matrix" transform="translate(16 10)">{matrix}</g>
</svg>
"""


def main(file: Path) -> int:
    """Read standard input, write the picture."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(sys.stdin.read()), end="")
    file.write_text(console.export_svg(code_format=_FORM, unique_id="p"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
