"""Whether a value looks like a secret, whatever its name: keys of known makes, and what chance has made.

Keys of known makes begin with what their makers gave them so that scanners find them; the forms are those
that the makers document. All patterns are read in one pass and never go back over a long run (linear time).
"""

from __future__ import annotations

import base64
import re

HIDDEN = "[redacted]"

LONG = 32
"""Characters from which a run without a name counts as a secret, if chance has made it (192 bits in base64,
128 in hexadecimal). ULIDs and ObjectIds are shorter, and UUIDs have a form of their own."""
LONGER = 40
"""The same for hexadecimal digits in a target, and for all in a path: an MD5 mostly names something."""

_LOOKED_AT = 512
"""Characters of a run that are judged: what chance has made looks so from its beginning."""
_LEAST_KEY = 16
_SHORTEST = 11
_LEAST_DISTINCT = 10
_LEAST_LETTERS = 48
"""Short words run together change case as often as chance does: only long runs of letters are judged."""
_CHANGES_MIXED, _CHANGES_LOWER, _CHANGES_LETTERS = 0.38, 0.17, 0.45
"""How often the kind of character changes, per character, in runs of lower-case and upper-case letters and
digits (of one case and digits, of letters only). Expected in base64 0.64, in base36 0.4, in base32 0.3, in
letters 0.5; in words run together (``GetSpecificPortMappingEntry2``) 0.3, in names with numbers
(``kpi2plugin``) below 0.17."""
_ALTERNATING = 0.8
"""As often as that it changes only where somebody alternates letters and digits."""
_SMALL_BYTES = 0.3
"""Share of bytes below 32 in what base64 holds, above which it is a structure (DER, DNS, Protocol Buffers)
and nothing that chance has made: there it is 0.125."""

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?:(?!-----END)[\s\S])*(?:-----END[A-Z ]{0,40}-----)?"
)
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}"  # JWT, JWE; JSON in base64
    r"|(?:gh[pousr]|github_pat)_\w{10,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas)-[\w-]{10,}"
    r"|(?:sk|rk|pk|whsec|sess)[-_](?:live|test|proj|ant|or|svcacct|admin)[-_][\w-]{8,}"
    r"|sk-[A-Za-z0-9_]{16,}|whsec_[\w+/=]{16,}"
    r"|xox[a-z](?:\.xox[a-z])?-[\w-]{8,}|xapp-[\w-]{8,}"
    r"|(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}"
    r"|AIza[\w-]{20,}|ya29\.[\w.-]{8,}|1//0[\w-]{16,}|GOCSPX-[\w-]{16,}"
    r"|SG\.[\w-]{8,}\.[\w-]{8,}|key-[0-9a-f]{32}|(?:AC|SK)[0-9a-f]{32}"
    r"|npm_\w{20,}|pypi-[\w-]{16,}|hf_\w{16,}|do[opr]_v1_\w{16,}"
    r"|shp(?:at|ca|pa|ss)_\w{16,}|sq0[a-z]{3}-[\w-]{16,}"
    r"|hv[sbr]\.[\w-]{16,}|ATATT3x\w{8,}[\w=-]*|sl\.[\w-]{20,}|dapi[0-9a-f]{32}|lin_api_\w{16,}|ntn_\w{16,}"
    r"|glsa_\w{16,}|NRAK-\w{16,}|sntr(?:ys|yu)_[\w+/=-]{16,}|dp\.[a-z]{2,4}\.\w{16,}|fo1_\w{16,}|PMAK-[\w-]{16,}"
    r"|AGE-SECRET-KEY-1\w{8,}|EAA[A-Za-z0-9]{24,}|figd_[\w-]{16,}|rubygems_\w{16,}"
    r"|[a-z][a-z0-9]{1,11}[_-](?:live|pat|prod|sandbox|secret|test)_(?=[A-Za-z]*\d)[A-Za-z0-9]{14,}"
    r"|(?:fw|lip|unkey)_(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}|(?:live|test)_(?=[A-Za-z]*\d)[A-Za-z0-9]{30,}"
    r"|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|(?:tvly|db|ico|NRII)-(?:dev-)?[A-Za-z0-9]{28,}|fury_\w{24,}|aio_\w{28}"
    r"|(?:LTAI|AKID)(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}|(?:cu|zpka)_[0-9a-f]{32}\w*|ATBB\w{28,}|AT[CS]TT3x\w{8,}[\w=-]*"
    r"|tskey-[a-z]+-[\w-]{16,}|GR1348941[\w-]{16,}|FLWSECK(?:_TEST)?-\w{16,}(?:-X)?|cio(?=[A-Za-z]*\d)[A-Za-z0-9]{32}"
    r"|(?:[sp]k-lf|sdk|mob|api|HRKU|access-(?:sandbox|development|production))-[0-9a-f]{8}-[0-9a-f-]{27}"
    r"|a[ks]-(?=[A-Za-z]*\d)[A-Za-z0-9]{22}|[0-9a-f]{32}-us\d{1,2}|\d/\d{10,}(?:/\d{10,})?:[0-9a-f]{32}"
    r"|s\.(?=[A-Za-z]*\d)(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{24}|secret-(?=[A-Za-z]*\d)[A-Za-z0-9]{36,}"
    r"|\d{8,10}:[A-Za-z0-9_-]{30,}"  # Telegram
    r"|[MNO][\w-]{22,30}\.[\w-]{6}\.[\w-]{25,}"  # Discord
    r")"
)
_WORD = re.compile(r"(?<![\w.-])[\w.-]{11,}")
"""What any key of a known make has in it; most texts have no word so long."""
_RUN = re.compile(r"(?<![A-Za-z0-9+/_=~-])[A-Za-z0-9+/_=~-]{32,}")
_DATA = re.compile(
    r"H4sI|eJ[wxyz]|eNo|iVBORw|/9j/|_9j_|R0lGOD|UEsDB|JVBERi|d09G|AAEAAA|PD94bW|PHN2Zy|\d{1,2}ahUKEw"
)
"""How files in base64 begin (gzip, zlib, PNG, JPEG, GIF, ZIP, PDF, fonts, XML), and Google's click ids."""
_UUID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""A traceparent (W3C Trace Context, section 3.2.2)."""
_HEX_BEGINS = re.compile(r"[A-Za-z_=-]{0,8}(?:[0-9a-f]{4}-?){6}|[A-Za-z_=-]{0,8}(?:[0-9A-F]{4}-?){6}")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_CLASSES = str.maketrans(
    {
        **dict.fromkeys(map(chr, range(ord("a"), ord("z") + 1)), "a"),
        **dict.fromkeys(map(chr, range(ord("A"), ord("Z") + 1)), "A"),
        **dict.fromkeys("0123456789", "0"),
    }
)
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")
_STANDARD = str.maketrans("-_", "+/")
_CONTROLS = bytes(range(32))
_TEXT = re.compile(rb"[ -~]{12,}")
_USER_AND_PASSWORD = re.compile(rb"[\w.@+-]{1,64}:[!-~]{4,}")


def known(text: str) -> str:
    """Hide keys of known makes, tokens in JSON Web Token's form, private keys."""
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(HIDDEN, text)
    return text if _WORD.search(text) is None else _KNOWN.sub(HIDDEN, text)


