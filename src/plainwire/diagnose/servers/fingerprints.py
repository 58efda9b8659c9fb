"""Defaults and manners of servers, middleboxes and clients' pools: what an inferred limit is held against.

The times are those that the software has unless somebody configures it; a match says "fits", never "is".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Bounds, CloseKind


_SECOND = 1_000_000_000


_DEFAULT_SLACK_NS = 30_000_000
"""How far an idle time may be from a default and be taken for it: scheduling."""


_DEFAULT_SLACK_SHARE = 0.01
"""The same for long ones."""


_LATE_SHARE = 0.05
"""A busy server's timers strike late, never early."""


class Software(Struct, frozen=True):
    """One server: its default idle timeout in seconds, and how it ends an idle connection.

    ``close``: the first act; None where versions differ. ``coarse``: seconds by which its timer may be late.
    ``front``: it stands before servers whose names its responses have.
    """

    name: str
    idle: float
    close: CloseKind | None = None
    coarse: float = 0.0
    front: bool = False


SERVERS = (
    Software("gunicorn", 2, coarse=1.1),
    Software("Apache httpd", 5, "close_notify"),
    Software("uvicorn", 5),
    Software("Node.js", 5, "fin"),
    Software("Node.js", 6, "fin"),  # newer versions wait one second longer than they announce
    Software("ClickHouse", 3),
    Software("ClickHouse", 10),
    Software("Tomcat", 20),
    Software("Tomcat", 60),
    Software("Jetty", 30),
    Software("AWS ALB", 60, front=True),
    Software("nginx", 75, "close_notify"),
    Software("aiohttp", 75, "close_notify"),
    Software("aiohttp", 3630, "close_notify"),
    Software("IIS", 120),
    Software("Kestrel", 130),
    Software("F5 BIG-IP", 300, front=True),
    Software("Google Cloud load balancer", 600, front=True),
    Software("Envoy", 3600, front=True),
)


SILENT = (
    Software("Azure load balancer or NAT", 240),
    Software("F5 BIG-IP, or a firewall that forgets after five minutes", 300),
    Software("AWS NAT gateway or NLB", 350),
    Software("Linux conntrack, established", 432_000),
)
"""What silently forgets idle connections."""


POOLS: tuple[tuple[str, float | None], ...] = (
    ("python-requests/", None),
    ("python-urllib3/", None),
    ("python-urllib/", None),
    ("python-httpx/", 5),
    ("python/", 15),  # aiohttp: "Python/3.11 aiohttp/3.9"
    ("node", 4),
    ("undici", 4),
    ("go-http-client/", 90),
    ("reqwest/", 90),
    ("hyper/", 90),
    ("curl/", 118),
    ("okhttp/", 300),
    ("java-http-client/", 30),
)
"""How a User-Agent field begins, in lower case, and after how many seconds that client gives up an idle
connection; None: never."""


_NODE_DELAY_NS = _SECOND


def fitting(idle: Bounds, close: CloseKind, hint_ns: int | None, named: Sequence[str]) -> list[str]:
    """Names of the software whose default timeout and manner of closing fit, each once.

    ``named``: what the server calls itself; then it is that, or something that stands in front of it.
    """
    calls = " ".join(named).lower()
    if close == "fin" and hint_ns is not None and _near(idle, hint_ns + _NODE_DELAY_NS):
        return ["Node.js"]  # it announces one second less than it waits, and leaves out close_notify
    names: dict[str, None] = {}
    for software in SERVERS:
        possible = not calls or software.front or software.name.split()[0].lower() in calls
        if (
            possible
            and software.close in (None, close)
            and _near(idle, int(software.idle * _SECOND), int(software.coarse * _SECOND))
        ):
            names[software.name] = None
    return list(names)


def silently_forgetting(limit: Bounds) -> list[str]:
    """Names of what forgets idle connections after a time within ``limit``."""
    return [s.name for s in SILENT if limit.low_ns <= s.idle * _SECOND <= limit.high_ns]


def pool_limit(agents: Iterable[str]) -> tuple[bool, int | None]:
    """Whether the clients with these User-Agent fields are known, and the longest of their pool times, in ns.

    None: at least one of them keeps idle connections forever.
    """
    limits = [_pool(agent.lower()) for agent in agents]
    known = [limit for found, limit in limits if found]
    if not known or len(known) < len(limits):
        return False, None
    seconds = [limit for limit in known if limit is not None]
    return True, int(max(seconds) * _SECOND) if len(seconds) == len(known) else None


def _pool(agent: str) -> tuple[bool, float | None]:
    for beginning, seconds in POOLS:
        if agent.startswith(beginning):
            return True, seconds
    return False, None


def _near(idle: Bounds, default_ns: int, coarse_ns: int = 0) -> bool:
    slack = max(_DEFAULT_SLACK_NS, int(default_ns * _DEFAULT_SLACK_SHARE))
    latest = default_ns + coarse_ns + slack
    return default_ns - slack <= idle.low_ns <= latest and idle.high_ns <= latest + default_ns * _LATE_SHARE
