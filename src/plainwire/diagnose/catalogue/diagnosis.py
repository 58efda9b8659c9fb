"""Family I: the diagnosis itself."""

from .cause import Cause

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
    ),
)
