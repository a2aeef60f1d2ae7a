"""Keeps what handlers need of a long JSON body, which is read in steps.

The parsers of libraries read a whole body at once and hold the GIL meanwhile: 16 MiB of non-ASCII
names took 1.8 s and 430 MB. Here nothing is kept but the items of a list, and the members of an
object that a handler may ask for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

# items of a list are read in runs of this size
RUN = 16 * 1024
_STRING = r'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrtu])*+"'
_ITEM = rf"(?:{_STRING}|-?[0-9][0-9.eE+-]*+|true|false|null)"
_BLANKS = r"[ \t\r\n]*+"
_RUNS = {
    "[": re.compile(rf"(?:{_BLANKS}{_ITEM}{_BLANKS},)*+"),
    "{": re.compile(rf"(?:{_BLANKS}{_STRING}{_BLANKS}:{_BLANKS}{_ITEM}{_BLANKS},)*+"),
}
# no attribute is longer, even if each letter is an escape
LONGEST_NAME = 128
_WORDS = {"t": True, "f": False, "n": None}

Pairs = list[tuple[str, Any]]


class Kept:
    """A reader of one document (`json_syntax.Reader`), whose value is `value` at the end.

    `named` returns the name to keep a member by, or an empty text; `number` and `made` make the
    values of numbers and objects. Lists and objects inside of a list, and objects inside of an
    object, have the wrong type for any attribute: they are kept as empty ones.
    """

    def __init__(
        self,
        named: Callable[[str], str],
        number: Callable[[str], Any],
        made: Callable[[Pairs], dict[str, Any]],
    ) -> None:
        self.value: Any = None
        self._named = named
        self._number = number
        self._members = json.JSONDecoder(object_pairs_hook=list, parse_int=number)
        self._made = made
        self._level = 0
        self._items: list[Any] | None = None
        self._pairs: Pairs | None = None
        self._name = ""
        # how deep the walk is inside of what is not kept
        self._skipped = 0

    def open(self, char: str) -> None:
        """Begin a list or an object."""
        if self._skipped:
            self._skipped += 1
        elif not self._level:
            self._level = 1
            if char == "[":
                self.value = self._items = []
            else:
                self._pairs = []
        elif char == "[" and self._items is None and self._name:
            self._level = 2
            items: list[Any] = []
            self._keep(items)
            self._items = items
        else:
            self._keep([] if char == "[" else {})
            self._skipped = 1

    def close(self) -> None:
        """End the innermost list or object."""
        if self._skipped:
            self._skipped -= 1
            return
        self._level -= 1
        if self._level:
            self._items = None
        elif self._pairs is not None:
            self.value = self._made(self._pairs)

    def name(self, token: str) -> None:
        """Note the name of the next member."""
        if not self._skipped:
            self._name = self._named(_text(token)) if len(token) <= LONGEST_NAME else ""

    def scalar(self, token: str) -> None:
        """Keep a string, number or word."""
        if not self._skipped and (self._items is not None or self._name or not self._level):
            self._keep(self._value(token))

    def run(self, text: str, at: int, container: str) -> int:
        """Keep what is no list and no object, and return where it ends: `at` for invalid JSON."""
        match = _RUNS[container].match(text, at, at + RUN)
        if not match or match.end() == at:
            return at
        raw = text[at : match.end() - 1].encode("latin-1")
        try:
            if container == "[":
                self._keep_all(_items(raw))
            else:
                self._keep_members(self._members.decode("{" + raw.decode("utf-8", "replace") + "}"))
        except ValueError:
            return at
        return match.end()

    def _keep_all(self, items: list[Any]) -> None:
        if not self._skipped and self._items is not None:
            self._items += items

    def _keep_members(self, pairs: Pairs) -> None:
        if not self._skipped and self._pairs is not None:
            named = ((self._named(name), value) for name, value in pairs)
            self._pairs += [(name, value) for name, value in named if name]

    def _keep(self, value: Any) -> None:
        if self._items is not None:
            self._items.append(value)
        elif self._pairs is None:
            self.value = value
        elif self._name:
            self._pairs.append((self._name, value))

    def _value(self, token: str) -> Any:
        if token[0] == '"':
            return _text(token)
        return _WORDS[token[0]] if token[0] in _WORDS else self._number(token)


def _items(raw: bytes) -> list[Any]:
    raw = b"[" + raw + b"]"
    items: list[Any]
    try:
        items = orjson.loads(raw)
    except ValueError:
        # bytes that are not UTF-8, half of a surrogate pair, a number out of range
        items = json.loads(raw.decode("utf-8", "replace"))
    return items


def _text(token: str) -> str:
    """Return the text of a JSON string; invalid UTF-8 becomes U+FFFD."""
    if "\\" not in token and token.isascii():
        return token[1:-1]
    text: str = json.loads(token.encode("latin-1").decode("utf-8", "replace"))
    return text