def unnamed(text: str, *, hexadecimal: int = LONG, mixed: int = LONG) -> str:
    """Hide what looks like a secret by itself: keys of known makes, long runs that chance has made.

    ``hexadecimal``, ``mixed``: from how many characters runs of hexadecimal digits, and others, are long.
    """
    if len(text) < _SHORTEST:
        return text

    def run(match: re.Match[str]) -> str:
        return HIDDEN if is_random(match[0], hexadecimal=hexadecimal, mixed=mixed) else match[0]

    return _RUN.sub(run, known(text))


def is_random(run: str, *, hexadecimal: int = LONG, mixed: int = LONG) -> bool:
    """Whether a run of letters, digits and ``+/_=~-`` is none that people or programs write for its meaning.

    False for UUIDs and trace ids, which name things; for files and other structures in base64, and for texts
    in it unless they are secrets themselves (``user:password``).
    """
    run = run[:_LOOKED_AT]
    if "-" in run:
        if _TRACE.fullmatch(run):
            return False
        run = _UUID.sub("-", run)
    if _HEX_BEGINS.match(run):
        return _is_random_hex(run.replace("-", ""), hexadecimal)
    if len(run) < mixed or len(set(run)) < _LEAST_DISTINCT or _DATA.match(run):
        return False
    return _changes(run.translate(_CLASSES)) and _holds_chance(run)


def _is_random_hex(run: str, least: int) -> bool:
    found = _HEX.search(run)
    if found is None or len(found[0]) < least or len(set(run)) < 8:
        return False
    classes = run.translate(_CLASSES)
    kinds = classes.count("a0") + classes.count("0a") + classes.count("A0") + classes.count("0A")
    return 0 < kinds <= _ALTERNATING * len(classes)


def _changes(classes: str) -> bool:
    """Whether the kind of character changes as often as where chance made it."""
    lower, upper, digits = classes.count("a"), classes.count("A"), classes.count("0")
    whole = lower + upper + digits
    cases = classes.count("aA") + classes.count("Aa")
    kinds = classes.count("a0") + classes.count("0a") + classes.count("A0") + classes.count("0A")
    if lower and upper and digits:
        return cases + kinds >= _CHANGES_MIXED * whole
    if digits:
        return _CHANGES_LOWER * whole <= kinds <= _ALTERNATING * whole and lower + upper > 0
    return whole >= _LEAST_LETTERS and cases >= _CHANGES_LETTERS * whole


def _holds_chance(run: str) -> bool:
    """Whether a run, where it is base64, holds bytes that chance has made."""
    text = run.rstrip("=").translate(_STANDARD)
    try:
        data = base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except ValueError:
        return True
    small = len(data) - len(data.translate(None, _CONTROLS))
    if small or not data.isascii():
        return small < _SMALL_BYTES * len(data) and _TEXT.search(data) is None
    return _USER_AND_PASSWORD.fullmatch(data) is not None or _KNOWN.search(data.decode()) is not None


def is_key(value: str) -> bool:
    """Whether the value of a doubtful name (``key``, ``code``) is a key, not the name of something."""
    value = value.strip()
    if is_uuid(value):
        return False
    if len(value) < _LEAST_KEY or any(c in value for c in "/: ,."):
        return _KNOWN.search(value) is not None or is_random(value)
    return is_mixed(value)


def is_mixed(value: str) -> bool:
    """Whether there are letters and digits in a value."""
    return _DIGIT.search(value) is not None and _LETTER.search(value) is not None


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID (RFC 9562 section 4)."""
    return _UUID.fullmatch(text) is not None
