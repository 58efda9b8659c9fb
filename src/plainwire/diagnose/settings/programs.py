"""Who client and server are, by the signs that they give of themselves.

A User-Agent field names a client library only where it is that library's own default form, and where the
runtime of the process does not contradict it. A Server field names who answered; behind a gateway that says
so (Via, marks of a CDN) that is not the one who closes the connection. Signs that contradict each other name
nobody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import (
        Connection,
        Exchange,
        Finding,
        Process,
        Response,
        ServerFacts,
        Testimony,
    )

_MOST_READ = 50
"""Exchanges of a connection whose header fields are read."""

_MOST_CHARACTERS = 1000
"""Characters of a field that are looked at; a library's own form has fewer."""


class Recognised(Struct, frozen=True):
    """A program that was recognised. ``products``: its names in the table, the most special one first."""

    products: tuple[str, ...]
    version: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.products[0]


class _DefaultForm(Struct, frozen=True):
    """A library's own form of a User-Agent or Server field. ``runtimes``: in which its process may run."""

    pattern: re.Pattern[str]
    products: tuple[str, ...]
    runtimes: tuple[str, ...] = ()


def _form(pattern: str, products: str, runtimes: str = "") -> _DefaultForm:
    return _DefaultForm(re.compile(rf"(?:{pattern})\Z"), tuple(products.split(", ")), tuple(runtimes.split()))


_V = r"(?P<version>\d+(?:\.\w+)*)"

_AGENTS = (
    _form(rf"python-requests/{_V}", "requests, Python", "python pypy"),
    _form(rf"python-urllib3/{_V}", "urllib3, Python", "python pypy"),
    _form(rf"Python-urllib/{_V}", "urllib, Python", "python pypy"),
    _form(rf"python-httpx/{_V}", "httpx", "python pypy"),
    _form(rf"Python/[\d.]+ aiohttp/{_V}", "aiohttp, Python", "python pypy"),
    _form(
        rf"(?:Boto3|Botocore|aws-cli)/{_V} .*Botocore/[\d.]+.*|Botocore/[\d.]+ .*", "botocore", "python pypy"
    ),
    _form(rf"Boto3/{_V} md/Botocore#[\d.]+ .*", "botocore", "python pypy"),
    _form(rf"axios/{_V}", "axios, Node.js http, Node.js", "node"),
    _form(r"node|undici", "undici, Node.js", "node"),
    _form(
        r"node-fetch(?:/1\.0 \(\+https://github\.com/bitinn/node-fetch\))?", "Node.js http, Node.js", "node"
    ),
    _form(r"got \(https://github\.com/sindresorhus/got\)", "Node.js http, Node.js", "node"),
    _form(r"Go-http-client/[12]\.[01]", "Go", "-"),
    _form(rf"okhttp/{_V}", "OkHttp, Java", "java"),
    _form(rf"Apache-Http(?:Async)?Client/{_V} \(Java/[\w.]+\)", "Apache HttpClient, Java", "java"),
    _form(rf"Java-http-client/{_V}", "JDK HttpClient, Java", "java"),
    _form(rf"Java/{_V}", "HttpURLConnection, Java", "java"),
    _form(rf"curl/{_V}", "curl", "curl"),
    _form(rf"PycURL/[\w.]+ libcurl/{_V} .*", "libcurl", "python pypy"),
    _form(
        rf"grpc-(?:python(?:-asyncio)?|c\+\+|ruby|php)/{_V} grpc-c/[\d.]+ .*", "gRPC core", "python ruby php"
    ),
    _form(rf"grpc-go/{_V}", "grpc-go, Go", "-"),
    _form(rf"grpc-dotnet/{_V} .*", ".NET", "dotnet"),
)

_RUNTIMES = {
    "node": ("Node.js",),
    "java": ("Java",),
    "curl": ("curl",),
    "dotnet": (".NET",),
}
"""What a process is by its executable alone: for what one sets in its environment or on its command line."""

_SPEAKERS = {
    "requests": ("requests, Python", "python pypy"),
    "urllib3": ("urllib3, Python", "python pypy"),
    "httpx": ("httpx", "python pypy"),
    "aiohttp": ("aiohttp, Python", "python pypy"),
    "python": ("Python", "python pypy"),
    "http.client": ("Python", "python pypy"),
}
"""Libraries that are known by their own exceptions, and the runtimes that they are for."""

