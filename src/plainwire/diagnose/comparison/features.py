"""The features that attempts are compared by, and how a contrast in each of them is said."""

from __future__ import annotations

NUMBERS: dict[str, str] = {
    "idle_before": "came {} after the last byte before them on their connection",
    "ordinal": "were number {} on their connection",
    "age": "were sent when their connection was {} old",
    "since_connection": "were opened {} after the one before to the same server",
    "request_size": "had a body of {} bytes",
    "response_size": "had a response whose declared length was {} bytes",
    "concurrency": "were sent while {} other requests were open",
    "previous_size": "followed a response of {} bytes",
    "previous_duration": "followed an exchange that took {}",
    "header_size": "had {} bytes of header fields",
    "round_trip": "were on a connection with a round trip of {}",
    "sent_before": "were sent after {} bytes of the client's on their connection",
    "time": "were sent {} after the first",
}
"""Each with a place for the range."""

GROWING = frozenset(("ordinal", "age", "sent_before"))
"""Those that grow from request to request of a connection."""

LABELS: dict[str, str] = {
    "server": "went to {}",
    "reused": "were the first on their connection|were on a connection used before",
    "resumed": "were in a TLS session of their own|were in a resumed TLS session",
    "method": "had the method {}",
    "path": "had a target like {}",
    "query": "had no query|had a query",
    "previous_status": "followed a response with status {}",
    "previous_method": "followed a {} request",
    "previous_close": "did not follow an announced close|followed a response that announced the close",
    "protocol": "were in {}",
    "tls": "were in {}",
    "certificate": "met the certificate with checksum {}",
    "client": "came from {}",
    "name_asked": "asked for no server name|asked for a server name",
    "process": "came from process number {} of the program",
    "port": "came from {} ports",
    "ttl": "were on a connection that was accepted with TTL {}",
}
"""Each with a place for the level, or one wording for "no" and, behind the bar, one for "yes"."""

NEVER_SHOWN_EMPTY = frozenset(("resumed", "tls", "protocol", "certificate", "ttl", "name_asked"))
"""What connections have once they have come so far: that all failures lack it says only how far they came."""

_SECONDS = frozenset(("idle_before", "age", "since_connection", "previous_duration", "round_trip", "time"))

_LAST = (
    "previous_size",
    "round_trip",
    "ttl",
    "time",
    "header_size",
    "sent_before",
    "client",
    "process",
    "port",
)

_FIRST = ("path", "idle_before", "ordinal", "age", "since_connection", "server")

_ACTING = [name for name in dict.fromkeys((*_FIRST, *NUMBERS, *LABELS)) if name not in _LAST]


def rank(name: str) -> int:
    """The place in the order of preference, where several features say the same.

    What acts goes before what goes along; header fields stand between the two.
    """
    if name in _LAST:
        return len(_ACTING) + 1 + _LAST.index(name)
    return _ACTING.index(name) if name in _ACTING else len(_ACTING)


def number_phrase(name: str, low: float | None, high: float | None) -> str:
    """Say what attempts with the number from ``low`` to ``high`` have in common."""
    pattern = NUMBERS.get(name, name + " {}")
    return pattern.format(_range(low, high, seconds=name in _SECONDS))


def label_phrase(name: str, level: str) -> str:
    """Say what attempts with this level have in common."""
    kind, _, rest = name.partition(" ")
    if kind == "field":
        return f"had {'a' if level == 'yes' else 'no'} {rest} header field"
    if name.startswith("value of "):
        rest = name.removeprefix("value of ")
        return f"had no {rest} header field" if level == "none" else f"had {rest}: {level}"
    no, bar, yes = LABELS.get(name, name + " {}").partition("|")
    if bar:
        return yes if level == "yes" else no
    return no.format(level)


def _range(low: float | None, high: float | None, *, seconds: bool) -> str:
    least = None if low is None else _amount(low, seconds=seconds)
    most = None if high is None else _amount(high, seconds=seconds)
    if most is None:
        return f"{least} or more"
    if least is None:
        return f"{most} or less"
    return least if least == most else f"{least} to {most}"


def _amount(value: float, *, seconds: bool) -> str:
    if not seconds:
        return f"{value:.0f}"
    return f"{value:.3f} s" if value >= 1 else f"{value * 1000:.3g} ms"
