"""Finds the first JSON syntax error, with the error text of Go's encoding/json."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Protocol

TOKENS_IN_A_STEP = 500
_LONGEST_ESCAPE = len("\\u0000")
BLANKS_IN_A_STEP = 256 * 1024
# in place of what was expected: the text is empty
NOTHING = ""
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


class Reader(Protocol):
    """Keeps what it wants of a document; tokens are text with a character for each byte."""

    def open(self, char: str) -> None:
        """Begin a list or an object."""

    def close(self) -> None:
        """End the innermost list or object."""

    def name(self, token: str) -> None:
        """Take the name of the next member."""

    def scalar(self, token: str) -> None:
        """Take a string, number or word."""

    def run(self, text: str, at: int, container: str) -> int:
        """Take items of a list or members of an object, each with its comma; return their end.

        `container` is `[` or `{`. Return `at` if there are none, or for invalid JSON.
        """


class _Checked:
    """Keeps nothing: the document is only checked."""

    def open(self, char: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def name(self, token: str) -> None:
        """Do nothing."""

    def scalar(self, token: str) -> None:
        """Do nothing."""

    def run(self, text: str, at: int, container: str) -> int:
        """Take nothing."""
        return at


class Wrong(Exception):
    """A syntax error at the character at `at`."""

    def __init__(self, at: int, place: str) -> None:
        super().__init__(place)
        self.at, self.place = at, place


class TokenTooLong(Exception):
    """A token is longer than the given limit."""


_CHECKED = _Checked()


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
    """Find the error that `syntax_error` returns, and yield after some tokens."""
    # Go names the byte, so each one is a character here
    text = raw.decode("latin-1")
    try:
        end = yield from walk(text)
        if whole and _end(_BLANKS, text, end) < len(text):
            raise Wrong(_end(_BLANKS, text, end), "after top-level value")
    except Wrong as wrong:
        return described(text, wrong)
    return ""


def described(text: str, wrong: Wrong) -> str:
    """Return the error text of Go's encoding/json."""
    if wrong.at >= len(text):
        return CUT_SHORT
    return f"invalid character {_quoted(text[wrong.at])} {wrong.place}"


def walk(text: str, reader: Reader = _CHECKED, longest: int = 0) -> Generator[None, None, int]:
    """Scan the tokens of one value and return its end; raise Wrong.

    Yield after some milliseconds. Raise TokenTooLong for a token of more than `longest`
    characters, if that is not 0.
    """
    scan = _Scan(text, reader, longest or len(text) + _LONGEST_ESCAPE)
    while scan.state != "done":
        scan.left = TOKENS_IN_A_STEP
        while scan.left > 0 and scan.state != "done":
            scan.token()
        yield
    return scan.at


class _Scan:
    """The position in a document; `left` is how many tokens may be read in this step."""

    def __init__(self, text: str, reader: Reader, longest: int) -> None:
        self._text = text
        self._reader = reader
        self._longest = longest
        self._open: list[str] = []
        self.state, self.at, self.left = "value", 0, 0

    def token(self) -> None:
        """Read one token, or many that the reader takes at once; raise Wrong."""
        self.left -= 1
        text, start = self._text, _blanks_end(self._text, self.at)
        if start - self.at == BLANKS_IN_A_STEP:
            self.at, self.left = start, 0
            return
        char = text[start : start + 1]
        if char and char in _closing(self.state, self._open):
            self._open.pop()
            self.state, self.at = _after(self._open), start + 1
            self._reader.close()
        elif self._open and _BEFORE_RUN.get(self.state) == self._open[-1]:
            self._run_or_one(char, start)
        else:
            self._one(char, start)

    def _run_or_one(self, char: str, start: int) -> None:
        end = self._reader.run(self._text, start, self._open[-1])
        if end > start:
            self.state = "value" if self._open[-1] == "[" else "key"
            self.at, self.left = end, 0
        else:
            self._one(char, start)

    def _one(self, char: str, start: int) -> None:
        text, state = self._text, self.state
        if state in ("value", "item"):
            if not char and not self._open:
                raise Wrong(start, NOTHING)
            self.state, self.at = _value(text, start, self._open, self._longest)
            take = self._reader.open if char in ("{", "[") else self._reader.scalar
            take(text[start : self.at])
        else:
            self.state, self.at = _between(state, text, start, self._longest)
            if self.state == "colon":
                self._reader.name(text[start : self.at])


