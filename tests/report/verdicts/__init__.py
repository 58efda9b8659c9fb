"""What plainwire found in real captures of failures, cut to what a verdict shows: ``reports.json``.

``NAME.80.txt`` and ``NAME.100.txt`` are the verdicts of some, as they stand on terminals of these widths.
After a change that is meant: ``python -m tests.report.verdicts``, and read what it wrote.
"""
