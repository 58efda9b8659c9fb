"""What programs do to themselves, and secrets that are there nevertheless; or are lost, and the program
is not.
"""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import interposer
from tests.acquire.conftest import python
from tests.acquire.tls_server import key_lines
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer


@pytest.mark.parametrize(
    ("act", "handshakes"),
    [
        ("nothing", 1),
        ("fork", 4),
        ("execute", 2),
        ("threads", 16),
        ("close_all", 3),
        ("reuse_numbers", 2),
        ("signals", 20),
        ("many_contexts", 2),
    ],
)
def test_no_secret_is_lost(
    run: Run, server13: TlsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: str, handshakes: int
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run(*python("survivor", server13, act))
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")
    assert outcome.keys == server13.secrets()
    assert len(outcome.events.by_client_random) == handshakes


@pytest.mark.parametrize(
    "act", ["lower_privileges", "lower_privileges_and_close", "lower_privileges_then_tls", "change_root"]
)
def test_no_secret_is_lost_with_the_privileges(run: Run, server13: TlsServer, act: str) -> None:
    needs("root")
    outcome = run(*python("survivor", server13, act))
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")
    assert outcome.keys == server13.secrets()


def test_program_that_another_user_starts_anew(run: Run, server13: TlsServer) -> None:
    """Nothing is inherited but the environment: no descriptor, no right to the case folder."""
    needs("root", "setpriv", "curl")
    server13.certificate.parent.chmod(0o700)
    as_nobody = [tool("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    outcome = run(*as_nobody, tool("curl"), "-sSk", server13.url)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "hello\n", "")
    assert outcome.keys == server13.secrets()
    assert len(outcome.events.by_client_random) == 1
    assert stat.S_IMODE(outcome.case.keys.stat().st_mode) == 0o600


def test_python_program_that_gave_up_its_privileges_can_open_its_key_log(
    run: Run, server13: TlsServer
) -> None:
    needs("root")
    outcome = run(*python("survivor", server13, "lower_privileges_and_trust_the_environment"))
    assert (outcome.status, outcome.errors) == (0, "")


@pytest.mark.parametrize("act", ["small_files_only", "no_descriptors_left"])
def test_program_lives_where_its_secrets_cannot_be_written(run: Run, server13: TlsServer, act: str) -> None:
    outcome = run(*python("survivor", server13, act))
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")


def test_full_disk_does_not_reach_the_program(server13: TlsServer, tmp_path: Path) -> None:
    needs("root", "unshare", "mount", "curl")
    library = interposer.compiled()
    assert library, interposer.missing()
    script = f"""
        mount -t tmpfs -o size=16k none '{tmp_path}' && cd '{tmp_path}' || exit 99
        : >keys; : >events; head -c 100000 /dev/zero >filler 2>/dev/null && exit 98
        export LD_PRELOAD='{library}' PLAINWIRE_KEYS='{tmp_path}/keys' PLAINWIRE_EVENTS='{tmp_path}/events'
        exec '{tool("curl")}' -sSk {server13.url}
    """
    command = [tool("unshare"), "--mount", "/bin/sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_own_key_log_callback_is_called_as_well(run: Run, server13: TlsServer, tmp_path: Path) -> None:
    own = tmp_path / "own.log"
    outcome = run(*python("own_key_log", server13, str(own)))
    assert (outcome.status, outcome.errors) == (0, "")
    assert key_lines(own) == outcome.keys == server13.secrets()


def test_existing_key_log_of_the_user_still_gets_its_lines(
    run: Run, server13: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.log"
    own.write_text("# mine\n")
    monkeypatch.setenv("SSLKEYLOGFILE", str(own))
    outcome = run(tool("curl"), "-sSk", server13.url)
    assert outcome.status == 0
    assert own.read_text().startswith("# mine\n")
    assert key_lines(own) == outcome.keys == server13.secrets()
