"""Names of tests: the reports are the runners' own (unittest of Python 3.8 and 3.11, go 1.26, mocha 11, Maven
3.8 with surefire 2.12 and 3.2, Gradle 8, node:test, jest 30, vitest 4; cargo's and RSpec's from their
documentation), cut to what matters.
"""

from __future__ import annotations

import textwrap

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.named_tests import RunningTests, mark
from plainwire.diagnose.testimony.wording import Line
from plainwire.model import ProgramEvents, RunningTest
from tests.diagnose.testimony.speech import OWNER, PID, REMOTE_DISCONNECTED, account, judged, words
from tests.diagnose.wire import EPOCH_NS, MS, SERVER, Wire, only

UNITTEST = f"""
======================================================================
ERROR: test_bad (things.Things.test_bad)
----------------------------------------------------------------------
{textwrap.dedent(REMOTE_DISCONNECTED).strip()}
======================================================================
FAIL: test_worse (things.Things)
----------------------------------------------------------------------
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 3 tests in 0.118s
"""
GO = """--- FAIL: TestBad (0.05s)
    x_test.go:6: Get "https://127.0.0.1:43449/close": EOF
--- FAIL: TestWorse (0.00s)
    --- FAIL: TestWorse/inner (0.00s)
        x_test.go:6: Get "https://127.0.0.1:4/reset": read tcp 127.0.0.1:5: read: connection reset by peer
FAIL
FAIL\tx\t0.108s
"""
MOCHA = """    1) worse
    inner
      2) goes bad


  1 passing (191ms)
  2 failing

  1) things
       worse:
     Error: aborted
      at TLSSocket.socketCloseListener (node:_http_client:464:19)

  2) things
       inner
         goes bad:
     Error: socket hang up

"""
MAVEN = """[ERROR] Tests run: 2, Failures: 0, Errors: 1, Time elapsed: 3.1 s <<< FAILURE! -- in x.ThingsTest
[ERROR] x.ThingsTest.bad -- Time elapsed: 2.745 s <<< ERROR!
java.net.SocketException: Unexpected end of file from server
\tat java.base/sun.net.www.http.HttpClient.parseHTTPHeader(HttpClient.java:954)

[ERROR] Errors:
"""
OLD_MAVEN = """[ERROR] bad(x.ThingsTest)  Time elapsed: 0.3 s  <<< ERROR!
java.net.SocketException: Connection reset
"""
GRADLE = """ThingsTest > bad() FAILED
    java.net.SocketException: Connection reset at ThingsTest.java:15
"""
NODE_TEST = """not ok 1 - bad
  error: 'socket hang up'
"""

NODE_SPEC = """✖ bad (134.715709ms)
  Error: socket hang up
      at TLSSocket.socketCloseListener (node:_http_client:464:19)

✖ things (445.245834ms)
"""
JEST = """  things
    ✕ cut (79 ms)

  ● things \u203a inside \u203a closed

    socket hang up

  ● things \u203a cut

    aborted

Test Suites: 1 failed, 1 total
"""
VITEST = """⎯⎯⎯⎯⎯⎯⎯ Failed Tests 2 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  things.test.js > things > inside > closed
Error: socket hang up
⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/2]⎯

 FAIL  things.test.js > things > cut
Error: aborted
"""
CARGO = """failures:

---- tests::closed stdout ----

thread 'tests::closed' panicked at src/lib.rs:9:41:
called `Result::unwrap()` on an `Err` value: hyper::Error(IncompleteMessage)
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    tests::closed
"""
RSPEC = """Failures:

  1) Things answers
     Failure/Error: http.get('/close')

     EOFError:
       end of file reached
     # ./things_spec.rb:9:in `block'

Finished in 0.1 seconds
"""


def lines(text: str) -> list[Line]:
    made = [Line(each, 0, PID, afterwards=False) for each in text.strip("\n").split("\n")]
    mark(made)
    return made


@pytest.mark.parametrize(
    ("report", "named"),
    [
        (
            UNITTEST,
            {"RemoteDisconnected: R": "things.Things.test_bad", "Assertion": "things.Things.test_worse"},
        ),
        (GO, {"EOF": "TestBad", "connection reset": "TestWorse/inner", "FAIL\tx": ""}),
        (MOCHA, {"aborted": "things worse", "socket hang up": "things inner goes bad", "2) goes bad": ""}),
        (MAVEN, {"SocketException": "x.ThingsTest.bad", "Tests run": "", "Errors:": ""}),
        (OLD_MAVEN, {"SocketException": "x.ThingsTest.bad"}),
        (GRADLE, {"SocketException": "ThingsTest.bad()"}),
        (NODE_TEST, {"socket hang up": "bad"}),
        (NODE_SPEC, {"socket hang up": "bad"}),
        (JEST, {"hang up": "things > inside > closed", "aborted": "things > cut", "Suites": ""}),
        (VITEST, {"hang up": "things > inside > closed", "aborted": "things > cut", "1/2": ""}),
        (CARGO, {"IncompleteMessage": "tests::closed", "    tests": ""}),
        (RSPEC, {"EOFError": "Things answers", "end of file": "Things answers"}),
        ("plain words\n1) a list\nConnectionResetError: x\n", {"ConnectionReset": "", "list": ""}),
    ],
    ids=[
        *("unittest", "go", "mocha", "surefire", "surefire-2", "gradle", "node"),
        *("node-spec", "jest", "vitest", "cargo", "rspec", "none"),
    ],
)
def test_lines_of_a_report_have_the_name_of_their_test(report: str, named: dict[str, str]) -> None:
    made = lines(report)
    for part, name in named.items():
        assert next(line.test for line in made if part in line.text) == name


def two_closed() -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "fin", 400)
    return wire


def test_a_failure_has_the_test_that_ran_when_its_request_was_sent() -> None:
    connection = two_closed().done("unanswered")
    connection.program = OWNER
    events = account()
    events.tests = [
        RunningTest(EPOCH_NS + at * MS, PID, name)
        for at, name in ((-50, "a.py::good (call)"), (250, "a.py::bad (call)"), (350, "a.py::bad (teardown)"))
    ]
    findings = diagnose([connection])
    judged([connection], findings, events)
    assert only(findings).tests == ["a.py::bad"]


def test_a_failure_has_the_test_that_a_report_ties_to_it_whoever_wrote_the_report() -> None:
    connection = two_closed().done("unanswered")
    connection.program = OWNER
    findings = diagnose([connection])
    told = judged([connection], findings, account(words(UNITTEST, 9000, pid=PID + 1)))
    assert only(findings).tests == ["things.Things.test_bad"]
    assert told.sayings[0].test == "things.Things.test_bad"


def test_no_test_runs_before_the_first_nor_behind_the_last_nor_in_another_process() -> None:
    told = [RunningTest(10, PID, "a (call)"), RunningTest(20, PID, "")]
    ran = RunningTests(ProgramEvents(tests=told))
    assert [ran.at(PID, at) for at in (9, 10, 19, 20)] == ["", "a", "a", ""]
    assert ran.at(PID + 1, 15) == ""
