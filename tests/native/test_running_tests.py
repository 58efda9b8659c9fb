"""The test that runs, as the interposer has it from setenv(3), and what it keeps of reports of tests."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.native.conftest import noted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

TALKS = """
    #include <arpa/inet.h>
    #include <stdlib.h>
    #include <sys/socket.h>
    #include <unistd.h>
    static void talk(const char *port)
    {
        struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        peer.sin_port = htons((unsigned short)atoi(port));
        int s = socket(AF_INET, SOCK_STREAM, 0);
        connect(s, (struct sockaddr *)&peer, sizeof peer);
        close(s);
    }
    int main(int count, char **words)
    {
        static char entry[] = "PYTEST_CURRENT_TEST=c.py::third (call)";
        setenv("PYTEST_CURRENT_TEST", "a.py::no_network (call)", 1);
        setenv("PYTEST_CURRENT_TEST", words[2], 1);
        talk(words[1]);
        setenv("ANOTHER", "x", 1);
        putenv(entry);
        unsetenv("PYTEST_CURRENT_TEST");
        talk(words[1]);
        return count == 3 ? 0 : 1;
    }
"""


@pytest.fixture
def port() -> object:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def names(folder: Path) -> list[str]:
    told = noted(folder, "test")
    return [event["name"].encode("latin-1").decode() for event in told]


def test_tests_are_told_from_the_first_that_uses_the_network(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path, port: str
) -> None:
    done = preloaded(compiled("talks", TALKS), port, "b.py::tést[1] (call)")
    assert done.returncode == 0
    assert names(tmp_path) == ["b.py::tést[1] (call)", "c.py::third (call)", ""]
    order = [event["event"] for event in noted(tmp_path, "process", "test", "connect", "close")]
    assert order == ["process", "test", "connect", "close", "test", "test", "connect", "close"]


def test_a_program_that_a_test_starts_is_the_tests(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path, port: str
) -> None:
    program = compiled("talks", TALKS.replace('setenv("PYTEST', 'setenv("OTHER'))
    preloaded(program, port, "", PYTEST_CURRENT_TEST="d.py::starts (setup)")
    assert names(tmp_path)[0] == "d.py::starts (setup)"


def test_a_very_long_name_is_cut(compiled: Compile, preloaded: Preloaded, tmp_path: Path, port: str) -> None:
    done = preloaded(compiled("talks", TALKS), port, "e.py::" + "x" * 3000)
    assert done.returncode == 0
    assert names(tmp_path)[0] == ("e.py::" + "x" * 3000)[:400]


PRINTS = """
    #include <string.h>
    #include <unistd.h>
    int main(int count, char **words)
    {
        for (int i = 1; i < count; i++)
            write(1, words[i], strlen(words[i]));
    }
"""


def test_of_standard_output_what_names_a_failed_test_is_kept_with_its_titles(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    lines = [
        "  2 failing\n",
        "  1) things\n",
        "       inner\n",
        "         goes bad:\n",
        "     x\n",
        "  3 passing\n",
    ]
    preloaded(compiled("prints", PRINTS), *lines)
    assert [event["text"] for event in noted(tmp_path, "stdout")] == lines[1:5]


@pytest.mark.parametrize("text", ["1) a list\n", "   12 monkeys\n", " 1234567) x\n", "  1)\n", os.linesep])
def test_other_lists_are_not(compiled: Compile, preloaded: Preloaded, tmp_path: Path, text: str) -> None:
    preloaded(compiled("prints", PRINTS), text)
    assert noted(tmp_path, "stdout") == []
