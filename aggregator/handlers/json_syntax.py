"""Finds the first JSON syntax error, with the error text of Go's encoding/json."""

from __future__ import annotations

import re
from collections.abc import Generator

TOKENS_IN_A_STEP = 1000
MAXIMUM_DEPTH = 10_000
CUT_SHORT = "unexpected end of JSON input"

_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:(?<=[0-9])\.[0-9]*)?(?:(?<=[0-9])[eE][+-]?[0-9]*)?")
_HEX = re.compile(r"[0-9a-fA-F]{0,4}")
_WORDS = {word[0]: word for word in ("true", "false", "null")}
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b", "\f": "\\f"}
_NAMED |= {"\v": "\\v", "'": "\\'", "\\": "\\\\"}
_PLACES = {
    "value": "looking for beginning of value",
    "item": "looking for beginning of value",
    "first key": "looking for beginning of object key string",
    "key": "looking for beginning of object key string",
    "colon": "after object key",
    "{": "after object key:value pair",
    "[": "after array element",
}


class _Wrong(Exception):
    """A syntax error at the character at `at`."""

    def __init__(self, at: int, place: str) -> None:
        super().__init__(place)
        self.at, self.place = at, place


def syntax_error(raw: bytes, *, whole: bool = False) -> str:
    """Return the syntax error of the first JSON value of the bytes, empty if it is valid.

    With `whole` only white space may follow the value.
    """
    checking = in_steps(raw, whole=whole)
    try:
        while True:
            next(checking)
    except StopIteration as ended:
        error: str = ended.value
        return error


def in_steps(raw: bytes, *, whole: bool = False) -> Generator[None, None, str]:
    """Find the error that `syntax_error` returns, and yield after every thousand tokens."""
    # Go names the byte, so each one is a character here
    text = raw.decode("latin-1")
    try:
        end = yield from _walk(text)
        if whole and _end(_BLANKS, text, end) < len(text):
            raise _Wrong(_end(_BLANKS, text, end), "after top-level value")
    except _Wrong as wrong:
        if wrong.at >= len(text):
            return CUT_SHORT
        return f"invalid character {_quoted(text[wrong.at])} {wrong.place}"
    return ""


def _walk(text: str) -> Generator[None, None, int]:
    """Scan the tokens of one value and return its end; raise _Wrong."""
    open_: list[str] = []
    state, at, left = "value", 0, TOKENS_IN_A_STEP
    while state != "done":
        left -= 1
        if not left:
            yield
            left = TOKENS_IN_A_STEP
        at = _end(_BLANKS, text, at)
        char = text[at : at + 1]
        if char and char in _closing(state, open_):
            open_.pop()
            state, at = _after(open_), at + 1
        elif state in ("value", "item"):
            state, at = _value(text, at, open_)
        else:
            state, at = _between(state, text, at)
    return at


def _value(text: str, at: int, open_: list[str]) -> tuple[str, int]:
    """Return state and position after a value, or after the start of a list or object."""
    char = text[at : at + 1]
    if char not in ("{", "["):
        return _after(open_), _scalar(text, at)
    open_.append(char)
    if len(open_) > MAXIMUM_DEPTH:
        raise _Wrong(at, "exceeded max depth")
    return "first key" if char == "{" else "item", at + 1


def _between(state: str, text: str, at: int) -> tuple[str, int]:
    """Return state and position after a name, a colon or a comma."""
    char = text[at : at + 1]
    if state in ("first key", "key") and char == '"':
        return "colon", _string(text, at)
    if state == "colon" and char == ":":
        return "value", at + 1
    if state in ("{", "[") and char == ",":
        return "key" if state == "{" else "value", at + 1
    raise _Wrong(at, _PLACES[state])


def _closing(state: str, open_: list[str]) -> str:
    """Return the character that ends the innermost list or object, if it may end here."""
    if state in ("first key", "{"):
        return "}"
    return "]" if state == "[" or (state == "item" and open_) else ""


def _after(open_: list[str]) -> str:
    return open_[-1] if open_ else "done"


def _scalar(text: str, at: int) -> int:
    """Return the end of a string, number or word."""
    char = text[at : at + 1]
    if char == '"':
        return _string(text, at)
    if word := _WORDS.get(char):
        for offset, letter in enumerate(word):
            if text[at + offset : at + offset + 1] != letter:
                raise _Wrong(at + offset, f"in literal {word} (expecting {_quoted(letter)})")
        return at + len(word)
    if not char or char not in "-0123456789":
        raise _Wrong(at, _PLACES["value"])
    return _number(text, at)


def _number(text: str, at: int) -> int:
    end = _end(_NUMBER, text, at)
    last = text[end - 1]
    if last == "-" and end == at + 1:
        raise _Wrong(end, "in numeric literal")
    if last == ".":
        raise _Wrong(end, "after decimal point in numeric literal")
    if last in "eE+-":
        raise _Wrong(end, "in exponent of numeric literal")
    return end


def _string(text: str, at: int) -> int:
    end = _end(_STRING, text, at)
    if text[end : end + 1] == '"':
        return end + 1
    if text[end : end + 1] != "\\":
        raise _Wrong(end, "in string literal")
    if text[end + 1 : end + 2] != "u":
        raise _Wrong(end + 1, "in string escape code")
    raise _Wrong(_end(_HEX, text, end + 2), "in \\u hexadecimal character escape")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a pattern that may match nothing ends."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _quoted(char: str) -> str:
    """Return the character as Go's encoding/json quotes it."""
    if named := _NAMED.get(char):
        return f"'{named}'"
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"'\\x{code:02x}'"
    return f"'\\u{code:04x}'" if 0x80 <= code <= 0xA0 or code == 0xAD else f"'{char}'"
