"""Findings, coverage, the whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from plainwire.model.bugs import Bug
    from plainwire.model.connection import Connection
    from plainwire.model.http import Exchange
    from plainwire.model.program import Testimony
    from plainwire.model.transport import Endpoint

Fault = Literal["server", "client", "both", "path", "unknown"]
Certainty = Literal["proved", "likely", "possible"]


class Evidence(Struct, frozen=True):
    """One packet and what it shows."""

    packet: int
    says: str


class Quoted(Struct, frozen=True):
    """Words off the wire that a finding rests on. Outputs redact, escape and shorten them."""

    packet: int
    what: str
    """Ours: what the words are."""
    text: str


Need = Literal[
    "idle limit",
    "path idle limit",
    "TCP keepalive",
    "connection age",
    "retries",
    "retries of statuses",
    "read timeout",
    "connect timeout",
    "pool size",
    "CA bundle",
    "client certificate",
    "expect",
    "ping interval",
    "requests per connection",
    "upstream read timeout",
    "upstream idle limit",
    "stream idle timeout",
    "request read timeout",
    "worker timeout",
    "buffering",
    "lingering close",
    "body size limit",
    "header size limit",
    "concurrent streams",
    "listen backlog",
]
"""What a remedy needs on one side; ``diagnose.settings.table`` says which setting of a product it is."""


class NamedSetting(Struct, frozen=True):
    """The setting of a program that was recognised, which a finding's advice asks for.

    ``says`` is safe to print: words of ours alone, with the value where one was inferred. ``source``: the
    document that describes the setting.
    """

    side: Literal["client", "server"]
    product: str
    need: Need
    says: str
    source: str


class Finding(Struct):
    """One cause, established on one or more exchanges. Field meanings: docs/report.md."""

    code: str
    claim: str
    fault: Fault
    certainty: Certainty
    exchanges: list[int]
    connections: list[int]
    evidence: list[Evidence]
    refuted_by: str
    runner_up: str = ""  # the next best explanation and what refuted it
    retry_safe: bool | None = None
    advice_client: str = ""
    advice_server: str = ""
    references: list[str] = field(default_factory=list)
    failure: bool = True  # its exchanges failed
    quotes: list[Quoted] = field(default_factory=list)
    program_says: str = ""  # what the program itself said of it, and whether it can know better
    client_needs: tuple[Need, ...] = ()
    server_needs: tuple[Need, ...] = ()
    settings: list[NamedSetting] = field(default_factory=list)
    retry_useful: bool | None = None  # False: it fails again until something is changed
    tests: list[str] = field(default_factory=list)
    """The tests that ran when its failures happened: names that are the text of the program."""

    @property
    def packets(self) -> list[int]:
        """The packets that the evidence cites, in order, each once."""
        return sorted({e.packet for e in self.evidence})

    @property
    def client_advice(self) -> str:
        """What the client's side can do, with the settings of the programs that were recognised."""
        return " ".join([self.advice_client, *(s.says for s in self.settings if s.side == "client")]).strip()

    @property
    def server_advice(self) -> str:
        """The same of the server's side."""
        return " ".join([self.advice_server, *(s.says for s in self.settings if s.side == "server")]).strip()


class Bounds(Struct, frozen=True):
    """A duration in ns, known to lie from ``low_ns`` to ``high_ns``, from ``count`` observations."""

    low_ns: int
    high_ns: int
    count: int


Clock = Literal["idle", "requests", "age", "instant"]
"""What a server's closes keep time with: idleness, the number of requests, the connection's age, or a moment
at which several connections ended (a reload)."""

ResetFlavour = Literal["active", "reactive", "both", "acknowledging"]
"""Which RSTs a server sends (RFC 9293 section 3.5.2): ``active`` with ACK, which abort; ``reactive`` without,
which answer for a connection that is gone; ``acknowledging``: with ACK even there, as some stacks do."""


class DangerBand(Struct, frozen=True):
    """Idle times after which a request on a kept connection meets the server's close.

    From ``low_ns``, the server's idle timeout less one round trip, to ``high_ns``, where the client gives up
    an idle connection by itself; None: no such limit is known. ``observed``: that limit was seen, not only
    known of the client's software.
    """

    low_ns: int
    high_ns: int | None
    observed: bool

    @property
    def empty(self) -> bool:
        """Whether the client gives up idle connections before the server does."""
        return self.high_ns is not None and self.high_ns <= self.low_ns


class ServerFacts(Struct):
    """What the traffic says about one server address.

    ``max_requests`` is None unless ``max_requests_count`` connections show it; ``most_requests`` were seen
    on one. ``longest_idle_ns``: the longest idleness worth the name after which a request was still answered.
    ``silent_limit``: idleness after which something forgets the connection and says nothing.
    ``fingerprint`` names software whose defaults and manners fit, ``software`` what the server calls itself.
    ``hint_timeout_ns`` and ``hint_max`` stand in the Keep-Alive field of its first answer.
    ``expected_failures``: how many requests the idle timeout condemns; ``observed_failures``: unanswered ones
    on kept connections that the server had not received when it closed; ``prediction_p`` is the probability
    (Poisson) of a number as far from the expected one. ``reloads``: moments, ns.
    """

    address: Endpoint
    announces_close: bool | None = None
    software: list[str] = field(default_factory=list)
    hint_timeout_ns: int | None = None
    hint_max: int | None = None
    idle_timeout: Bounds | None = None
    longest_idle_ns: int | None = None
    max_requests: int | None = None
    max_requests_count: int = 0
    most_requests: int = 0
    max_age: Bounds | None = None
    clock: Clock | None = None
    reloads: list[int] = field(default_factory=list)
    reset_flavour: ResetFlavour | None = None
    silent_limit: Bounds | None = None
    danger_band: DangerBand | None = None
    expected_failures: float | None = None
    observed_failures: int = 0
    prediction_p: float | None = None
    fingerprint: list[str] = field(default_factory=list)


