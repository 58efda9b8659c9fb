"""The interposer in somebody else's process: what the program sees of it, which is nothing."""

from __future__ import annotations

import ctypes.util
import json
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.native.conftest import noted
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

WHO_SOURCE = 'const char *who(void) { return "%s"; }\n'


def test_program_without_tls_has_no_more_descriptors_and_writes_nothing(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    program = compiled(
        "descriptors",
        """
        #include <fcntl.h>
        #include <stdio.h>
        int main(void)
        {
            for (int i = 0; i < 1024; i++)
                if (fcntl(i, F_GETFD) >= 0)
                    printf("%d\\n", i);
        }
        """,
    )
    done = preloaded(program)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["0", "1", "2"], "")
    assert (tmp_path / "keys").stat().st_size == (tmp_path / "events").stat().st_size == 0


def test_dlsym_next_is_seen_from_the_caller(compiled: Compile, preloaded: Preloaded, tmp_path: Path) -> None:
    """Two libraries define the same function; the first asks for the next one, as every wrapper does."""
    compiled("libsecond.so", WHO_SOURCE % "second", "-shared")
    compiled(
        "libfirst.so",
        """
        #include <dlfcn.h>
        const char *who(void)
        {
            const char *(*next)(void) = (const char *(*)(void))dlsym(RTLD_NEXT, "who");
            return next ? next() : "nobody";
        }
        """,
        "-shared",
    )
    program = compiled(
        "main",
        "#include <stdio.h>\nconst char *who(void);\nint main(void) { puts(who()); }\n",
        f"-L{tmp_path}",
        "-Wl,--no-as-needed",
        "-lfirst",
        "-lsecond",
        f"-Wl,-rpath,{tmp_path}",
    )
    assert preloaded(program).stdout == "second\n"


def test_dlsym_finds_what_only_the_callers_own_scope_has(compiled: Compile, preloaded: Preloaded) -> None:
    """RTLD_DEFAULT, asked by a library that was loaded with RTLD_LOCAL, includes that library."""
    library = compiled(
        "liblocal.so",
        """
        #include <dlfcn.h>
        const char *who(void) { return "local"; }
        int found(void) { return dlsym(RTLD_DEFAULT, "who") == (void *)who; }
        """,
        "-shared",
    )
    program = compiled(
        "main",
        f"""
        #include <dlfcn.h>
        #include <stdio.h>
        int main(void)
        {{
            void *handle = dlopen("{library}", RTLD_NOW | RTLD_LOCAL);
            int (*found)(void) = (int (*)(void))dlsym(handle, "found");
            printf("%d %d\\n", found(), dlsym(RTLD_DEFAULT, "who") == NULL);
        }}
        """,
    )
    assert preloaded(program).stdout == "1 1\n"


def test_program_that_looks_for_openssl_finds_none_where_there_is_none(
    compiled: Compile, preloaded: Preloaded
) -> None:
    program = compiled(
        "main",
        """
        #include <dlfcn.h>
        #include <stdio.h>
        #include <string.h>
        int main(void)
        {
            void *main_program = dlopen(NULL, RTLD_NOW);
            void *by_default = dlsym(RTLD_DEFAULT, "SSL_CTX_new");
            const char *reason = dlerror();
            int explained = reason && strstr(reason, "SSL_CTX_new");
            void *by_handle = dlsym(main_program, "SSL_CTX_new_ex");
            printf("%d %d %d\\n", by_default == NULL, by_handle == NULL, explained);
        }
        """,
    )
    assert preloaded(program).stdout == "1 1 1\n"


