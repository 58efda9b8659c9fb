"""The server, driven by the SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from tests.cli import plain_capture
from tests.cli.test_job import FORGIVING, closing_server
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Ask = Callable[..., Awaitable[dict[str, Any]]]


def talk(do: Callable[[ClientSession, Ask], Awaitable[Any]], *options: str) -> Any:  # noqa: ANN401 - of any test
    async def talking() -> Any:  # noqa: ANN401 - as above
        parameters = StdioServerParameters(command=sys.executable, args=["-m", "plainwire", "mcp", *options])
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()

            async def ask(tool: str, **arguments: object) -> dict[str, Any]:
                result = await session.call_tool(tool, arguments)
                assert not result.is_error, result.content
                found: dict[str, Any] | None = result.structured_content
                assert found is not None
                return found

            return await do(session, ask)

    return asyncio.run(talking())


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return plain_capture.write(tmp_path / "failing.pcap")


def test_an_agent_finds_out_what_happened(capture: Path) -> None:
    async def do(session: ClientSession, ask: Ask) -> None:
        tools = await session.list_tools()
        assert {tool.name for tool in tools.tools} == {
            "run", "analyze", "findings", "exchange", "explain", "compare",
        }  # fmt: skip
        answer = await ask("analyze", path=str(capture))
        assert answer["headline"] == "plainwire: 1 of 2 requests failed; 1 finding."
        (brief,) = answer["findings"]
        assert (brief["code"], brief["blame"]) == ("reset-mid-request", "server")
        assert brief["deciding_packets"] == [6, 7]
        (full,) = (await ask("findings", path=str(capture), code=brief["code"]))["findings"]
        assert full["ruled_out"].startswith("keepalive-idle-race: refuted")
        assert full["certainty"]["grade"] in {"proved", "likely"}
        assert any(line.startswith("packet 7: RST") for line in full["evidence"])
        shown = await ask("exchange", path=str(capture), number=brief["exchanges"][0])
        assert "> POST /upload HTTP/1.1" in shown["text"]
        told = await ask("explain", code_or_words=brief["code"])
        assert told["code"] == brief["code"]
        assert told["refuted_by"]
        behind = await ask("explain", code_or_words="RemoteDisconnected")
        assert "close-mid-request" in behind["may_be_behind"]
        beside = await ask("compare", a=str(capture), b=str(capture))
        assert "the same traffic at two places" in beside["text"]

    talk(do)


def test_no_secret_is_told_by_any_tool(capture: Path) -> None:
    async def do(_session: ClientSession, ask: Ask) -> list[dict[str, Any]]:
        path = str(capture)
        answers = [await ask("exchange", path=path, number=number) for number in (1, 2)]
        answers += [await ask("analyze", path=path), await ask("findings", path=path)]
        return [*answers, await ask("compare", a=path, b=path)]

    assert "hunter2" not in json.dumps(talk(do))


def test_what_is_not_there_is_one_sentence(capture: Path, tmp_path: Path) -> None:
    async def do(_session: ClientSession, ask: Ask) -> list[dict[str, Any]]:
        return [
            await ask("exchange", path=str(capture), number=9),
            await ask("findings", path=str(capture), code="mtu-blackhole"),
            await ask("analyze", path=str(tmp_path / "nowhere")),
            await ask("explain", code_or_words="keepalive-idle-rice"),
        ]

    answers = talk(do)
    assert answers[0] == {"error": "no exchange 9; there are 2"}
    assert answers[1] == {"error": "no finding mtu-blackhole; there are: reset-mid-request"}
    assert "nowhere" in answers[2]["error"]
    assert "keepalive-idle-race" in answers[3]["error"]


def test_it_runs_a_program_and_tells_what_it_did_on_the_network() -> None:
    needs("root")

    async def do(_session: ClientSession, ask: Ask) -> dict[str, Any]:
        with closing_server() as port:
            script = f"{FORGIVING.format(port=port)}\nprint('Authorization: Bearer hunter2hunter2')"
            return await ask("run", command=[sys.executable, "-c", script])

    answer = talk(do)
    assert (answer["exit_status"], answer["ended_in_time"]) == (0, True)
    assert [finding["code"] for finding in answer["findings"]] == ["close-mid-request"]
    assert "Authorization" in answer["output"]
    assert "hunter2" not in answer["output"]


def test_a_program_that_does_not_end_is_ended() -> None:
    needs("root")

    async def do(_session: ClientSession, ask: Ask) -> dict[str, Any]:
        return await ask("run", command=["sleep", "600"], timeout_seconds=2)

    answer = talk(do)
    assert answer["ended_in_time"] is False


def test_without_the_right_to_run_there_is_no_such_tool() -> None:
    async def do(session: ClientSession, _ask: Ask) -> set[str]:
        return {tool.name for tool in (await session.list_tools()).tools}

    assert "run" not in talk(do, "--no-run")
