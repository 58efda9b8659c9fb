"""The JSON report: one line of valid UTF-8 that keeps secrets and says null where nothing is known."""

from __future__ import annotations

import json
from typing import Any

from plainwire.model import Gap, Response
from plainwire.report import json as encoder
from plainwire.report.redact import HIDDEN
from tests.diagnose.wire import SERVER
from tests.report.samples import HOSTILE, failing, healthy, report, with_settings


def encoded(*connections: Any) -> dict[str, Any]:  # noqa: ANN401 - what report() takes
    whole: dict[str, Any] = json.loads(encoder.encode(report(*connections)))
    return whole


def test_it_is_one_line_of_utf_8() -> None:
    text = encoder.encode(report(healthy(), failing()))
    assert b"\n" not in text
    text.decode("utf-8")


def test_its_parts_are_there_and_refer_to_each_other() -> None:
    whole = encoded(healthy(), failing())
    assert whole["schema"] == 1
    ids = {exchange["id"] for exchange in whole["exchanges"]}
    connections = {connection["id"] for connection in whole["connections"]}
    assert whole["findings"]
    for finding in whole["findings"]:
        assert set(finding["exchanges"]) <= ids
        assert set(finding["connections"]) <= connections
        assert {evidence["packet"] for evidence in finding["evidence"]} == set(finding["packets"])
    assert {exchange["connection"] for exchange in whole["exchanges"]} == connections


def test_passwords_tokens_and_cookies_are_hidden_and_their_names_stay() -> None:
    text = encoder.encode(report(failing()))
    assert b"hunter2" not in text
    request = json.loads(text)["exchanges"][1]["request"]
    assert ["Authorization", f"Bearer {HIDDEN}"] in [list(pair) for pair in request["headers"]]
    assert request["target"] == HOSTILE.replace("hunter2", HIDDEN)


def test_hostile_text_is_kept_as_it_was_for_programs_to_read() -> None:
    request = encoded(failing())["exchanges"][1]["request"]
    assert "\x1b]0;owned\x07" in dict(request["headers"])["X-<script>"]


def test_what_is_not_known_is_null() -> None:
    whole = encoded(failing())
    unanswered = whole["exchanges"][1]
    assert (unanswered["response"], unanswered["stream"]) == (None, None)
    assert whole["exchanges"][0]["idle_before"] is None
    assert whole["connections"][0]["program"] is None


def test_times_are_seconds_and_sides_are_words() -> None:
    connection = failing()
    connection.gaps.append(Gap(SERVER, 10, 5, packet=3))
    (shown,) = encoded(connection)["connections"]
    assert shown["opened"] == connection.opened_ns / 1e9
    assert (shown["closed_by"], shown["close"]) == ("server", "rst")
    assert shown["gaps"] == [{"side": "server", "offset": 10, "length": 5, "packet": 3}]


def test_what_is_rare_stands_only_where_it_is() -> None:
    connection = healthy()
    first, second = connection.exchanges
    first.interim = [Response(103, "Early Hints", "HTTP/1.1", [("Set-Cookie", "a=hunter2")], 0, 9)]
    assert second.request
    second.request.trailers = [("X-Auth-Token", "hunter2")]
    second.request.defects = ["spaces in the request target"]
    shown = encoded(connection)["exchanges"]
    assert [r["status"] for r in shown[0]["interim"]] == [103]
    assert "interim" not in shown[1]
    assert "defects" not in shown[0]["request"]
    assert shown[1]["request"]["defects"] == ["spaces in the request target"]
    assert shown[1]["request"]["trailers"] == [["X-Auth-Token", HIDDEN]]
    assert "hunter2" not in json.dumps(shown)


def test_settings_stand_in_the_advice_and_by_themselves() -> None:
    made = with_settings(report(failing()))
    made.findings[0].advice_client = "Retry once."
    finding = json.loads(encoder.encode(made))["findings"][0]
    assert finding["advice"]["client"] == "Retry once. curl: curl --retry 3 (default: 0)."
    assert finding["advice"]["server"].endswith("nginx: keepalive_timeout 91s; (default: 75 s).")
    assert [(s["side"], s["product"], s["need"], s["source"]) for s in finding["settings"]] == [
        ("client", "curl", "retries", "curl(1), --retry"),
        ("server", "nginx", "idle limit", "https://nginx.org/en/docs/"),
    ]
