"""The table of exchanges, and one in full."""

from __future__ import annotations

from plainwire.report import table
from tests.report.samples import failing, healthy, report, rich


def test_each_exchange_is_one_line_with_its_outcome_and_the_code_of_its_finding() -> None:
    lines = table.exchanges(report(healthy(), failing("/object"))).splitlines()
    assert len(lines) == 5
    assert lines[0].split()[:2] == ["id", "conn"]
    assert lines[1].split()[0] == "1"
    assert lines[1].endswith("complete")
    assert lines[4].endswith("unanswered (reset-mid-request)")


def test_on_a_narrow_terminal_what_says_least_is_left_out_first() -> None:
    whole = report(healthy(), failing("/object/with/a/long/name/that/goes/on"))
    full = table.exchanges(whole)
    widest = max(map(len, full.splitlines()))
    assert table.exchanges(whole, width=widest) == full
    kept = {width: table.exchanges(whole, width=width).splitlines() for width in (100, 80, 76)}
    assert [max(map(len, lines)) <= width for width, lines in kept.items()] == [True] * 3
    assert "host" in full.split("\n")[0].split()
    assert kept[100][0].split()[:5] == ["id", "conn", "time", "(UTC)", "method"]
    assert kept[80][4].endswith("reset-mid-request")
    assert kept[76][0].split()[0] == "id"
    assert "…" in kept[76][4]


def test_an_exchange_in_full_wraps_its_finding_where_a_width_is_given() -> None:
    whole = report(failing("/object"))
    whole.findings[0].claim = "word " * 60
    text = str(table.exchange(whole, 11, width=80))
    assert max(map(len, text.partition("Finding:")[2].splitlines())) <= 80
    assert "word " * 59 in str(table.exchange(whole, 11))


def test_an_exchange_in_full_names_headers_packets_connection_and_findings() -> None:
    text = table.exchange(report(failing("/object")), 11)
    assert text is not None
    assert "> GET /object HTTP/1.1" in text
    assert "packet 102; " in text
    assert "packet 103: rst from the server, Seq=201, Ack=199" in text
    assert "Finding: reset-mid-request (likely)" in text


def test_there_is_nothing_to_show_of_an_exchange_that_does_not_exist() -> None:
    assert table.exchange(report(healthy()), 99) is None


def test_secrets_and_control_characters_are_not_shown() -> None:
    whole = report(failing())
    for text in (table.exchanges(whole), *(table.exchange(whole, number) for number in (10, 11))):
        assert text is not None
        assert "hunter2" not in text
        assert all(line.isprintable() for line in text.splitlines())


def test_a_body_is_shown_only_when_asked_for_and_escaped() -> None:
    connection = failing("/object")
    request = connection.exchanges[1].request
    assert request is not None
    request.body = b"line 1\r\n\x1b[2J\xff"
    whole = report(connection)
    assert "line 1" not in str(table.exchange(whole, 11))
    text = str(table.exchange(whole, 11, body=True))
    assert "  | line 1\n  | \\x1b[2J\\\\xff" in text


def test_spans_have_the_unit_that_suits_them() -> None:
    assert [table.span(n) for n in (None, 420_000, 81_000_000, 1_024_000_000)] == [
        "-",
        "0.42ms",
        "81ms",
        "1.024s",
    ]


def test_an_exchange_shows_what_only_some_have_and_none_of_it_reaches_the_terminal_raw() -> None:
    whole = report(rich(failing()))
    text = "\n".join(table.exchange(whole, e.id) or "" for e in whole.exchanges)
    for word in (
        "WebSocket",
        "gRPC",
        "SOCKS 5",
        "stream reset",
        "goaway",
        "host unreachable",
        "corrupt gzip",
        "tunnel",
    ):
        assert word in text
    assert not [c for c in text if not c.isprintable() and c != "\n"]
