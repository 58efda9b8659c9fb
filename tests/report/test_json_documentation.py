"""docs/report.md names every field of the JSON report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plainwire.model import Coverage, ProgramConnection, ServerFacts
from plainwire.report import json as encoder
from tests.diagnose.wire import SERVER_END
from tests.report.samples import failing, healthy, report, rich

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def keys(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return set(value).union(*(keys(inner) for inner in value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_every_key_of_the_report_is_explained() -> None:
    connection = rich(failing())
    connection.program = ProgramConnection(1, 1, "python3", "libssl.so.3")
    whole = report(healthy(), connection, coverage=Coverage(undecrypted=[(3, "no secrets")]))
    whole.servers.append(ServerFacts(SERVER_END))
    page = PAGE.read_text("utf-8")
    used = keys(json.loads(encoder.encode(whole)))
    assert {"via", "tunnels", "websocket", "grpc", "content"} <= used
    assert not {key for key in used if f'"{key}"' not in page and f"`{key}`" not in page}