_SERVERS = (
    _form(rf"(?:nginx|openresty)(?:/{_V})?(?: \(.*\))?", "nginx"),
    _form(rf"Apache(?:/{_V}(?: .*)?)?", "Apache httpd"),
    _form(rf"gunicorn(?:/{_V})?", "gunicorn"),
    _form(r"uvicorn", "uvicorn"),
    _form(r"hypercorn-h\w+", "hypercorn"),
    _form(rf"Python/[\d.]+ aiohttp/{_V}", "aiohttp"),
    _form(r"Kestrel", "Kestrel"),
    _form(r"envoy|istio-envoy", "Envoy"),
)

_GATEWAYS = frozenset(("AWS ALB", "AWS NLB", "HAProxy", "Envoy", "Google Cloud load balancer", "Cloudflare"))
"""They stand in front of servers whose names their responses may bear."""

_FOREIGN_MARKS = frozenset(
    ("via", "cf-ray", "x-amz-cf-id", "x-served-by", "x-cache", "x-vercel-id", "fly-request-id", "x-azure-ref")
)
"""Fields of gateways and CDNs: with one of them the Server field may be anybody's."""

_ALB_COOKIE = re.compile(r"AWSALB(?:CORS|TG|TGCORS)?=")
"""How the cookies begin by which it keeps clients at one target."""

_HAPROXY_ERRORS = {400: 90, 403: 93, 408: 110, 502: 107, 503: 107, 504: 92}
"""The size of the pages that HAProxy itself answers with, by status, bytes (HAProxy 2.6, src/http.c)."""

_HAPROXY_FIELDS = {"content-length", "cache-control", "content-type"}

_GO_NOT_FOUND = (404, 19)
"""Status and size (bytes) of Go's own answer for what it does not have (net/http NotFound)."""

UNKNOWN = Recognised(("",))
"""Somebody, but nobody that the table knows, or not one alone."""


# --- clients -------------------------------------------------------------------------------------------


def client(
    finding: Finding, connections: Iterable[Connection], testimony: Testimony | None
) -> Recognised | None:
    """The client of the finding's connections; None where it is not known, or they have several."""
    named = {_of_connection(c, testimony) for c in connections} - {None}
    return _only(named or _spoken(finding, testimony))


def _only(named: set[Recognised | None]) -> Recognised | None:
    """The only one of its name; without its version where there are several of that."""
    found = {program for program in named if program is not None}
    if len({program.products for program in found}) != 1 or UNKNOWN in found:
        return None
    return found.pop() if len(found) == 1 else Recognised(found.pop().products)


def _of_connection(connection: Connection, testimony: Testimony | None) -> Recognised | None:
    """By the User-Agent fields of its requests and by its process; None where neither is known."""
    runtime = _runtime(_process(connection, testimony))
    requests = [e.request for e in connection.exchanges[:_MOST_READ] if e.request is not None]
    agents = {_field(r.headers, "user-agent") for r in requests}
    if any(_any_form(agent) for agent in agents):
        return _only({_by_form(agent, _AGENTS, runtime) or UNKNOWN for agent in agents}) or UNKNOWN
    products: tuple[str, ...] = _RUNTIMES.get(runtime or "", ())
    if runtime == "node" and agents == {""} and connection.exchanges[0].protocol == "http/1.1":
        products = ("Node.js http", "Node.js")  # of Node's own clients only http and https send no User-Agent
    if products:
        return Recognised(products)
    return UNKNOWN if agents else None


def _any_form(agent: str) -> bool:
    """Whether it is some library's own form, though not one of this process's runtime."""
    return any(form.pattern.match(agent) for form in _AGENTS)


def _by_form(value: str, forms: Sequence[_DefaultForm], runtime: str | None = None) -> Recognised | None:
    for form in forms:
        found = form.pattern.match(value)
        if found is None:
            continue
        if runtime is not None and form.runtimes and runtime not in form.runtimes:
            return None
        return Recognised(form.products, found.groupdict().get("version") or "")
    return None


