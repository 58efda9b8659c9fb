"""What all forms say of an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.export.told import Told, moment, url

if TYPE_CHECKING:
    from plainwire.model import Report


def test_urls_are_absolute_and_without_secrets(report: Report) -> None:
    known = Told(report)
    urls = [url(exchange, known.connection(exchange)) for exchange in report.exchanges]
    assert urls == [
        "https://storage.example/object?token=[redacted]&page=2",
        "http://storage.example/doc",
        "http://storage.example/doc",
    ]


def test_a_retry_is_the_next_request_for_the_same_after_a_failure(report: Report) -> None:
    assert [(before.id, after.id) for before, after in Told(report).retried()] == [(2, 3)]


def test_an_error_is_a_code_and_nothing_where_all_went_well(report: Report) -> None:
    known = Told(report)
    assert [known.error(exchange) for exchange in report.exchanges] == [None, "reset-mid-request", None]


def test_times_are_those_of_rfc_3339() -> None:
    assert moment(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"
