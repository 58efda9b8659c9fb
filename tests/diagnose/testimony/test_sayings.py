"""From standard error to single things said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from plainwire.diagnose.testimony.sayings import read_messages, sayings
from plainwire.model import Process, Words
from tests.diagnose.testimony.speech import NODE, PYTHON, REMOTE_DISCONNECTED, UNKNOWN, account, words

GO, GIT = Process(7, "client", runtime="go"), Process(7, "git-remote-https")
CHAINED = """
    Traceback (most recent call last):
      File "a.py", line 1, in recv
    ConnectionResetError: [Errno 104] Connection reset by peer

    During handling of the above exception, another exception occurred:

    Traceback (most recent call last):
      File "b.py", line 2, in send
        raise ReadTimeout(e, request=request)
    requests.exceptions.ConnectionError: ('Connection aborted.', ConnectionResetError(104, 'reset'))
"""


def labels(*said: str) -> list[str]:
    return [each.label for each in sayings(account(*(words(text, at) for at, text in enumerate(said))))]


def test_source_code_in_the_frames_of_a_traceback_is_not_what_happened() -> None:
    assert labels(REMOTE_DISCONNECTED) == ["RemoteDisconnected"]


def test_chained_exceptions_are_one_thing_said_by_the_outermost_library() -> None:
    (said,) = sayings(account(words(CHAINED, 0)))
    assert said.client == "requests"
    assert said.told_by.startswith("requests.exceptions.ConnectionError")


def test_two_tracebacks_are_two_things() -> None:
    assert labels(REMOTE_DISCONNECTED + REMOTE_DISCONNECTED) == ["RemoteDisconnected"] * 2


def test_lines_of_a_log_are_single_things() -> None:
    log = "try 1: [Errno 104]\nall is well\ntry 2: [Errno 111]\n"
    assert labels(log) == ["ConnectionResetError", "ConnectionRefusedError"]


def test_what_node_prints_of_one_error_is_one_thing_and_told_by_its_first_line() -> None:
    text = """
        Error: read ECONNRESET
            at TLSWrap.onStreamRead (node:internal/stream_base_commons:218:20) {
          errno: -104,
          code: 'ECONNRESET',
          syscall: 'read'
        }
    """
    (said,) = sayings(account(words(text, 0), process=NODE))
    assert said.told_by == "Error: read ECONNRESET"


@given(st.lists(st.integers(0, len(REMOTE_DISCONNECTED)), max_size=6))
def test_words_may_come_in_any_pieces(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(REMOTE_DISCONNECTED)]
    text = words(REMOTE_DISCONNECTED, 0).text
    pieces = [text[start:end] for start, end in zip(places, [*places[1:], len(text)], strict=True)]
    said = account()
    said.words = [Words(0, PYTHON.pid, piece) for piece in pieces]
    assert [each.label for each in sayings(said)] == ["RemoteDisconnected"]


def test_processes_that_write_at_the_same_time_are_kept_apart() -> None:
    lines = words(REMOTE_DISCONNECTED, 0).text.splitlines(keepends=True)
    said = sayings(account(*(Words(at, pid, line) for at, line in enumerate(lines) for pid in (7, 8))))
    assert sorted((each.pid, each.label) for each in said) == [
        (7, "RemoteDisconnected"),
        (8, "RemoteDisconnected"),
    ]


def test_what_the_file_holds_as_well_is_not_said_twice() -> None:
    text = words(REMOTE_DISCONNECTED, 0)
    again = words(REMOTE_DISCONNECTED, 900, afterwards=True)
    assert len(sayings(account(text, again))) == 1
    assert len(sayings(account(again))) == 1


def test_errors_that_no_table_knows_count_and_other_lines_do_not() -> None:
    text = 'starting\nTraceback (most recent call last):\n  File "a"\nKeyError: 3\nerrors: 0, closed: 4\n'
    assert labels(text) == ["another error"]


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    for said in sayings(account(words(text, 0))):
        assert said.wire


BUN = """
TypeError: ECONNRESET: The socket connection was closed unexpectedly.
  path: "https://a/{}",
"""


def test_two_failures_within_a_moment_are_two_where_they_name_what_they_are_about() -> None:
    spoken = [words(BUN.format(path), at) for path, at in (("one", 0), ("two", 0.1), ("two", 0.2))]
    assert len(read_messages(account(*spoken, process=UNKNOWN))) == 2


def test_source_code_that_is_shown_says_nothing() -> None:
    text = "4 |   try { await fetch(url, {signal: AbortSignal.timeout(1000)}) } // timed out\n      ^\n"
    assert read_messages(account(words(text, 0), process=UNKNOWN)) == []


@pytest.mark.parametrize(
    ("text", "process", "label"),
    [
        ("PoolTimeout('')", PYTHON, "PoolTimeout"),
        ("ConnectError('All connection attempts failed')", PYTHON, "ConnectError"),
        ("failed: 503 Server Error: Service Unavailable for url: https://a.test/", PYTHON, "an error status"),
        ("error: HTTP Error 503: Service Unavailable", PYTHON, "an error status"),
        ("error: fetch failed", NODE, "fetch failed"),
        ("HTTPError: Response code 503 (Service Unavailable)", NODE, "an error status"),
        ('error: Get "https://a.test/": dial tcp: lookup a.test on 192.0.2.1:53: read udp: i/o timeout', GO,
         "a name that was not resolved"),
        ("fatal: unable to access 'https://a.test/': server certificate verification failed. CRL", GIT,
         "a certificate error"),
        ("Response: 503", NODE, None),
        ("ReadTimeout is 3 s", PYTHON, None),
    ],
)  # fmt: skip
def test_an_exception_that_was_caught_and_printed_is_heard_too(
    text: str, process: Process, label: str | None
) -> None:
    told = replace(words(text + "\n", 10), output="stdout")
    heard = [said.label for said in read_messages(account(told, process=process))]
    assert heard == ([] if label is None else [label])
