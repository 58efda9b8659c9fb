"""Words around secrets: ``Bearer ...``, and values that are none."""

from __future__ import annotations

import re

from .shapes import HIDDEN, is_mixed

_SCHEME = re.compile(
    r"(?<![\w-])(Basic|Bearer|Digest|Negotiate|NTLM|DPoP|Token|ApiKey|Hawk|HOBA|OAuth|MAC|SharedKey|SharedAccessSignature|"
    r"SSWS|GenieKey|Splunk|PSK|GoogleLogin|AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256|AWS)"
    r"(\s{1,4}|%20|\+)(?![\w-]{1,40}=[\"'\[])([^\s'\",;<>()\[\]{}&]+)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"[\w-]+=[^=]")
_ENGLISH = re.compile(r"[a-z]+[.:!?]?|[a-z]+-[a-z]+")
_SURE = frozenset({"bearer", "basic", "dpop"})
_BESIDE = re.compile(
    r"(?:auth\w*|token\w*|realm|access|error|is|was|are|not|no|failed|failure|credential\w*|header|scheme|challenge|"
    r"mismatch|method|type|expired|invalid|missing|required|constraint\w*|info\w*|plan|and|or|for|with|the|in|on|to|has|"
    r"from|of|must|should|could|can|cannot|did|does|used|value|key\w*|request\w*|response\w*|proof\w*|address)[.:!?]?",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\b((?:pass(?:word|wd|phrase|code)|token|secret|(?:api|access)[ _-]?key|credentials?)"
    r"(?:\s+for\s+\S{1,64})?(?:\s+(?:is|was|provided|given|used|received)){0,2}:?\s+)([\"'`]?)([^\s\"'`<>\[]{4,200})",
    re.IGNORECASE,
)
_LEAST_SAID = 8
_PLAIN = re.compile(r"(?:true|false|yes|no|on|off|null|none|undefined|nil|[01]?)", re.IGNORECASE)


def schemes(text: str) -> str:
    """Hide what stands behind the name of an authentication scheme (RFC 9110 section 11.4)."""
    return _SCHEME.sub(_credentials, text)


def spoken(text: str) -> str:
    """Hide what a sentence calls a password or a token: ``invalid password 'x'``, ``API key provided: x``."""
    return _SAID.sub(_said, text) if " " in text else text


def _said(match: re.Match[str]) -> str:
    before, mark, value = match.groups()
    word = value.rstrip(".,;:!?)")
    if (
        word.replace("-", "").replace("_", "").isalpha()
        or not (mark or len(word) >= _LEAST_SAID)
        or "=" in word
    ):
        return match[0]
    if not is_mixed(word):
        return match[0]
    return f"{before}{mark}{HIDDEN}{value[len(word) :]}"


def is_plain(value: str) -> bool:
    """Whether a value says no more than yes or no, or nothing."""
    return _PLAIN.fullmatch(value) is not None


def _credentials(match: re.Match[str]) -> str:
    scheme, space, value = match.groups()
    if _PARAMETER.match(value) or _BESIDE.fullmatch(value) or value.startswith("["):
        return match[0]
    if scheme.lower() not in _SURE and (len(value) < 8 or _ENGLISH.fullmatch(value)):
        return match[0]
    return f"{scheme}{space}{HIDDEN}"
