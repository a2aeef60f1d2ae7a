"""JSON values with their original text, read as Go's encoding/json reads them.

The Go service stores parts of a message as they were written, so a tree of Python values is not
enough: number spellings, escapes and white space would be lost.

msgspec splits the text quickly. What it rejects, or parses differently from Go, is scanned slowly
by `scanner`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from . import scanner
from .scanner import JsonError, clean, is_unicode

__all__ = ["JsonError", "clean", "is_unicode"]

DEEP: Final = object()

_HTML_ESCAPES = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}

_parse = json.JSONDecoder().raw_decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode

_Text = str | msgspec.Raw


class WrongType(ValueError):
    """An attribute has a value of the wrong type; the message names both types."""


class Member(NamedTuple):
    """A value and its name, empty in lists; `compact` is the value without blanks."""

    key: str
    written: _Text
    compact: _Text

    @property
    def text(self) -> str:
        """Return the value as written."""
        return as_text(self.written)

    @property
    def first(self) -> str:
        """Return the first character of the value, which determines its type."""
        written = self.written
        return written[0] if isinstance(written, str) else chr(memoryview(written)[0])

    @property
    def value(self) -> Any:
        """Return the value for Python, DEEP when it is nested too deep for Python."""
        text = self.text
        if text[0] == '"' and "\\" not in text:
            return text[1:-1]
        try:
            return _parse(text)[0]
        except (RecursionError, ValueError):
            # nested too deep, or a number of more than 4,300 digits
            return DEEP


def as_text(text: _Text) -> str:
    """Return the text of a value, which is a slice of bytes or of text."""
    return text if isinstance(text, str) else str(text, "utf-8")


def document(raw: bytes) -> Member:
    """Parse a JSON document; raise JsonError.

    Bytes that are not UTF-8 become lone surrogates.
    """
    try:
        text = raw.decode()
        compact = msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = raw.decode(errors="surrogateescape")
        scanner.check(text)
        compact = scanner.compact(text)
    return Member("", text.strip(" \t\n\r"), compact)


def fields(of: Member) -> dict[str, msgspec.Raw] | None:
    """Return an object's compact values by name; None if a name is escaped or occurs twice."""
    try:
        found = _object(of.compact)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    # a duplicate name would make the text longer than its distinct members
    size = 1 + sum(map(len, found)) + sum(map(len, found.values())) + 4 * len(found)
    return found if size == len(of.compact) else None


def whole(of: Member, name: str, compact: msgspec.Raw) -> Member:
    """Return the member `name` of an object without escaped names; its compact value is known."""
    if len(of.compact) == len(of.written):
        return Member(name, compact, compact)
    return Member(name, _object(of.written)[name], compact)


def plain_text(raw: msgspec.Raw | None) -> str | None:
    """Return text that is written without escapes, None for anything else."""
    text = "" if raw is None else str(raw, "utf-8")
    return text[1:-1] if text.startswith('"') and "\\" not in text else None


def members(of: Member) -> list[Member]:
    """Return the members of an object, those of one name in their order."""
    lean = fields(of)
    if lean is not None:
        written = lean if len(of.compact) == len(of.written) else _object(of.written)
        return [Member(key, written[key], value) for key, value in lean.items()]
    return [Member(key, text, scanner.compact(text)) for key, text in scanner.members(of.text)]


def items(of: Member) -> list[Member]:
    """Return the elements of a list."""
    try:
        pairs = zip(_list(of.written), _list(of.compact), strict=True)
        return [Member("", written, lean) for written, lean in pairs]
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return [Member("", text, scanner.compact(text)) for text in scanner.items(of.text)]


def elements(of: Member) -> list[Any]:
    """Return the elements of a list (none of null) as Python values, its objects as dicts."""
    values = of.value
    if values is not DEEP:
        return list(values or ())
    return [
        {part.key: part.value for part in members(item)} if item.first == "{" else item.value
        for item in items(of)
    ]


def pairs(of: Member) -> list[tuple[str, Any]]:
    """Return names and values of an object, however deep its values are nested."""
    return [(part.key, part.value) for part in members(of)]


def rewrite(parts: Mapping[str, Member]) -> str:
    """Return an object of these members as the Go service writes a map of raw values.

    Keys in the order of their bytes, no blanks, nested values in the order and spelling of the
    message; `< > &` and the two line separators are escaped.
    """
    members = (f"{_name(key)}:{as_text(parts[key].compact)}" for key in sorted(parts))
    return escaped("{" + ",".join(members) + "}")


def escaped(text: str) -> str:
    """Return JSON text with the characters escaped that the Go service escapes."""
    for char, escape in _HTML_ESCAPES.items():
        if char in text:
            text = text.replace(char, escape)
    return text


@lru_cache(maxsize=4096)
def _name(key: str) -> str:
    """Return a name in quotes."""
    return json.dumps(key, ensure_ascii=False)


def quote(text: str) -> str:
    """Return JSON text (already rewritten) as one JSON string, as the Go service writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if not is_unicode(escaped):
        escaped = scanner.SURROGATE.sub(r"\\ufffd", escaped)
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
    """Return the table for `attribute`; an attribute itself is in it, too."""
    return {fold(name): name for name in attributes} | {name: name for name in attributes}


def text(member: Member, name: str, before: str) -> str:
    """Return the value, which is text; null leaves what was there before. Raise WrongType."""
    value = member.value
    if value is None:
        return before
    if not isinstance(value, str):
        raise WrongType(f"{name}: text expected, got {abbreviated(value)}")
    return clean(value)


def texts(parts: Iterable[tuple[str, Any]], known: Mapping[str, str]) -> dict[str, str]:
    """Return the known text attributes of an object; null is ignored, the last one wins.

    Raise WrongType for a value that is no text.
    """
    found = dict.fromkeys(known.values(), "")
    for key, value in parts:
        name = known.get(key) or known.get(fold(key))
        if name is None or value is None:
            continue
        if not isinstance(value, str):
            raise WrongType(f"{name}: text expected, got {abbreviated(value)}")
        found[name] = clean(value)
    return found


def abbreviated(value: Any) -> str:
    """Return a value for an error text, cut when it is long."""
    if value is DEEP:
        return "something very deep or long"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
