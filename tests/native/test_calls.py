"""What the interposer tells of a program's sockets and words, and what the program sees of that: nothing."""

from __future__ import annotations

import errno
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

from tests.native.conftest import noted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

CLIENT = """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <netinet/in.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/socket.h>
    #include <unistd.h>
    int main(int count, char **words)
    {
        char buffer[16];
        struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        peer.sin_port = htons((unsigned short)atoi(words[1]));
        signal(SIGPIPE, SIG_IGN);
        int s = socket(AF_INET, SOCK_STREAM, 0);
        connect(s, (struct sockaddr *)&peer, sizeof peer);
        errno = 4242;
        long first = read(s, buffer, sizeof buffer);
        printf("%ld %d\\n", first, errno);
        long second = send(s, "x", 1, 0);
        printf("%ld %d\\n", second, errno);
        errno = 4242;
        close(s);
        printf("%d %ld\\n", errno, (long)count);
    }
"""


def resetting(listener: socket.socket, times: int) -> threading.Thread:
    """Accept, and reset at once."""

    def serve() -> None:
        for _ in range(times):
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_reset_is_told_with_its_call_and_the_program_sees_the_same(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled("client", CLIENT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        server = resetting(listener, 2)
        port = str(listener.getsockname()[1])
        with_it = preloaded(program, port)
        without = subprocess.run([program, port], capture_output=True, text=True, check=True, timeout=60)
        server.join(60)
    assert with_it.stdout == without.stdout
    assert (with_it.returncode, with_it.stderr) == (0, "")
    errors = [(event["call"], event["errno"]) for event in noted(tmp_path, "error")]
    assert errors == [("read", errno.ECONNRESET), ("send", errno.EPIPE)]
    (connect,) = noted(tmp_path, "connect")
    assert {event["local"] for event in noted(tmp_path, "error", "close")} == {connect["local"]}


def test_close_with_unread_bytes_says_how_many(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled("client", CLIENT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        done = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"x" * 40)
                done.wait(60)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        preloaded(program, str(listener.getsockname()[1]))
        done.set()
        server.join(60)
    assert [event["unread"] for event in noted(tmp_path, "close")] == [24]


DATAGRAMS = """
    import socket, sys
    port = int(sys.argv[1])
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unconnected:
            unconnected.sendto(b"q" * 100, ("127.0.0.1", port))
            unconnected.sendto(b"q" * 1200, ("127.0.0.1", port))
            unconnected.sendmsg([b"q" * 1200], [], 0, ("127.0.0.1", port))
            print(unconnected.getsockname()[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected:
        connected.connect(("127.0.0.1", port))
        connected.send(b"q" * 1200)
        print(connected.getsockname()[1])
"""


def test_whom_a_socket_sends_datagrams_to_is_told_once_where_they_may_begin_a_connection_of_quic(
    preloaded: Preloaded, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        done = preloaded(sys.executable, "-c", textwrap.dedent(DATAGRAMS), str(port))
    assert (done.returncode, done.stderr) == (0, "")
    first, second, connected = done.stdout.split()
    ends = [(event["local"], event["peer"]) for event in noted(tmp_path, "datagram")]
    local = f"0.0.0.0:{first}", f"0.0.0.0:{second}", f"127.0.0.1:{connected}"
    assert ends == [(each, f"127.0.0.1:{port}") for each in local]


SPEAKER = """
    #include <errno.h>
    #include <stdio.h>
    #include <string.h>
    #include <sys/uio.h>
    #include <unistd.h>
    int main(void)
    {
        struct iovec parts[2] = {{.iov_base = "two ", .iov_len = 4}, {.iov_base = "parts\\n", .iov_len = 6}};
        errno = 4242;
        write(2, "t\\303\\274rkis \\\\ \\"quoted\\" \\033[1m\\n", 25);
        writev(2, parts, 2);
        fputs("by stdio\\n", stderr);
        fwrite("items", 5, 1, stderr);
        printf("not this\\n");
        return errno == 4242 ? 7 : 1;
    }
"""


def test_words_on_standard_error_are_kept_and_reach_it_unchanged(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled("speaker", SPEAKER)
    with_it = preloaded(program)
    without = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert (with_it.stdout, with_it.stderr) == (without.stdout, without.stderr)
    assert with_it.returncode == 7
    kept = "".join(event["text"] for event in noted(tmp_path, "stderr"))
    assert kept.encode("latin-1").decode() == without.stderr
    assert [event["exe"] for event in noted(tmp_path, "process")] == [str(program)]
    assert [event["status"] for event in noted(tmp_path, "end")] == [7]


STUFFED = """
    #include <fcntl.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    int main(void)
    {
        static char dump[200000];
        int ends[2];
        memset(dump, 'x', sizeof dump);
        memcpy(dump, "AxiosError: status 503\\n", 23);
        if (pipe(ends) || dup2(ends[1], 2) != 2 || fcntl(2, F_SETFL, O_NONBLOCK))
            return 2;
        return fwrite(dump, sizeof dump, 1, stderr) == 1;
    }
"""


def test_words_that_a_full_pipe_takes_in_part_are_kept(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    assert preloaded(compiled("stuffed", STUFFED)).returncode == 0
    assert "AxiosError: status 503" in "".join(event["text"] for event in noted(tmp_path, "stderr"))


def test_of_very_many_words_those_that_tell_of_an_error_are_kept(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled(
        "chatty",
        """
        #include <string.h>
        #include <unistd.h>
        int main(void)
        {
            char line[101];
            memset(line, '.', 100);
            line[99] = '\\n';
            for (int i = 0; i < 20000; i++)
                write(2, line, 100);
            write(2, "ConnectionResetError: it was\\n", 29);
        }
        """,
    )
    assert len(preloaded(program).stderr) == 2_000_029
    assert (tmp_path / "events").stat().st_size < 400_000
    assert noted(tmp_path, "stderr")[-1]["text"].startswith("ConnectionResetError")


def test_forked_process_is_told_of_as_its_own(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled(
        "forks",
        """
        #include <sys/wait.h>
        #include <unistd.h>
        int main(void)
        {
            write(2, "parent\\n", 7);
            if (fork() == 0) {
                write(2, "child\\n", 6);
                return 3;
            }
            wait(NULL);
        }
        """,
    )
    preloaded(program)
    processes = [event["pid"] for event in noted(tmp_path, "process")]
    assert len(set(processes)) == 2
    assert [event["pid"] for event in noted(tmp_path, "stderr")] == processes
    assert {event["pid"]: event["status"] for event in noted(tmp_path, "end")} == dict(
        zip(processes, (0, 3), strict=True)
    )
