from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from plainwire.model import UserError
from plainwire.recorder.metrics import Metric, MetricsServer


def test_metrics_are_in_the_text_format_of_prometheus() -> None:
    told = [
        Metric("findings_total", "counter", "Findings.", {'code="a"': 2.0, 'code="b-c"': 1.0}),
        Metric("lag_seconds", "gauge", "Lag.", 1.25),
        Metric("none_total", "counter", "Nothing.", {}),
    ]
    server = MetricsServer(0, lambda: told)
    try:
        with urllib.request.urlopen(server.url) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.url.replace("metrics", "other"))
    finally:
        server.close()
    assert text == (
        "# HELP plainwire_findings_total Findings.\n"
        "# TYPE plainwire_findings_total counter\n"
        'plainwire_findings_total{code="a"} 2\n'
        'plainwire_findings_total{code="b-c"} 1\n'
        "# HELP plainwire_lag_seconds Lag.\n"
        "# TYPE plainwire_lag_seconds gauge\n"
        "plainwire_lag_seconds 1.25\n"
        "# HELP plainwire_none_total Nothing.\n"
        "# TYPE plainwire_none_total counter\n"
    )


def test_a_port_that_is_taken_is_misuse() -> None:
    server = MetricsServer(0, list)
    try:
        port = int(server.url.split(":")[2].split("/")[0])
        with pytest.raises(UserError, match=f"port {port} for --metrics"):
            MetricsServer(port, list)
    finally:
        server.close()
