"""Error codes of HTTP/2 and HTTP/3, by whom they speak of."""

from __future__ import annotations

OWN_FAILURES = frozenset(
    ("NO_ERROR", "INTERNAL_ERROR", "CANCEL", "CONNECT_ERROR", "SETTINGS_TIMEOUT",
     "H3_NO_ERROR", "H3_INTERNAL_ERROR", "H3_REQUEST_CANCELLED", "H3_CONNECT_ERROR")
)  # fmt: skip
"""Codes by which a sender speaks of itself; any other one accuses its peer."""
