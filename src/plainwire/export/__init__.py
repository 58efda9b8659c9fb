"""A report in the formats of other tools, one file a format. Pure: the caller writes the output.

Possible secrets of the user are hidden in all of them, as in every report (``report.redact``), unless a
function is told to show them.
"""
