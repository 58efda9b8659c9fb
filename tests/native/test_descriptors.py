"""What is known of connections whatever the program does to its descriptors and rights."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from attack.programs import SOURCES

from tests.native.conftest import noted
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded


@pytest.mark.parametrize("acts", ["r", "u", "c", "rcu", "uc", "ruc"])
def test_connection_is_told_after_all_rights_are_gone(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path, acts: str
) -> None:
    """Root, user and descriptors given up in any order; nothing is there to open the files with."""
    needs("root")
    tmp_path.chmod(0o700)
    program = compiled("surrender", (SOURCES / "surrender.c").read_text(), f"-I{SOURCES}")
    assert preloaded(program, acts).returncode == 0
    assert [(event["call"], event["peer"]) for event in noted(tmp_path, "error")] == [
        ("connect", "127.0.0.1:1")
    ]


def test_connections_are_told_with_eight_descriptors(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled("few", (SOURCES / "few_descriptors.c").read_text(), f"-I{SOURCES}")
    preloaded(program)
    assert len(noted(tmp_path, "error")) == 3


def test_copies_of_a_connection_are_known(compiled: Compile, preloaded: Preloaded, tmp_path: Path) -> None:
    program = compiled(
        "copies",
        """
        #include <arpa/inet.h>
        #include <fcntl.h>
        #include <netinet/in.h>
        #include <signal.h>
        #include <unistd.h>
        int main(void)
        {
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            socklen_t length = sizeof address;
            int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
            signal(SIGPIPE, SIG_IGN);
            bind(listener, (void *)&address, length);
            listen(listener, 1);
            getsockname(listener, (void *)&address, &length);
            connect(client, (void *)&address, length);
            int server = accept(listener, NULL, NULL);
            struct linger hard = {1, 0};
            setsockopt(server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            int first = dup(client), second = dup2(first, 77), third = fcntl(second, F_DUPFD_CLOEXEC, 100);
            int fourth = dup3(third, 200, O_CLOEXEC);
            close(server);
            read(fourth, &length, 1);
            write(third, "x", 1);
            dup2(client, 2);
            write(2, "no words\\n", 9);
        }
        """,
    )
    preloaded(program)
    calls = [(event["call"], event["errno"]) for event in noted(tmp_path, "error")]
    assert calls == [("read", 104), ("write", 32), ("write", 32)]
    assert noted(tmp_path, "stderr") == []


def test_words_into_an_inherited_connection_are_none(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    """As an inetd starts its servers."""
    program = compiled("speaks", '#include <unistd.h>\nint main(void) { write(2, "on the wire\\n", 12); }\n')
    serve = f"""
import socket, subprocess, threading
with socket.create_server(("127.0.0.1", 0)) as listener:
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    subprocess.run([{str(program)!r}], stderr=server, check=True)
    print(client.recv(100))
"""
    assert preloaded("python3", "-c", serve).stdout == "b'on the wire\\n'\n"
    assert noted(tmp_path, "stderr") == []


def test_descriptors_of_ours_are_not_there_for_the_program(compiled: Compile, preloaded: Preloaded) -> None:
    """What it closes was not open, and what it wants for itself it gets."""
    for name in ("closing", "numbers"):
        program = compiled(name, (SOURCES / f"{name}.c").read_text(), f"-I{SOURCES}")
        alone = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
        assert preloaded(program).stdout == alone.stdout
