"""Family I: the diagnosis itself."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "capture-artifact",
        "the capture does not show enough to judge",
        "An exchange looks failed, but packets, bytes or keys are missing just there. What looks like a "
        "failure may be a hole in the capture, so nothing is concluded from it.",
        "Bytes that one side acknowledged are not in the capture, packets were cut by the snap length, the "
        "connection began before the capture, or records around the failure could not be decrypted.",
        "A capture of the same failure without the hole.",
        "Capture again with nothing lost: start before the program does, do not cut packets, and see that "
        "the kernel dropped none (plainwire run takes care of all three).",
        "",
        (),
        failure=False,
        by_backend=False,
        perhaps_whole=True,
        rank=3,
        unplayed="The lab captures whole. Holes are made in tests of damaged captures.",
    ),
    Cause(
        "unexplained",
        "the exchange failed and none of the known causes fits",
        "The packets show a failure, but every known cause is refuted or lacks its evidence. The facts are "
        "listed as they are; nobody is accused.",
        "An exchange without a complete response, fully captured, for which no rule holds.",
        "A second capture, taken at the server or on its side of a NAT or load balancer.",
        "Capture at the server's side at the same time, and compare which packets left and which arrived.",
        "",
        (),
        rank=2,
        unplayed="What no rule explains cannot be played on purpose.",
    ),
    Cause(
        "single-event",
        "one failure tells a mechanism, not a pattern",
        "With a single failure the packets can say what happened. When it happens, and how often, they "
        "cannot.",
        "One failure of its kind.",
        "Several failures, which can be compared with what succeeded.",
        "Run again (plainwire hunt) until there are a few.",
        "",
        (),
        failure=False,
        made_by="none: no finding has it; `explain` says what one failure can tell",
        unplayed="It is no finding.",
    ),
    Cause(
        "mixture",
        "several causes at once",
        "Failures of different kinds happened to the same server. Each kind has its own finding; a pattern "
        "is looked for within each, never across them.",
        "Two findings or more that are failures, at one server.",
        "One cause that shows in several ways: a restart ends idle and busy connections alike.",
        "Mend the most frequent first, and look again.",
        "",
        (),
        failure=False,
        made_by="none: no finding has it; each kind of failure has its own finding",
        unplayed="It is no finding.",
    ),
    Cause(
        "not-a-failure",
        "what looks odd and is normal",
        "A 404 that the program provoked, a 304, a reset after a complete exchange, a session that was not "
        "resumed, a GOAWAY after which everything was answered, the close of an idle connection that met no "
        "request, a client that closes when it is done. None of these is reported.",
        "Every exchange came to its end.",
        "An exchange without a complete answer.",
        "Nothing.",
        "",
        (),
        failure=False,
        made_by="none: no finding has it; `explain` says what is left unsaid",
        unplayed="It is no finding.",
    ),
)
