"""``python -m tests.report.verdicts``: write the verdicts anew, to be read."""

from __future__ import annotations

from plainwire.report.terminal import CasePaths, verdict
from tests.report.verdicts.reading import FOLDER, GOLDEN, WIDTHS, stored

reports = stored()
for name in GOLDEN:
    for width in WIDTHS:
        text = verdict(reports[name], place=CasePaths.of_case("case"), width=width)
        (FOLDER / f"{name}.{width}.txt").write_text(text, encoding="utf-8")