# before an item of a list, before a name in an object
_BEFORE_RUN = {"value": "[", "item": "[", "key": "{", "first key": "{"}


def _blanks_end(text: str, at: int) -> int:
    match = _BLANKS.match(text, at, at + BLANKS_IN_A_STEP)
    return match.end() if match else at


def _value(text: str, at: int, open_: list[str], longest: int) -> tuple[str, int]:
    """Return state and position after a value, or after the start of a list or object."""
    char = text[at : at + 1]
    if char not in ("{", "["):
        return _after(open_), _scalar(text, at, longest)
    open_.append(char)
    if len(open_) > MAXIMUM_DEPTH:
        raise Wrong(at, "exceeded max depth")
    return "first key" if char == "{" else "item", at + 1


def _between(state: str, text: str, at: int, longest: int) -> tuple[str, int]:
    """Return state and position after a name, a colon or a comma."""
    char = text[at : at + 1]
    if state in ("first key", "key") and char == '"':
        return "colon", _string(text, at, longest)
    if state == "colon" and char == ":":
        return "value", at + 1
    if state in ("{", "[") and char == ",":
        return "key" if state == "{" else "value", at + 1
    raise Wrong(at, _PLACES[state])


def _closing(state: str, open_: list[str]) -> str:
    """Return the character that ends the innermost list or object, if it may end here."""
    if state in ("first key", "{"):
        return "}"
    return "]" if state == "[" or (state == "item" and open_) else ""


def _after(open_: list[str]) -> str:
    return open_[-1] if open_ else "done"


def _scalar(text: str, at: int, longest: int) -> int:
    """Return the end of a string, number or word."""
    char = text[at : at + 1]
    if char == '"':
        return _string(text, at, longest)
    if word := _WORDS.get(char):
        for offset, letter in enumerate(word):
            if text[at + offset : at + offset + 1] != letter:
                raise Wrong(at + offset, f"in literal {word} (expecting {_quoted(letter)})")
        return at + len(word)
    if not char or char not in "-0123456789":
        raise Wrong(at, _PLACES["value"])
    return _number(text, at, longest)


def _number(text: str, at: int, longest: int) -> int:
    end = _end(_NUMBER, text, at, longest)
    last = text[end - 1]
    if last == "-" and end == at + 1:
        raise Wrong(end, "in numeric literal")
    if last == ".":
        raise Wrong(end, "after decimal point in numeric literal")
    if last in "eE+-":
        raise Wrong(end, "in exponent of numeric literal")
    return end


def _string(text: str, at: int, longest: int) -> int:
    end = _end(_STRING, text, at, longest)
    if text[end : end + 1] == '"':
        return end + 1
    if text[end : end + 1] != "\\":
        raise Wrong(end, "in string literal")
    if text[end + 1 : end + 2] != "u":
        raise Wrong(end + 1, "in string escape code")
    raise Wrong(_end(_HEX, text, end + 2), "in \\u hexadecimal character escape")


def _end(pattern: re.Pattern[str], text: str, at: int, longest: int = 0) -> int:
    """Return where a pattern that may match nothing ends; raise TokenTooLong."""
    if not longest:
        match = pattern.match(text, at)
    else:
        match = pattern.match(text, at, min(at + longest, len(text)))
        # an escape may be cut at the limit
        if match and match.end() - at > longest - _LONGEST_ESCAPE:
            raise TokenTooLong(at)
    return match.end() if match else at


def _quoted(char: str) -> str:
    """Return the character as Go's encoding/json quotes it."""
    if named := _NAMED.get(char):
        return f"'{named}'"
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"'\\x{code:02x}'"
    return f"'\\u{code:04x}'" if 0x80 <= code <= 0xA0 or code == 0xAD else f"'{char}'"
