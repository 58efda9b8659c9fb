"""A report in the forms of other tools, one file a form. Pure: what is written where is the caller's.

What may be a secret of the user is hidden in all of them, as in every report (``report.redact``), except
where a function is told to show it.
"""
