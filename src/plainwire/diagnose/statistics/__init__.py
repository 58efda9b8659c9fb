"""The statistics of rare events: few failures among many successes, and what can be said all the same.

Exact methods, since the counts are small; no dependency beyond NumPy, since each start of plainwire would
pay for it. Everything random is seeded: the same capture gives the same report.
"""
