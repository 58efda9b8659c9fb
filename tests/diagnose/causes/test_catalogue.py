"""Every code has its words."""

from __future__ import annotations

from plainwire.diagnose import CAUSES

PROMISED = {
    "close-unannounced-after-response",
    "server-max-requests-close",
    "server-max-age-close",
    "server-reload-close",
    "idle-close-by-reset",
    "truncated-eof-delimited",
    "close-without-close-notify",
    "early-response-reset",
    "client-timeout-too-short",
    "keepalive-hint-ignored",
    "pipelining-broken",
    "half-open-connection",
    "server-crash-mid-stream",
    "nat-idle-drop",
    "nat-idle-reset",
    "lb-idle-reset",
    "conntrack-invalid-reset",
    "proxy-connect-failure",
    "tls-interception",
    "mtu-blackhole",
    "gateway-upstream-race",
    "window-scale-stripped",
    "ecn-or-dscp-blackhole",
    "syn-paws-drop",
    "path-change",
    "response-not-drained",
    "connection-shared",
    "unsafe-retry-duplicate",
    "no-keepalive-churn",
    "client-stall",
    "pool-wait",
    "local-resource",
    "client-bug-request",
    "suspend-resume",
    "single-event",
    "mixture",
    "not-a-failure",
    "keepalive-idle-race",
    "stale-connection-reuse",
    "close-mid-request",
    "reset-mid-request",
    "reset-mid-response",
    "response-truncated",
    "unsolicited-408",
    "connection-close-ignored",
    "hidden-retry",
    "client-abort",
    "capture-artifact",
    "middlebox-injected-reset",
    "unexplained",
    "h2-stream-refused",
    "h2-stream-reset-internal-error",
    "h2-malformed-response",
    "h2-flow-control-stall",
    "h2-dead-connection",
    "h3-goaway-or-rejected",
    "quic-idle-timeout-reuse",
    "goaway-race",
    "goaway-error-enhance-your-calm",
    "goaway-accepted-not-answered",
    "h2-close-without-goaway",
    "quic-connection-close",
    "quic-stateless-reset",
}


def test_all_promised_codes_are_there() -> None:
    assert set(CAUSES) >= PROMISED


def test_every_cause_says_what_establishes_it_what_refutes_it_and_what_to_do() -> None:
    for cause in CAUSES.values():
        assert cause.meaning
        assert cause.established
        assert cause.refuted
        assert cause.client