class Contrast(Struct, frozen=True):
    """What failing attempts have in common that succeeding ones lack.

    ``code`` is the cause whose exchanges fail; ``failing`` and ``succeeding`` are (with it, of how many).
    ``p`` is the probability of so strong a contrast by chance in any of the ``searched`` features.
    ``rate_with`` and ``rate_without``: 95 % intervals of the rate of failure. ``low`` and ``high`` bound
    a number (seconds, bytes, a count); None where the feature is none or has no bound on that side.
    ``also``: features that say the same, and cannot be told apart from it here.
    """

    code: str
    feature: str
    claim: str
    failing: tuple[int, int]
    succeeding: tuple[int, int]
    p: float
    searched: int
    rate_with: tuple[float, float]
    rate_without: tuple[float, float]
    low: float | None = None
    high: float | None = None
    also: list[str] = field(default_factory=list)


class Coverage(Struct):
    """What was seen, and what was not."""

    packets: int = 0
    packets_dropped: int | None = None  # None: the capture does not say
    connections: int = 0
    decrypted: int = 0
    undecrypted: list[tuple[int, str]] = field(default_factory=list)  # connection, reason
    mid_stream: list[int] = field(default_factory=list)
    evidence: Literal["packets", "sockets", "both"] = "packets"
    """Packets that were captured; or what the program's calls on its sockets showed."""
    other_connections: int = 0  # of other processes: not in the report
    other_packets: int = 0  # of other processes: not in the case
    notes: list[str] = field(default_factory=list)
    bugs: list[Bug] = field(default_factory=list)  # of plainwire's own: what they cost is not in the report


class Attempts(Struct, frozen=True):
    """How often requests failed on the wire, beside what the program was told.

    Of ``sent`` requests ``failed`` got no whole answer, or one with an error status for which they were sent
    again. ``repeated`` were sent again after a failure of the
    same request, so that the program asked ``asked`` times; ``hidden`` failures were made good by such a
    repetition. ``perhaps_twice``: repetitions that are not safe, the first copy having reached the server
    (RFC 9110 section 9.2.2). ``backoff``: the pauses before repetitions in words, and the client that makes
    such where the pauses or its User-Agent tell.
    """

    sent: int
    failed: int
    asked: int
    repeated: int
    hidden: int
    perhaps_twice: int
    backoff: str = ""

    @property
    def rate(self) -> float:
        """Failed attempts per attempt: the true failure rate."""
        return self.failed / self.sent if self.sent else 0.0

    @property
    def lost(self) -> int:
        """Requests as the program asked that failed in the end: what it may know of."""
        return max(0, self.failed - self.repeated)

    @property
    def seen_rate(self) -> float:
        """Failures per request as the program asked."""
        return self.lost / self.asked if self.asked else 0.0


HARMLESS = "harmless: "
"""What begins the reason for which a sign is none of trouble."""

IDLE_RESET = (
    "an idle connection that no request was using; a client that writes on it next gets ECONNRESET, "
    "and no packet shows that"
)
"""The reason for which a server's reset is none."""

SPARE_COPY = "the client needed one of two copies, and had the answer to the other"
"""The reason for which an exchange that its client ended is none."""


class Sign(Struct):
    """One thing that could be trouble, on the wire or in the program, and what accounts for it.

    ``kind`` is one of ``diagnose.signs.kinds.WORDS``. ``claimed_by`` is the code of the finding that explains
    it, ``harmless: REASON``, or None where nothing accounts for it. ``says`` is a sentence of ours about it.
    """

    kind: str
    packets: list[int]
    connection: int | None = None
    exchange: int | None = None
    claimed_by: str | None = None
    says: str = ""

    @property
    def harmless(self) -> bool:
        """Whether the traffic itself shows that it is not a sign of trouble."""
        return self.claimed_by is not None and self.claimed_by.startswith(HARMLESS)

    @property
    def open(self) -> bool:
        """Whether nothing accounts for it yet."""
        return self.claimed_by is None


class Report(Struct):
    """The whole answer."""

    coverage: Coverage
    connections: list[Connection]
    exchanges: list[Exchange]
    servers: list[ServerFacts]
    findings: list[Finding]
    comparison: list[Contrast] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """Where the failures are too few for a comparison: how many more it would take."""
    attempts: Attempts | None = None
    """None where no request was sent again and none failed."""
    testimony: Testimony | None = None
    """None where the program was not watched."""
    signs: list[Sign] = field(default_factory=list)
    """All that could be trouble, in order of connections."""
