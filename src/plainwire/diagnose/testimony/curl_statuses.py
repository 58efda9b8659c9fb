"""What curl's exit statuses say that the wire does not show by itself.

curl ends with a number for each of its reasons (https://curl.se/libcurl/c/libcurl-errors.html). Those about
the network are held against the wire like words (``other_words.EXIT_STATUSES``). The others tell what curl
alone can know: a file that it could not read, a certificate that it checks by a rule of its own, a limit that
it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from plainwire.model import Fault, Process

CURL = "curl"


class OwnReason(Struct, frozen=True):
    """``says`` goes on after "curl ended with exit status 3: "; ``fault`` is who is to look."""

    says: str
    advice: str
    fault: Fault = "client"


_URL = "Look at the URL: its scheme, its spaces and special characters, the shell's quotes around it."
_OPTION = "Look at the options: curl --version says what this curl has."
_PIN = "Compare what the client insists on with the certificate that the server has now."

ENDINGS: dict[int, OwnReason] = {
    1: OwnReason("the URL's scheme is none that it speaks, or it was told not to", _URL),
    2: OwnReason("it did not begin: an option is wrong, or a library failed", _OPTION),
    3: OwnReason("the URL is malformed", _URL),
    4: OwnReason("what was asked for is not built into this curl", _OPTION),
    23: OwnReason(
        "it could not write what it received",
        "Look at the place that it writes to: a full disk, a missing folder, a pipe whose reader left.",
    ),
    26: OwnReason("it could not read what it was to send", "Look at the file that is to be sent."),
    27: OwnReason(
        "it ran out of memory, or a response's header was longer than it takes",
        "Look at the size of the response's header fields.",
        "unknown",
    ),
    33: OwnReason(
        "it wanted to go on with a download, and the server did not answer with the rest (no Content-Range)",
        "Fetch the file from its beginning (without -C), or from a server that knows ranges.",
        "unknown",
    ),
    36: OwnReason("a download could not be resumed at its place", "Fetch the file from its beginning."),
    37: OwnReason("a file could not be read", "Look at the path and its rights."),
    42: OwnReason("a callback of the program ended it", "Look at the program's callbacks."),
    43: OwnReason("libcurl was called in a wrong way", "Update curl."),
    45: OwnReason(
        "the local interface or address that it was to use cannot be used",
        "Look at --interface and the addresses of this host (ip address).",
    ),
    47: OwnReason("there were more redirects than it follows", "See where they lead: curl -v -L."),
    48: OwnReason("libcurl does not know an option", _OPTION),
    53: OwnReason("the crypto engine was not found", "Look at --engine."),
    54: OwnReason("the crypto engine could not be made the default", "Look at --engine."),
    58: OwnReason(
        "the client certificate or its key could not be used",
        "Look at --cert and --key: files that are there, a key of that certificate, its password.",
    ),
    59: OwnReason("none of the cipher suites that were asked for can be used", "Look at --ciphers."),
    61: OwnReason(
        "the response has a content coding that it does not know, or that does not decode",
        "Ask without --compressed, or fix the server's Content-Encoding.",
        "unknown",
    ),
    63: OwnReason("the response is larger than it was told to take", "Look at --max-filesize."),
    65: OwnReason(
        "the body had to be sent again, and could not be read from its beginning again",
        "Give the body as a file, or the credentials with the first request.",
    ),
    66: OwnReason("the crypto engine could not be started", "Look at --engine."),
    77: OwnReason(
        "the file of authorities could not be read",
        "Look at --cacert, --capath, CURL_CA_BUNDLE and SSL_CERT_FILE: a path that is there, in PEM.",
    ),
    80: OwnReason("TLS could not be shut down", "Update curl."),
    82: OwnReason("the list of revoked certificates could not be read", "Look at --crlfile."),
    83: OwnReason("the certificate's issuer is not the one that it insists on", _PIN, "unknown"),
    90: OwnReason("the server's key is not the one that it insists on (--pinnedpubkey)", _PIN, "unknown"),
    91: OwnReason(
        "it insists on a good stapled OCSP response (--cert-status), and there was none",
        "Do without --cert-status, or have the server staple.",
        "unknown",
    ),
    93: OwnReason("libcurl was called from inside a callback", "Look at the program's callbacks."),
    94: OwnReason(
        "an authentication function failed", "Look at the credentials and the kind of authentication."
    ),
    98: OwnReason("the server wants a client certificate", "Give --cert and --key."),
    100: OwnReason(
        "a value is longer than it takes", "Look at the lengths of header fields and options.", "unknown"
    ),
}


def told_by_status(process: Process | None, status: int | None) -> str:
    """A sentence about a process of curl that ended with one of these; empty for any other."""
    ending = ENDINGS.get(status or 0)
    if process is None or process.runtime != CURL or ending is None:
        return ""
    return f"curl ended with exit status {status}: {ending.says}."
