"""Handshakes after something that programs do to their descriptors, privileges and threads.

Arguments: port, certificate, what to do. Exits 0 where each handshake brought its answer.
"""

import encodings.idna  # noqa: F401 (loaded while the interpreter's own files can still be read)
import http.client
import os
import resource
import signal
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

PORT, CERTIFICATE, ACT = int(sys.argv[1]), sys.argv[2], sys.argv[3]
TRUSTED = Path(CERTIFICATE).read_text()
NOBODY = 65534


def fetch() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=TRUSTED)
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=context, timeout=60)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def in_child(action: Callable[[], None]) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def again() -> None:
    """As a new program, which starts with nothing but its environment."""
    os.execv(sys.executable, [sys.executable, __file__, str(PORT), CERTIFICATE, "nothing"])


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def nothing() -> None:
    fetch()


def fork() -> None:
    fetch()
    in_child(fetch)
    in_child(lambda: in_child(fetch))
    fetch()


def execute() -> None:
    fetch()
    again()


def threads() -> None:
    workers = [threading.Thread(target=fetch) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def close_all() -> None:
    """Twice: the second time when our descriptors' numbers may have changed."""
    for _ in range(2):
        fetch()
        os.closerange(3, 4096)
    fetch()


def reuse_numbers() -> None:
    """Close everything, then have files of the program's own under all the numbers."""
    fetch()
    os.closerange(3, 4096)
    target = os.open("reused", os.O_RDWR | os.O_CREAT, 0o600)
    for number in range(target + 1, 1000):
        os.dup2(target, number)
    fetch()
    assert os.fstat(target).st_size == 0, "a key log line went into the program's own file"


def lower_privileges() -> None:
    fetch()
    become_nobody()
    fetch()


def lower_privileges_and_close() -> None:
    fetch()
    become_nobody()
    os.closerange(3, 4096)
    fetch()


def lower_privileges_then_tls() -> None:
    become_nobody()
    fetch()


def lower_privileges_and_trust_the_environment() -> None:
    """create_default_context opens what SSLKEYLOGFILE names, and fails where it cannot."""
    become_nobody()
    ssl.create_default_context()


def change_root() -> None:
    fetch()
    os.chroot("/proc/self/fdinfo")
    fetch()


def signals() -> None:
    """A timer's signal every half millisecond, all through the handshakes."""
    count = 0

    def tick(*_: object) -> None:
        nonlocal count
        count += 1

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    for _ in range(20):
        fetch()
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert count > 0


def small_files_only() -> None:
    """Beyond this size a write raises SIGXFSZ, which ends a program that does not expect it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    fetch()


def no_descriptors_left() -> None:
    """The lowest free number is all there is: ours must not take it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=TRUSTED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    while True:
        try:
            last = os.dup(0)
        except OSError:
            break
    os.close(last)
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=context)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200


def many_contexts() -> None:
    """More contexts, alive and dead, than one would keep."""
    kept = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(3000)]
    fetch()
    del kept
    fetch()


globals()[ACT]()
