"""The server, driven by the SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from plainwire.mcp.server import MOST_CASES, Cases, cases_in, runs
from tests.cli import plain_capture
from tests.cli.test_job import FORGIVING, closing_server
from tests.needs import needs
from tests.users import USER, as_sudo, home, open_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ask = Callable[..., Awaitable[dict[str, Any]]]

__all__ = ["as_sudo", "home", "open_folder"]


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


@pytest.mark.parametrize("stay", [False, True])
def test_cases_last_as_long_as_the_server_unless_they_are_to_stay(tmp_path: Path, stay: bool) -> None:  # noqa: FBT001 - a parameter of the test
    needs("root")

    async def do(_session: ClientSession, ask: Ask) -> list[Path]:
        ran = [await ask("run", command=["true"]) for _ in range(2)]
        cases = [Path(answer["path"]) for answer in ran]
        assert len({*cases}) == 2
        assert all((case / "capture.pcapng").exists() for case in cases)
        assert ran[0]["path_lasts"].startswith("it stays" if stay else "until the server ends")
        return cases

    cases = talk(do, *(["--cases", str(tmp_path / "cases")] if stay else []))
    assert [case.exists() for case in cases] == [stay, stay]
    if stay:
        assert {case.parent for case in cases} == {tmp_path / "cases"}


@pytest.mark.usefixtures("as_sudo")
@pytest.mark.parametrize("stay", [False, True])
def test_under_sudo_programs_are_run_and_their_cases_are_the_users(home: Path, stay: bool) -> None:  # noqa: FBT001 - as above
    with cases_in(home / "cases" if stay else None) as cases:
        answer = runs(cases)(["true"])
        assert answer["exit_status"] == 0
        made = Path(answer["path"])
        assert (made / "capture.pcapng").exists()
        assert {made.stat().st_uid, made.parent.stat().st_uid} == {USER}
    assert made.exists() == stay


def test_of_many_runs_the_last_cases_are_kept(tmp_path: Path) -> None:
    cases = Cases(tmp_path, stay=False)
    made = [cases.new() for _ in range(MOST_CASES + 2)]
    assert [case.exists() for case in made] == [False] * 2 + [True] * MOST_CASES


def test_a_signal_that_ends_the_server_removes_them(tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "from plainwire.mcp.server import cases_in\n"
        "with cases_in(None) as cases:\n"
        "    print(cases.new(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    signal.pause()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGTERM
    assert str(tmp_path) in done.stdout
    assert not list(tmp_path.iterdir())


def test_without_the_right_to_run_there_is_no_such_tool() -> None:
    async def do(session: ClientSession, _ask: Ask) -> set[str]:
        return {tool.name for tool in (await session.list_tools()).tools}

    assert "run" not in talk(do, "--no-run")
