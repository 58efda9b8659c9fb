"""Play one scenario from start to end, in a process made for it.

    player (this process) --+-- http1_server          in the server's namespace, if there is a path
                            +-- middlebox             between the two
                            +-- plainwire run -- client      in the client's namespace

A process that enters a namespace stays there and its children with it, so the order of starting is
all that the set-up consists of. Every child ends with this process, and this one with its parent.

The folder holds, when all is over: ``case/`` (plainwire's own), ``server.jsonl`` (what the server
did), ``client.log`` (what the client said) and the certificates.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from plainwire.case import Case
from plainwire.lab import certificates, namespaces, scenarios
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.lab.route import Route
    from plainwire.lab.scenario import Scenario

LOOPBACK = "127.0.0.1"
CLIENT_ADDRESS, SERVER_ADDRESS = "10.78.0.1", "10.78.0.2"  # seen nowhere outside the namespaces
NOT_POSSIBLE = 2
"""This process's exit status where this machine cannot play the scenario."""
LIFETIME = 60
"""Seconds after which a play is broken off, whatever hangs."""


class PlayFiles(Struct, frozen=True):
    """The files of one play."""

    folder: Path

    @property
    def case(self) -> Case:
        """What ``plainwire run`` leaves."""
        return Case(self.folder / "case")

    @property
    def server_log(self) -> Path:
        """The truth, as ``http1_server`` writes it."""
        return self.folder / "server.jsonl"

    @property
    def server_keys(self) -> Path:
        """The server's own key log: for clients whose TLS library plainwire cannot listen to."""
        return self.folder / "server.keys"

    @property
    def client_keys(self) -> Path:
        """What a client writes itself."""
        return self.folder / "client.keys"

    @property
    def path_log(self) -> Path:
        """What happened on the way, as ``middlebox`` writes it; absent where loopback is the path."""
        return self.folder / "path.jsonl"

    @property
    def client_log(self) -> Path:
        """The client's standard output."""
        return self.folder / "client.log"


def play(
    scenario: Scenario, stage: PlayFiles, program: Sequence[str] = (), options: Sequence[str] = ()
) -> None:
    """Play it; afterwards ``stage`` holds the files. UserError where this machine cannot do it.

    ``program``: the command line of another client in place of the scenario's own script; it gets the
    same arguments. ``options``: of ``plainwire run``.
    """
    _demand(scenario.packages)
    address = SERVER_ADDRESS if scenario.route is not None else LOOPBACK
    issued = certificates.make(stage.folder, (address,))
    with contextlib.ExitStack() as children:
        server_tun = _enter_server_network(scenario)
        server = children.enter_context(
            _child(
                scenario.server_module,
                *(address, issued.chain, issued.key, stage.server_log, stage.server_keys),
                scenario.server.to_json(),
            )
        )
        if server_tun is not None and scenario.route is not None:
            children.enter_context(_path_to(server_tun, scenario.route, stage))
        port = _output(server).readline().strip()
        client = [*(program or (sys.executable, str(scenario.script))), address, port, str(issued.authority)]
        keys = stage.client_keys if scenario.writes_keys else None
        _run(_command(stage, [*client, *scenario.client[1:]], options), stage, keys)


def _demand(packages: tuple[str, ...]) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        message = f"this scenario needs the Python package {missing[0]} (pip install {' '.join(missing)})"
        raise UserError(message)


def _enter_server_network(scenario: Scenario) -> int | None:
    """Go where the server shall be, away from all other traffic if that can be had.

    Returns the server's TUN device, or None where loopback is the path.
    """
    far = scenario.route is not None
    reason = namespaces.obstacle(tun=far)
    if reason is None:
        namespaces.enter_new(user=os.geteuid() != 0)
    elif far:
        message = f"{scenario.name} needs two network namespaces joined by TUN devices: {reason}"
        raise UserError(message)
    return namespaces.open_tun("server0", SERVER_ADDRESS) if far else None


@contextlib.contextmanager
def _path_to(server_tun: int, route: Route, stage: PlayFiles) -> Iterator[None]:
    """Go where the client shall be, a network of its own, and join it to the server's."""
    namespaces.enter_new(user=False)
    client_tun = namespaces.open_tun("client0", CLIENT_ADDRESS)
    if route.drop_ecn_syn:
        namespaces.offer_ecn()
    descriptors = (client_tun, server_tun)
    arguments = (*descriptors, LIFETIME, stage.path_log, route.to_json())
    with _child("plainwire.lab.middlebox", *arguments, pass_fds=descriptors):
        for descriptor in descriptors:
            os.close(descriptor)
        yield


@contextlib.contextmanager
def _child(
    module: str, *arguments: object, pass_fds: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A process of the lab. It ends when its standard input does."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
        start_new_session=True,  # Ctrl-C is for the player, which then lets go of its children
    ) as process:
        try:
            yield process
        finally:
            _input(process).close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _input(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None  # noqa: S101  (a pipe was asked for)
    return process.stdin


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
    return process.stdout


def _command(stage: PlayFiles, client: list[str], options: Sequence[str]) -> list[str]:
    run = [sys.executable, "-m", "plainwire", "run", *options]
    return [*run, "-o", str(stage.case.folder), "--", *client]


def _run(command: list[str], stage: PlayFiles, keys: Path | None) -> None:
    """Run the real ``plainwire run``; the client's words go to its log, and all words to standard output.

    ``keys``: the file that SSLKEYLOGFILE shall name for the client.
    """
    _say(f"$ plainwire {shlex.join(command[3:])}")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if keys is not None:
        keys.touch(0o600)
        environment["SSLKEYLOGFILE"] = str(keys)
    with (
        stage.client_log.open("x", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=sys.stdout,
            text=True,
            errors="replace",
            env=environment,
            preexec_fn=namespaces.end_with_parent,  # noqa: PLW1509  (no threads here)
        ) as process,
    ):
        signal.alarm(LIFETIME)
        try:
            for line in _output(process):
                log.write(line)
                _say(line.rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
        finally:
            signal.alarm(0)
    if stage.client_log.stat().st_size == 0 and not stage.case.report_json.exists():
        sys.exit(NOT_POSSIBLE)  # plainwire has said why


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _break_off(signal_number: int, _frame: object) -> None:
    sys.exit(128 + signal_number)


def main() -> None:
    """``play SCENARIO FOLDER [SEED [PROGRAM...]]``: 0 played, 2 not possible here (one line says why)."""
    namespaces.end_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _break_off)
    try:
        name, folder, *more = sys.argv[1:]
        scenario = scenarios.find(name)
        if more:
            scenario = scenario.varied(int(more[0]))
        play(scenario, PlayFiles(Path(folder)), more[1:])
    except UserError as error:
        sys.stderr.write(f"plainwire: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
