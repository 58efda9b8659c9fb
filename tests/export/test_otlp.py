"""OTLP, as OpenTelemetry's own definitions read it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from plainwire.export import otlp
from tests.export.case import SPAN, TRACE

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from plainwire.model import Report

_IDS = ("traceId", "spanId", "parentSpanId")


def parsed(report: Report) -> ExportTraceServiceRequest:
    """Ids are hexadecimal in OTLP, and base64 in Protocol Buffers' JSON; unknown fields are errors."""
    whole = json.loads(otlp.encode(report, "1.2.3"), object_hook=_with_base64_ids)
    found: ExportTraceServiceRequest = json_format.ParseDict(whole, ExportTraceServiceRequest())
    return found


def _with_base64_ids(values: dict[str, Any]) -> dict[str, Any]:
    ids = {name: base64.b64encode(bytes.fromhex(values[name])).decode() for name in _IDS if name in values}
    return {**values, **ids}


def spans(report: Report) -> list[Span]:
    return list(parsed(report).resource_spans[0].scope_spans[0].spans)


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: each.value.int_value or each.value.string_value for each in span.attributes}


def attempts(report: Report) -> list[Span]:
    return [span for span in spans(report) if span.kind == 3]


def test_each_attempt_is_a_client_span_by_the_conventions(report: Report) -> None:
    first, failed, again = attempts(report)
    assert [span.name for span in (first, failed, again)] == ["GET", "PUT", "PUT"]
    told = attributes(first)
    assert told["http.response.status_code"] == 200
    assert told["url.full"] == "https://storage.example/object?token=[redacted]&page=2"
    assert (told["server.address"], told["network.protocol.version"]) == ("storage.example", "1.1")
    assert attributes(failed)["error.type"] == "reset-mid-request"
    assert failed.status.code == 2
    assert attributes(again)["http.request.resend_count"] == 1


def test_a_request_takes_its_place_in_the_trace_of_its_program(report: Report) -> None:
    first, failed, _ = attempts(report)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, SPAN)
    assert failed.parent_span_id == b""


def test_links_lead_to_spans_that_are_there(report: Report) -> None:
    known = {(span.trace_id, span.span_id) for span in spans(report)}
    assert len(known) == len(spans(report))
    for span in attempts(report):
        assert {(link.trace_id, link.span_id) for link in span.links} <= known


def test_times_are_those_of_the_packets(report: Report) -> None:
    request, response = report.exchanges[0].request, report.exchanges[0].response
    assert request is not None
    assert response is not None
    span = attempts(report)[0]
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (request.time_ns, response.last_ns)


def test_secrets_are_hidden(report: Report) -> None:
    assert b"hunter2" not in otlp.encode(report, "1.2.3")
