"""JSON text read as the reference reads it: every value keeps its place in the text.

The reference stores parts of a message as they were written, so a tree of Python values is not
enough: number spellings, escapes and blanks would be lost. Nothing here knows of messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

MAXIMUM_DEPTH = 10_000
DEEP: Final = object()

_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r'[{}\[\],:]|"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
)
_CUT_SHORT = re.compile(
    r'(?:"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+(?:\\(?:u[0-9a-fA-F]{0,3})?)?'
    r"|-|t|tr|tru|f|fa|fal|fals|n|nu|nul|)\Z"
)
_KEY = re.compile(r'[{,][ \t\n\r]*+"([^"\\]*+)"[ \t\n\r]*+:[ \t\n\r]*+')
_COLON = re.compile(r"[ \t\n\r]*+:[ \t\n\r]*+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HTML_ESCAPES = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_ALLOWED = {
    "value": '{["v',
    "item": '{["v]',
    "first key": '"}',
    "key": '"',
    "colon": ":",
    "in {": ",}",
    "in [": ",]",
}

_decode = json.JSONDecoder().raw_decode


class JsonError(ValueError):
    """The text is not JSON; the message says why."""


class WrongType(ValueError):
    """An attribute holds another type of value than it must; the message names both."""


class Member(NamedTuple):
    """A value with its place in the text. `value` is DEEP when nested too deep for Python.

    An opened object's value is the tuple of its members instead of a dict.
    """

    key: str
    start: int
    end: int
    value: Any


def check(text: str) -> None:
    """Raise JsonError unless the text is one JSON document, of at most MAXIMUM_DEPTH levels."""
    end = _blank(text, scan(text, _blank(text, 0)))
    if end < len(text):
        raise _unexpected(text, end)


def scan(text: str, at: int) -> int:
    """Return the end of the value that begins at `at`, without recursion; raise JsonError."""
    open_: list[str] = []
    state = "value"
    while state != "done":
        at = _blank(text, at)
        match = _TOKEN.match(text, at)
        kind = _kind(match[0][0]) if match else ""
        if match is None or kind not in _ALLOWED[state]:
            raise _unexpected(text, at)
        if kind in "{[":
            open_.append(kind)
            if len(open_) > MAXIMUM_DEPTH:
                raise JsonError("exceeded max depth")
        elif kind in "}]":
            open_.pop()
        state = _next(state, kind, open_)
        at = match.end()
    return at


def _kind(char: str) -> str:
    """Return the class of a token by its first character: v stands for numbers and words."""
    return char if char in '{}[],:"' else "v"


def _next(state: str, kind: str, open_: list[str]) -> str:
    """Return what is awaited after this kind of token."""
    if kind == "{":
        return "first key"
    if kind == "[":
        return "item"
    if kind == ":":
        return "value"
    if kind == ",":
        return "key" if open_[-1] == "{" else "value"
    if kind == '"' and state in ("key", "first key"):
        return "colon"
    return "in " + open_[-1] if open_ else "done"


def _blank(text: str, at: int) -> int:
    """Return where the blanks at this place end."""
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _unexpected(text: str, at: int) -> JsonError:
    """Return the error for a character that does not belong here."""
    if _CUT_SHORT.match(text, at):
        return JsonError("unexpected end of JSON input")
    return JsonError(f"invalid character {clean(text[at])!r} at character {at + 1}")


def members(text: str, at: int, levels: int = 0) -> tuple[tuple[Member, ...], int]:
    """Return the members of the object that begins at `at`, and its end; the text is checked.

    So many further levels of objects are opened.
    """
    found: list[Member] = []
    while text[at] != "}":
        match = _KEY.match(text, at)
        if match:
            key, start = match[1], match.end()
        else:
            at = _blank(text, at + 1)
            if text[at] == "}":
                break
            key, start = _escaped_key(text, at)
        value, end = _value(text, start, levels)
        found.append(Member(clean(key), start, end, value))
        at = end if text[end] in ",}" else _blank(text, end)
    return tuple(found), at + 1


def items(text: str, at: int) -> list[Member]:
    """Return the elements of the list that begins at `at`, with empty keys; text is checked."""
    found: list[Member] = []
    while text[at] != "]":
        start = _blank(text, at + 1)
        if text[start] == "]":
            break
        value, end = _value(text, start, 1)
        found.append(Member("", start, end, value))
        at = _blank(text, end)
    return found


def elements(text: str, member: Member) -> list[Any]:
    """Return the elements of a list (none of null) as Python values, its objects as dicts."""
    if member.value is not DEEP:
        return list(member.value or ())
    return [
        {part.key: part.value for part in item.value} if text[item.start] == "{" else item.value
        for item in items(text, member.start)
    ]


def _value(text: str, start: int, levels: int) -> tuple[Any, int]:
    """Return value and end of what begins at `start`."""
    if levels and text[start] == "{":
        return members(text, start, levels - 1)
    try:
        return _decode(text, start)
    except (RecursionError, ValueError):
        # nested too deep for Python, or a number of more than 4300 digits
        return DEEP, scan(text, start)


def _escaped_key(text: str, at: int) -> tuple[str, int]:
    """Return a key that is written with escapes, and where its value begins."""
    key, end = _decode(text, at)
    colon = _COLON.match(text, end)
    return key, colon.end() if colon else end


def clean(text: str) -> str:
    """Return a decoded string with U+FFFD for what is no character (it came as a surrogate)."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def is_unicode(text: str) -> bool:
    """Say whether all of the text can be written as UTF-8."""
    return text.isascii() or _SURROGATE.search(text) is None