def test_errno_after_connect_is_the_real_one(compiled: Compile, preloaded: Preloaded, tmp_path: Path) -> None:
    program = compiled(
        "connects",
        """
        #include <errno.h>
        #include <netinet/in.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/socket.h>
        int main(int count, char **words)
        {
            struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            for (int i = 1; i < count; i++) {
                peer.sin_port = htons((unsigned short)atoi(words[i]));
                errno = 4242;
                int result = connect(socket(AF_INET, SOCK_STREAM | (i > 2 ? SOCK_NONBLOCK : 0), 0),
                                     (struct sockaddr *)&peer, sizeof peer);
                printf("%d %d\\n", result, errno);
            }
            errno = 4242;
            int result = connect(-1, NULL, 0);
            printf("%d %d\\n", result, errno);
        }
        """,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = [str(s.getsockname()[1]) for s in (listener, closed, listener)]
        with_it = preloaded(program, *ports)
        without = subprocess.run([program, *ports], capture_output=True, text=True, check=True, timeout=60)
    assert with_it.stdout == without.stdout
    assert with_it.stdout.splitlines()[0] == "0 4242"
    noted = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    peers = [(event["event"], event["peer"]) for event in noted if event["event"] in ("connect", "error")]
    assert peers == [
        ("connect", f"127.0.0.1:{ports[0]}"),
        ("error", f"127.0.0.1:{ports[1]}"),
        ("connect", f"127.0.0.1:{ports[2]}"),
    ]


def test_programs_own_callback_is_what_it_gets_back(compiled: Compile, preloaded: Preloaded) -> None:
    library = ctypes.util.find_library("ssl")
    assert library
    program = compiled(
        "callbacks",
        """
        #include <errno.h>
        #include <stdio.h>
        typedef void (*callback)(const void *, const char *);
        const void *TLS_method(void);
        void *SSL_CTX_new(const void *);
        void SSL_CTX_free(void *);
        void SSL_CTX_set_keylog_callback(void *, callback);
        callback SSL_CTX_get_keylog_callback(const void *);
        static void own(const void *session, const char *line) { (void)session, (void)line; }
        int main(void)
        {
            SSL_CTX_free(SSL_CTX_new(TLS_method())); /* what OpenSSL does to errno when it starts is its
            own */ errno = 4242; void *context = SSL_CTX_new(TLS_method()); int kept = errno == 4242, none
            = SSL_CTX_get_keylog_callback(context) == NULL; SSL_CTX_set_keylog_callback(context, own); int
            set = SSL_CTX_get_keylog_callback(context) == own; SSL_CTX_set_keylog_callback(context, NULL);
            int unset = SSL_CTX_get_keylog_callback(context) == NULL; printf("%d %d %d %d\\n", kept, none,
            set, unset);
        }
        """,
        f"-l:{library}",
    )
    without = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    assert preloaded(program).stdout == without.stdout
    assert without.stdout.split()[1:] == ["1", "1", "1"]


@pytest.mark.parametrize("linking", ["-static", "-dynamic"])
def test_program_of_another_libc_is_not_harmed(compiled: Compile, preloaded: Preloaded, linking: str) -> None:
    """A child of the program may be one, and inherits LD_PRELOAD whatever was found out about its parent."""
    needs("musl-gcc")
    program = compiled(
        "musl",
        """
        #include <arpa/inet.h>
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/socket.h>
        int main(int count, char **words)
        {
            struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(atoi(words[count - 1]))};
            inet_aton("127.0.0.1", &peer.sin_addr);
            int result = connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&peer, sizeof peer);
            printf("%d %d\\n", result, dlsym(RTLD_DEFAULT, "no such symbol") == NULL);
        }
        """,
        *(["-static"] if linking == "-static" else []),
        compiler="musl-gcc",
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = preloaded(program, str(listener.getsockname()[1]))
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 1\n", "")


S2N = """
#include <stddef.h>
#include <string.h>
static int (*logs[2])(void *, void *, unsigned char *, size_t);
static void *contexts[2];
int s2n_config_set_key_log_cb(int *config, int (*log)(void *, void *, unsigned char *, size_t), void *context)
{
    logs[*config] = log;
    contexts[*config] = context;
    return 5;
}
int s2n_connection_set_config(void *connection, int *config)
{
    static unsigned char line[] = "CLIENT_RANDOM %s %s";
    return logs[*config] ? logs[*config](contexts[*config], connection, line, sizeof line - 1) + 6 : 7;
}
"""
USES_S2N = """
#include <stdio.h>
int s2n_config_set_key_log_cb(int *, int (*)(void *, void *, unsigned char *, unsigned long), void *);
int s2n_connection_set_config(void *, int *);
static int own(void *context, void *connection, unsigned char *line, unsigned long count)
{
    return printf("%s %s %lu\\n", (char *)context, (char *)connection, count), 3;
}
int main(void)
{
    int first = 0, second = 1, set = s2n_config_set_key_log_cb(&first, own, "mine");
    int with = s2n_connection_set_config("a", &first), without = s2n_connection_set_config("b", &second);
    printf("%d %d %d\\n", set, with, without > 5);
}
"""


def test_s2n_s_callback_is_the_programs_own_where_it_has_one(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    """A library with the two functions of s2n that matter, which calls back at once."""
    library = compiled("libs2n.so", S2N % ("5a" * 32, "3c" * 48), "-shared")
    made = compiled("program", USES_S2N, library, f"-Wl,-rpath,{tmp_path}")
    under = preloaded(made)
    assert (under.returncode, under.stdout, under.stderr) == (0, "mine a 175\n5 9 1\n", "")
    assert (tmp_path / "keys").read_text() == f"CLIENT_RANDOM {'5a' * 32} {'3c' * 48}\n"
    (told,) = noted(tmp_path, "tls")
    assert told["library"] == str(library)
