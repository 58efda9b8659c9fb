"""All rules in their order, and nothing else. The order is the diagnosis: the first rule that holds explains.

``procedure`` says what each tuple is applied to, and what happens to a verdict afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .deferred import imported_when_asked

with imported_when_asked(__package__):
    from .causes.client.client_bug_request import body_longer_than_declared, client_bug_request
    from .causes.client.client_stall import client_stall, client_stopped_reading
    from .causes.client.connection_shared import connection_shared, connection_shared_without_request
    from .causes.client.hidden_retry import hidden_retry
    from .causes.client.no_keepalive_churn import no_keepalive_churn
    from .causes.client.response_not_taken import response_not_taken
    from .causes.client.suspend_resume import suspend_resume
    from .causes.connect.accept_queue_overflow import accept_queue_overflow
    from .causes.connect.connect_given_up import connect_given_up
    from .causes.connect.connection_refused import connection_refused
    from .causes.connect.dns_failure import dns_failure
    from .causes.connect.dns_search_domain import dns_search_domain
    from .causes.connect.dns_slow_5s import dns_slow_5s
    from .causes.connect.dns_stale_or_split import dns_stale_or_split
    from .causes.connect.ecn_or_dscp_blackhole import ecn_or_dscp_blackhole
    from .causes.connect.nagle_delayed_ack import nagle_delayed_ack
    from .causes.connect.path_change import path_change
    from .causes.connect.port_reuse_time_wait import port_reuse_time_wait
    from .causes.connect.retransmission_loss import resent_requests, response_loss, retransmission_loss
    from .causes.connect.slow_start_after_idle import slow_start_after_idle
    from .causes.connect.syn_paws_drop import syn_paws_drop
    from .causes.connect.syn_timeout import syn_ack_not_taken, syn_timeout
    from .causes.connect.zero_window_stall import closed_windows, zero_window_stall
    from .causes.grpc.grpc_bad_messages import grpc_bad_messages
    from .causes.grpc.grpc_no_status import grpc_no_status
    from .causes.grpc.grpc_status import grpc_status
    from .causes.handshake.bad_record_mac import bad_record_mac, record_never_sent
    from .causes.handshake.cert_refused_without_alert import cert_refused_without_alert
    from .causes.handshake.clear_text_to_tls_port import clear_text_to_tls_port, refused_clear_text
    from .causes.handshake.handshake_reset import handshake_reset
    from .causes.handshake.handshake_stall import handshake_stall
    from .causes.handshake.ocsp_or_crl_delay import ocsp_or_crl_delay
    from .causes.handshake.plaintext_on_tls_port import plaintext_on_tls_port
    from .causes.handshake.quic_alert import quic_alert
    from .causes.handshake.renegotiation_or_postauth_stall import renegotiation_or_postauth_stall
    from .causes.handshake.resumption_failure import resumption_failure
    from .causes.handshake.tls_alert import alert_in_handshake, late_alert
    from .causes.handshake.tls_version_or_cipher_by_backend import tls_version_or_cipher_by_backend
    from .causes.http2.client_abort_of_stream import client_left, deadline_at_server, stream_cancelled
    from .causes.http2.goaway_accepted_not_answered import goaway_accepted_not_answered
    from .causes.http2.goaway_error import calls_ended_by_goaway, goaway_between_streams, goaway_error
    from .causes.http2.goaway_race import goaway_race
    from .causes.http2.h2_close_without_goaway import h2_close_without_goaway
    from .causes.http2.h2_concurrency_queue import h2_concurrency_queue
    from .causes.http2.h2_dead_connection import h2_dead_connection
    from .causes.http2.h2_flow_control_stall import h2_flow_control_stall
    from .causes.http2.h2_malformed_response import h2_malformed_response
    from .causes.http2.h2_not_spoken import h2_not_spoken, h2_not_spoken_to_request
    from .causes.http2.h2_stream_refused import h2_stream_refused
    from .causes.http2.h2_stream_reset import h2_stream_reset
    from .causes.http2.h2_tcp_hol_blocking import h2_tcp_hol_blocking
    from .causes.http2.response_refused_by_client import response_refused_by_client
    from .causes.http2.server_broke_rule import (
        client_complained,
        complaints_between_streams,
        server_broke_rule,
    )
    from .causes.middlebox.conntrack_invalid_reset import conntrack_invalid_reset
    from .causes.middlebox.gateway_upstream_race import gateway_upstream_race
    from .causes.middlebox.half_open_connection import half_open_connection, half_open_under_stream
    from .causes.middlebox.lb_idle_reset import lb_idle_reset
    from .causes.middlebox.middlebox_injected_reset import middlebox_injected_reset
    from .causes.middlebox.mtu_blackhole import lost_before_a_request, mtu_blackhole
    from .causes.middlebox.nat_idle_drop import nat_idle_drop, nat_idle_drop_under_stream
    from .causes.middlebox.nat_idle_reset import nat_idle_reset
    from .causes.middlebox.proxy_connect_failure import (
        proxy_connect_failure,
        proxys_own_answer,
    )
    from .causes.middlebox.proxy_in_socks import proxy_refused
    from .causes.middlebox.tls_interception import tls_interception
    from .causes.middlebox.window_scale_stripped import (
        held_windows,
        window_scale_stripped,
        window_scale_unseen,
    )
    from .causes.quic.alt_svc_stale import alt_svc_stale
    from .causes.quic.quic_connection_close import quic_closed_before_request, quic_connection_close
    from .causes.quic.quic_idle_timeout_reuse import quic_idle_timeout_reuse
    from .causes.quic.quic_nat_rebinding import quic_nat_rebinding
    from .causes.quic.quic_pmtu_or_amplification_stall import quic_pmtu_or_amplification_stall
    from .causes.quic.quic_refused import quic_refused
    from .causes.quic.quic_udp_blocked import quic_udp_blocked
    from .causes.quic.quic_version_mismatch import quic_version_mismatch
    from .causes.reuse.client_abort import client_abort, upload_abandoned
    from .causes.reuse.client_timeout_too_short import client_timeout_too_short
    from .causes.reuse.close_mid_request import close_mid_request, closed_on_half_close
    from .causes.reuse.close_unannounced_after_response import close_unannounced_after_response
    from .causes.reuse.close_without_close_notify import close_without_close_notify
    from .causes.reuse.connection_close_ignored import connection_close_ignored
    from .causes.reuse.early_response_reset import early_response_closed, early_response_reset
    from .causes.reuse.idle_close_by_reset import idle_close_by_reset
    from .causes.reuse.keepalive_hint_ignored import keepalive_hint_ignored
    from .causes.reuse.keepalive_idle_race import keepalive_idle_race
    from .causes.reuse.pipelining_broken import pipelining_broken
    from .causes.reuse.reset_mid_request import reset_mid_request, reset_upon_request
    from .causes.reuse.reset_mid_response import reset_mid_response
    from .causes.reuse.response_not_drained import response_not_drained
    from .causes.reuse.response_truncated import response_truncated
    from .causes.reuse.server_crash_mid_stream import server_crash_mid_stream
    from .causes.reuse.server_max_age_close import server_max_age_close
    from .causes.reuse.server_max_requests_close import server_max_requests_close
    from .causes.reuse.server_reload_close import server_reload_close
    from .causes.reuse.stale_connection_reuse import stale_connection_reuse
    from .causes.reuse.truncated_eof_delimited import truncated_eof_delimited
    from .causes.reuse.unsolicited_408 import never_read_408, unsolicited_408
    from .causes.semantics.answers_shifted import answers_shifted
    from .causes.semantics.auth_expired_mid_run import auth_expired_mid_run
    from .causes.semantics.bad_framing import bad_framing, misread_responses
    from .causes.semantics.client_certificate_rejected import (
        certificate_not_shown,
        client_certificate_rejected,
    )
    from .causes.semantics.content_too_large_413 import content_too_large_413
    from .causes.semantics.continue_stall import never_continued, waited_for_continue
    from .causes.semantics.early_data_rejected import early_data_rejected
    from .causes.semantics.early_response_stall import early_response_stall
    from .causes.semantics.event_stream_error import error_before_the_end, event_stream_error
    from .causes.semantics.event_stream_unfinished import event_stream_unfinished
    from .causes.semantics.gateway_holds_back import gateway_holds_back, held_until_the_end
    from .causes.semantics.gateway_timeout import gateway_timeout
    from .causes.semantics.header_growth_431 import header_growth_431
    from .causes.semantics.misdirected_421 import misdirected_421
    from .causes.semantics.not_http import not_http
    from .causes.semantics.overload_5xx import overload_5xx
    from .causes.semantics.rate_limited import rate_limited
    from .causes.semantics.read_after_write_miss import read_after_write_miss
    from .causes.semantics.redirect_changed_request import redirect_changed_request
    from .causes.semantics.redirect_loop import redirect_loop
    from .causes.semantics.request_body_timeout import (
        body_too_slow,
        head_given_up,
        upload_given_up,
        upload_paused,
    )
    from .causes.semantics.request_body_unread import (
        after_unread_body,
        answers_to_bodies,
        body_taken_for_a_request,
    )
    from .causes.semantics.response_desync import responses_to_nothing, swapped_identifiers
    from .causes.semantics.sick_backend import sick_backend
    from .causes.semantics.slow_body_stall import never_ends, slow_body, stall_given_up
    from .causes.semantics.slow_first_byte import slow_first_byte
    from .causes.semantics.sni_host_mismatch import sni_host_mismatch
    from .causes.semantics.stale_or_poisoned_cache import stale_or_poisoned_cache
    from .causes.semantics.stream_ended_in_silence import stream_ended_in_silence
    from .causes.semantics.stream_idle_timeout import stream_idle_timeout
    from .causes.semantics.waf_block import waf_block
    from .causes.undecided.capture_artifact import capture_artifact, capture_cut_short
    from .causes.undecided.unexplained import unexplained
    from .causes.websocket.websocket_abnormal_close import websocket_abnormal_close
    from .causes.websocket.websocket_close_code import websocket_close_code
    from .causes.websocket.websocket_ping_timeout import websocket_ping_timeout
    from .causes.websocket.websocket_upgrade_refused import websocket_upgrade_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from plainwire.model import Connection

    from .traffic.answered import AnsweredExchanges
    from .traffic.traffic import Traffic
    from .verdict import FailedExchange, Failures, Verdict

    OfConnection = Callable[[Connection, Traffic], Verdict | None]
    OfExchange = Callable[[FailedExchange], Verdict | None]
    OfAnswered = Callable[[AnsweredExchanges], list[Verdict]]
    OfAll = Callable[[Traffic, Sequence[Verdict]], list[Verdict]]
    Sharper = Callable[[Verdict, Connection, Traffic], Verdict]
    Remark = Callable[[Traffic, Failures], Iterable[Verdict]]

# --- connections that came to no request ---------------------------------------------------------------

NO_REQUEST: tuple[OfConnection, ...] = (
    proxy_refused,
    quic_pmtu_or_amplification_stall,
    alt_svc_stale,
    quic_version_mismatch,
    quic_refused,
    quic_udp_blocked,
    connection_shared_without_request,
    port_reuse_time_wait,
    connection_refused,
    ecn_or_dscp_blackhole,
    syn_paws_drop,
    syn_timeout,
    syn_ack_not_taken,
    connect_given_up,
    accept_queue_overflow,
    window_scale_unseen,
    plaintext_on_tls_port,
    alert_in_handshake,
    quic_alert,
    quic_closed_before_request,
    h2_not_spoken,
    handshake_reset,
    lost_before_a_request,  # before the rule below: what was lost is not the server's silence
    handshake_stall,
    client_complained,
    cert_refused_without_alert,
)
SHARPER: tuple[Sharper, ...] = (tls_interception,)
"""What lies behind such a verdict."""

# --- one exchange of HTTP/1 at a time -------------------------------------------------------------------

FAILED: tuple[OfExchange, ...] = (
    record_never_sent,
    connection_shared,  # before the rule below: a hole elsewhere cannot make up records that authenticate
    capture_artifact,
    not_http,  # before the rules below: a client that hangs up on it is not the cause
    unsolicited_408,  # before the rule below: load balancers' unasked 408 says `Connection: close` as well
    never_read_408,
    connection_close_ignored,
    body_longer_than_declared,
    after_unread_body,
    clear_text_to_tls_port,  # before the rules below: a server that cannot read it is not the cause
    proxy_connect_failure,  # before the rules below: what comes after a refusal is no cause
    nat_idle_drop,  # before the rule below: a client that gives up on a dead connection is not the cause
    window_scale_stripped,
    mtu_blackhole,
    renegotiation_or_postauth_stall,
    late_alert,
    certificate_not_shown,
    error_before_the_end,
    zero_window_stall,
    retransmission_loss,
    response_loss,  # before the rules below: a client that gives up on it is not the cause
    bad_framing,
    never_continued,
    head_given_up,
    upload_given_up,
    upload_paused,
    conntrack_invalid_reset,
    gateway_holds_back,  # before the rule below: a client that gives up on it is not the cause
    closed_on_half_close,
    client_stopped_reading,
    capture_cut_short,
    never_ends,  # before the rules below: a client that gives up on it is not the cause
    client_timeout_too_short,
    stall_given_up,
    client_abort,
    response_not_drained,
    pipelining_broken,
    nat_idle_reset,
    lb_idle_reset,
    middlebox_injected_reset,
    early_response_reset,
    client_stall,  # before the rule below: a server that may not send is silent as well
    stream_idle_timeout,
    server_crash_mid_stream,
    stale_connection_reuse,
    server_max_requests_close,
    server_max_age_close,
    server_reload_close,
    close_unannounced_after_response,
    idle_close_by_reset,
    keepalive_idle_race,
    close_mid_request,
    reset_mid_request,
    reset_upon_request,
    half_open_connection,
    reset_mid_response,
    response_truncated,
    unexplained,
)
OTHERWISE: OfExchange = unexplained
"""What is said where a rule fails, if it is among those that are asked."""

ENDED_BY_CLOSE: tuple[OfExchange, ...] = (truncated_eof_delimited,)
"""For a body without length that an orderly close ended."""

ANSWERED: tuple[OfExchange, ...] = (
    unsolicited_408,
    body_longer_than_declared,
    connection_close_ignored,
    proxy_connect_failure,
    renegotiation_or_postauth_stall,
    upload_paused,
    body_taken_for_a_request,  # before the rule below: what a server does not read it answers early
    early_response_reset,
    early_response_stall,
    upload_abandoned,
    gateway_upstream_race,
    truncated_eof_delimited,
)
LEFT_ON_STATUS: tuple[OfExchange, ...] = (
    unsolicited_408,
    never_read_408,
    connection_close_ignored,
    proxy_connect_failure,
    renegotiation_or_postauth_stall,
    gateway_upstream_race,
)
"""For an exchange whose client left when it had the status of an error: the rules about statuses go on."""

STILL_OPEN: tuple[OfExchange, ...] = (nat_idle_drop, window_scale_stripped, mtu_blackhole)
"""For an exchange that was open when the capture ended, on a connection without a close or a hole."""

UNSEEN: tuple[OfExchange, ...] = (capture_artifact, *STILL_OPEN)
"""For an exchange whose end is not in the capture."""

# --- streams of HTTP/2 and HTTP/3, which share a connection ---------------------------------------------

ANY_STREAM: tuple[OfExchange, ...] = (
    connection_shared,
    renegotiation_or_postauth_stall,
    late_alert,
    window_scale_stripped,
)
"""Before all others, however the stream ended."""

FAILED_STREAM: tuple[OfExchange, ...] = (
    h2_stream_refused,
    goaway_error,
    goaway_race,
    server_broke_rule,
    response_refused_by_client,
    error_before_the_end,
    h2_malformed_response,
    h2_not_spoken_to_request,
    h2_flow_control_stall,
    nat_idle_drop,
    nat_idle_drop_under_stream,
    mtu_blackhole,
    h2_dead_connection,
    retransmission_loss,
    quic_idle_timeout_reuse,
    quic_nat_rebinding,
    gateway_holds_back,
    stream_idle_timeout,
    deadline_at_server,
    h2_stream_reset,
    stream_cancelled,
    capture_artifact,
    goaway_accepted_not_answered,
    quic_connection_close,
    nat_idle_reset,
    lb_idle_reset,
    half_open_connection,
    half_open_under_stream,
    middlebox_injected_reset,
    h2_close_without_goaway,
    client_left,
    unexplained,
)
ANSWERED_STREAM: tuple[OfExchange, ...] = (
    server_broke_rule,
    response_refused_by_client,
    early_response_stall,
    early_response_closed,
    h2_malformed_response,
)
OPEN_STREAM: tuple[OfExchange, ...] = (
    h2_not_spoken_to_request,
    nat_idle_drop,
    nat_idle_drop_under_stream,
    mtu_blackhole,
    h2_dead_connection,
    quic_idle_timeout_reuse,
)
UNSEEN_STREAM: tuple[OfExchange, ...] = (h2_not_spoken_to_request, capture_artifact, mtu_blackhole)

WEBSOCKET: tuple[OfExchange, ...] = (
    connection_shared,
    late_alert,
    capture_artifact,
    websocket_ping_timeout,
    websocket_close_code,
    websocket_abnormal_close,
)
"""For WebSockets that did not end in order."""

# --- what only many exchanges or connections show -------------------------------------------------------

LATE_OPENING: tuple[OfConnection, ...] = (port_reuse_time_wait, accept_queue_overflow, ecn_or_dscp_blackhole)
"""For connections that were established late, and then used."""

MANY_CONNECTIONS: tuple[OfAll, ...] = (
    nagle_delayed_ack,
    resumption_failure,
    tls_version_or_cipher_by_backend,
    ocsp_or_crl_delay,
    bad_record_mac,
)
COMPLETE: tuple[OfAnswered, ...] = (
    # What a message itself contradicts comes first, then what the server says by its status, then what was
    # only slow.
    misread_responses,
    websocket_upgrade_refused,
    client_bug_request,
    refused_clear_text,
    answers_shifted,
    answers_to_bodies,
    responses_to_nothing,
    swapped_identifiers,
    event_stream_error,
    stream_ended_in_silence,
    event_stream_unfinished,
    held_until_the_end,
    calls_ended_by_goaway,
    grpc_status,
    grpc_bad_messages,
    early_data_rejected,
    client_certificate_rejected,
    misdirected_421,
    sni_host_mismatch,
    redirect_changed_request,
    body_too_slow,
    header_growth_431,
    content_too_large_413,
    waf_block,
    rate_limited,
    auth_expired_mid_run,
    proxys_own_answer,
    gateway_timeout,
    overload_5xx,
    grpc_no_status,
    read_after_write_miss,
    redirect_loop,
    waited_for_continue,
    closed_windows,
    resent_requests,
    slow_first_byte,
    slow_body,
    response_not_taken,
    stale_or_poisoned_cache,
)
COMPLETE_AND_PLAIN: tuple[OfAnswered, ...] = (
    swapped_identifiers,
    response_not_taken,
    stale_or_poisoned_cache,
)
"""Those of them that look at exchanges in which nothing by itself is worth a look."""

MANY_EXCHANGES: tuple[OfAll, ...] = (
    sick_backend,
    goaway_between_streams,
    complaints_between_streams,
    h2_tcp_hol_blocking,
    slow_start_after_idle,
    held_windows,
)
"""After the rules about complete exchanges."""

LOOKUPS: tuple[OfAll, ...] = (dns_slow_5s, dns_search_domain, dns_failure, dns_stale_or_split)
"""Where the capture holds questions to name servers."""

RETRIES: tuple[OfAll, ...] = (hidden_retry,)

REMARKS: tuple[Remark, ...] = (
    keepalive_hint_ignored,
    suspend_resume,
    close_without_close_notify,
    no_keepalive_churn,
    h2_concurrency_queue,
    path_change,
)
"""Beside failures of the same server: what did not cause them, and is worth knowing all the same."""