def rewrite(text: str, parts: Mapping[str, Member]) -> str:
    """Return an object of these members as the reference writes a map of raw values.

    Keys in the order of their bytes, no blanks, nested values in the order and spelling of the
    message; `< > &` and the two line separators are escaped.
    """
    written = ",".join(
        f"{json.dumps(key, ensure_ascii=False)}:{text[parts[key].start : parts[key].end]}"
        for key in sorted(parts)
    )
    compact = _without_blanks("{" + written + "}")
    for char, escape in _HTML_ESCAPES.items():
        compact = compact.replace(char, escape)
    return compact


def _without_blanks(text: str) -> str:
    """Return JSON without the blanks outside of its strings.

    A checked text holds no control characters but blanks, so they can stand for other things:
    escapes that would hide the end of a string, and the strings themselves.
    """
    text = text.replace("\\\\", "\1").replace('\\"', "\2")
    parts = text.split('"')
    outside = "\0".join(parts[::2])
    for blank in " \n\r\t":
        outside = outside.replace(blank, "")
    parts[::2] = outside.split("\0")
    return '"'.join(parts).replace("\1", "\\\\").replace("\2", '\\"')


def quote(text: str) -> str:
    """Return JSON text (already rewritten) as one JSON string, as the reference writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if not escaped.isascii():
        escaped = _SURROGATE.sub(r"\\ufffd", escaped)
    return f'"{escaped}"'


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Return the name without case; two letters beyond ASCII fold to `s` and `k` as in Go."""
    if not name.isascii():
        name = name.replace("\u017f", "s").replace("\u212a", "k")
    return name.lower()


def attribute(name: str, known: Mapping[str, str]) -> str | None:
    """Return the attribute that is meant by a name in any case; `known` maps folded names."""
    return known.get(name) or known.get(fold(name))


def names(*attributes: str) -> dict[str, str]:
    """Return the table for `attribute`."""
    return {fold(name): name for name in attributes}


def texts(parts: Iterable[tuple[str, Any]], known: Mapping[str, str]) -> dict[str, str]:
    """Return the known text attributes of an object; null says nothing, the last one wins.

    Raise WrongType for a value that is no text.
    """
    found = dict.fromkeys(known.values(), "")
    for key, value in parts:
        name = known.get(key) or known.get(fold(key))
        if name is None or value is None:
            continue
        if not isinstance(value, str):
            raise WrongType(f"{name}: text expected, got {shown(value)}")
        found[name] = value if value.isascii() else clean(value)
    return found


def shown(value: Any) -> str:
    """Return a value for an error text, cut when it is long."""
    if value is DEEP:
        return "something very deep or long"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, (dict, tuple)):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def pairs(text: str, member: Member) -> list[tuple[str, Any]]:
    """Return names and values of an object, however deep its values are nested."""
    if member.value is DEEP:
        return [(part.key, part.value) for part in members(text, member.start)[0]]
    return list(member.value.items())
