"""Scans JSON text token by token, with the depth limit and the errors of Go's encoding/json.

It is slow and accepts everything that Go accepts: lone surrogates, deep nesting, duplicate names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

MAXIMUM_DEPTH = 10_000

_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r'[{}\[\],:]|"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
)
_CUT_SHORT = re.compile(
    r'(?:"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+(?:\\(?:u[0-9a-fA-F]{0,3})?)?'
    r"|-|t|tr|tru|f|fa|fal|fals|n|nu|nul|)\Z"
)
SURROGATE = re.compile("[\ud800-\udfff]")
# characters that are searched at once
WINDOW = 256 * 1024
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
    """The text is not JSON; the message is the reason."""


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
    """Return the parser state after this kind of token."""
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
    """Return the end of the white space at this position."""
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _unexpected(text: str, at: int) -> JsonError:
    """Return the error for a character that does not belong here."""
    if _CUT_SHORT.match(text, at):
        return JsonError("unexpected end of JSON input")
    return JsonError(f"invalid character {clean(text[at])!r} at character {at + 1}")


def members(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of an object, values as written; the text is checked.

    Duplicate names are yielded each time.
    """
    at = _blank(text, 1)
    while text[at] != "}":
        key, end = _decode(text, at)
        start = _blank(text, _blank(text, end) + 1)
        end = scan(text, start)
        yield clean(key), text[start:end]
        at = _blank(text, end)
        if text[at] == ",":
            at = _blank(text, at + 1)


def items(text: str) -> Iterator[str]:
    """Yield the elements of a list as written; the text is checked."""
    at = _blank(text, 1)
    while text[at] != "]":
        end = scan(text, at)
        yield text[at:end]
        at = _blank(text, end)
        if text[at] == ",":
            at = _blank(text, at + 1)


def compact(text: str) -> str:
    """Return checked JSON without white space outside of its strings.

    Checked text contains no control characters except white space, so they can temporarily
    replace escapes that would hide the end of a string, and the strings themselves.
    """
    text = text.replace("\\\\", "\1").replace('\\"', "\2")
    parts = text.split('"')
    outside = "\0".join(parts[::2])
    for blank in " \n\r\t":
        outside = outside.replace(blank, "")
    parts[::2] = outside.split("\0")
    return '"'.join(parts).replace("\1", "\\\\").replace("\2", '\\"')


def clean(text: str) -> str:
    """Return a decoded string with lone surrogates replaced by U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def is_unicode(text: str) -> bool:
    """Return True if the text can be encoded as UTF-8.

    A long text is searched in windows, since a search holds the GIL.
    """
    if text.isascii():
        return True
    starts = range(0, len(text), WINDOW)
    return not any(SURROGATE.search(text, start, start + WINDOW) for start in starts)