def _spoken(finding: Finding, testimony: Testimony | None) -> set[Recognised | None]:
    """By the exceptions that belong to the finding, where no request told anything."""
    if testimony is None:
        return set()
    processes = {p.pid: p for p in testimony.processes}
    found: set[Recognised | None] = set()
    for saying in testimony.sayings:
        names, runtimes = _SPEAKERS.get(saying.client, ("", ""))
        runtime = _runtime(processes.get(saying.pid))
        if saying.code == finding.code and runtime in runtimes.split():
            found.add(Recognised(tuple(names.split(", "))))
    return found


def _process(connection: Connection, testimony: Testimony | None) -> Process | None:
    if connection.program is None or testimony is None:
        return None
    return next((p for p in testimony.processes if p.pid == connection.program.pid), None)


def _runtime(process: Process | None) -> str | None:
    if process is None:
        return None
    if process.runtime is None and process.executable is not None and process.executable.endswith("/dotnet"):
        return "dotnet"
    return process.runtime


# --- servers -------------------------------------------------------------------------------------------


def server(exchanges: Iterable[Exchange], facts: ServerFacts | None) -> Recognised | None:
    """Who ends the connections at an address, by the responses that came from it."""
    found = _agreed(_of_response(e.response, facts) for e in exchanges if e.response is not None)
    return None if found is None or _contradicted(found, facts) else found


def balancer(name: str | None) -> Recognised | None:
    """The load balancer that a name is of (the names that Elastic Load Balancing gives)."""
    if name is None:
        return None
    if re.fullmatch(r"[\w-]+-[0-9a-f]{16}\.elb\.[\w-]+\.amazonaws\.com", name):
        return Recognised(("AWS NLB",))
    if re.fullmatch(r"[\w-]+-\d{6,12}\.[\w-]+\.elb\.amazonaws\.com", name):
        return Recognised(("AWS ALB",))
    return None


def _agreed(named: Iterable[Recognised | None]) -> Recognised | None:
    """The only one; a gateway goes before what stands behind it."""
    found = {program for program in named if program is not None}
    gateways = {program for program in found if program == UNKNOWN or program.name in _GATEWAYS}
    return _only({*(gateways or found)})


def _of_response(response: Response, facts: ServerFacts | None) -> Recognised | None:
    headers = response.headers
    said, via = _field(headers, "server"), _field(headers, "via")
    names = {name.lower() for name, _ in headers}
    if said == "cloudflare":
        return Recognised(("Cloudflare",)) if "cf-ray" in names else UNKNOWN
    if via == "1.1 google":
        return Recognised(("Google Cloud load balancer",))
    cookies = [value for name, value in headers if name.lower() == "set-cookie"]
    if said.startswith("awselb/") or any(map(_ALB_COOKIE.match, cookies)):
        return Recognised(("AWS ALB",))
    if names & _FOREIGN_MARKS:
        return UNKNOWN
    if said:
        return _by_form(said, _SERVERS) or UNKNOWN
    return _nameless(response, names, facts)


def _nameless(response: Response, names: set[str], facts: ServerFacts | None) -> Recognised | None:
    """Servers that send no Server field, by what they send instead."""
    headers = response.headers
    kind = _field(headers, "content-type")
    length = response.declared_size
    if names - {"connection"} == _HAPROXY_FIELDS and _HAPROXY_ERRORS.get(response.status) == length:
        return Recognised(("HAProxy",)) if _field(headers, "cache-control") == "no-cache" else None
    if _field(headers, "x-powered-by") == "Express":
        return Recognised(("Node.js",))
    hint = _field(headers, "keep-alive")
    if re.fullmatch(r"timeout=\d+", hint) and facts is not None and facts.fingerprint == ["Node.js"]:
        return Recognised(("Node.js",))
    plain = kind == "text/plain; charset=utf-8" and _field(headers, "x-content-type-options") == "nosniff"
    return Recognised(("Go",)) if plain and (response.status, length) == _GO_NOT_FOUND else None


def _contradicted(program: Recognised, facts: ServerFacts | None) -> bool:
    """Whether the idle timeout is the default of others, and not of this one."""
    if facts is None or not facts.fingerprint or program.name == "AWS NLB":
        return False
    return not any(program.name in name for name in facts.fingerprint)


def _field(headers: Iterable[tuple[str, str]], wanted: str) -> str:
    return next((value[:_MOST_CHARACTERS].strip() for name, value in headers if name.lower() == wanted), "")
