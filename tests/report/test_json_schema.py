"""The published schema of the JSON report, docs/report.schema.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from plainwire import reading
from plainwire.case import Case
from plainwire.model import Coverage, ProgramConnection, Report, ServerFacts
from plainwire.report import json as encoder
from tests.diagnose.wire import SERVER_END
from tests.export import case
from tests.needs import without
from tests.report.samples import failing, healthy, report, rich, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
FIELD = Path(__file__).resolve().parents[3] / "shared" / "field"


def closed(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same schema, which knows no other keys than those that it names."""
    if isinstance(part, list):
        return [closed(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    made = {key: closed(inner) for key, inner in part.items()}
    return made | ({"additionalProperties": False} if "required" in made and "properties" in made else {})


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema))


def faults(made: Report) -> list[str]:
    """What of a report the schema does not allow, or does not name."""
    return faults_of(json.loads(encoder.encode(made)))


def faults_of(encoded: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """The same of one that was written."""
    return [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validator().iter_errors(encoded)]


def test_a_report_with_everything_is_as_the_schema_says() -> None:
    connection = rich(failing())
    connection.program = ProgramConnection(1, 1, "python3", "libssl.so.3")
    whole = with_settings(report(healthy(), connection, coverage=Coverage(undecrypted=[(3, "no secrets")])))
    whole.servers.append(ServerFacts(SERVER_END))
    assert not faults(whole)


def test_so_is_one_of_captured_traffic(tmp_path: Path) -> None:
    made = case.report(tmp_path)
    assert made.findings
    assert not faults(made)


def test_what_it_does_not_name_is_noticed() -> None:
    encoded = json.loads(encoder.encode(report(healthy())))
    encoded["connections"][0]["closes"] = [{"kind": "handshake"}]
    encoded["more"] = 1
    paths = {tuple(error.path) for error in validator().iter_errors(encoded)}
    assert paths == {(), ("connections", 0, "closes", 0), ("connections", 0, "closes", 0, "kind")}


def recorded() -> Iterator[Path]:
    """Every fourth case that was recorded with its program, where such are beside the project."""
    found = sorted(path.parent for path in FIELD.glob("*/program.jsonl"))
    yield from (folder for folder in found[::4] if (folder / "capture.pcapng").exists())


def test_so_are_reports_of_recorded_cases() -> None:
    folders = [*recorded()]
    if not folders:
        without(f"no recorded cases at {FIELD}", part_of_the_judgement=False)
    for folder in folders:
        keys = [folder / "keys.log"] if (folder / "keys.log").exists() else []
        assert not faults(reading.analyze(Case(folder), keys)), folder.name


@pytest.mark.parametrize("name", ["connections", "exchanges", "findings", "signs", "servers"])
def test_every_part_of_a_report_is_described_item_by_item(name: str) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    reference = schema["properties"][name]["items"]["$ref"].removeprefix("#/$defs/")
    assert schema["$defs"][reference]["required"]
