"""Names and values that stand apart: in lists of headers, ``{"name": ..., "value": ...}``, fields of HTML."""

from __future__ import annotations

import re

from . import vocabulary
from .names import Kind, kind
from .shapes import HIDDEN
from .spoken import is_plain

_MOST = 4096
_NAME = r"([A-Za-z_$][\w.$\[\]-]{0,100})"
_PAIR = re.compile(
    rf"([\[(]\s{{0,8}}[bu]?(\\?[\"']){_NAME}\2\s{{0,8}},\s{{0,8}}[bu]?)(\\?[\"'])((?:(?!\4)[^\n]){{1,{_MOST}}})(?=\4\s{{0,8}},?\s{{0,8}}[\])])"
)
"""``("X-Api-Key", "...")``, in Python's and in JSON's words."""
_NAMED = re.compile(
    rf"([\"'](?:name|key|header|field|id)[\"']\s{{0,4}}[:=]\s{{0,4}}([\"']){_NAME}\2\s{{0,20}},\s{{0,20}}"
    rf"[\"'](?:value|val|content|data)[\"']\s{{0,4}}[:=]\s{{0,4}})([\"'])((?:(?!\4)[^\n]){{1,{_MOST}}})(?=\4)"
)
_WITHIN = re.compile(rf"([\"']{_NAME}[\"']\s{{0,4}}:\s{{0,4}}\{{)([^{{}}]{{1,{_MOST}}})(?=\}})")
"""``"token": {{"value": "..."}}``."""
_STRING = re.compile(r"(:\s{0,8}\")((?:[^\"\\\n]|\\.)+)(?=\")")
_TAG = re.compile(r"<(?:input|meta)\s[^<>]{1,1000}>", re.IGNORECASE)
_CALLED = re.compile(r"\b(?:name|id|property)=[\"']?([\w.\[\]-]{1,100})", re.IGNORECASE)
_FILLED = re.compile(r"(\b(?:value|content)=)(\"[^\"]+\"|'[^']+'|[^\s\"'<>]+)", re.IGNORECASE)
_ELEMENT = re.compile(rf"(<([A-Za-z_][\w:.-]{{0,100}})\s[^<>]{{1,300}}>)([^<>]{{1,{_MOST}}})(?=</)")
_UNSEEN = 'type="password"'


def paired(text: str) -> str:
    """Hide the values that stand beside the names of secrets, not behind them."""
    if "," in text:
        text = _NAMED.sub(_pair, _PAIR.sub(_pair, text))
    if "{" in text:
        text = _WITHIN.sub(_within, text)
    if "<" in text and ">" in text:
        text = _ELEMENT.sub(_element, _TAG.sub(_tag, text))
    return text


def _is_secret(name: str) -> bool:
    return name.lower() in vocabulary.LINE_FIELDS or kind(name) == Kind.SECRET


def _pair(match: re.Match[str]) -> str:
    before, _, name, quote, value = match.groups()
    if not _is_secret(name) or is_plain(value) or value.startswith(HIDDEN):
        return match[0]
    return f"{before}{quote}{HIDDEN}"


def _within(match: re.Match[str]) -> str:
    if kind(match[2]) != Kind.SECRET:
        return match[0]
    return match[1] + _STRING.sub(rf"\1{HIDDEN}", match[3])


def _tag(match: re.Match[str]) -> str:
    tag = match[0]
    called = _CALLED.search(tag)
    if _UNSEEN in tag.lower().replace("'", '"') or (called is not None and _is_secret(called[1])):
        return _FILLED.sub(rf'\1"{HIDDEN}"', tag)
    return tag


def _element(match: re.Match[str]) -> str:
    before, name, value = match.groups()
    return f"{before}{HIDDEN}" if _is_secret(name.rpartition(":")[2]) and value.strip() else match[0]
