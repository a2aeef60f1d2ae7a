"""Parses JSON request bodies as the Go service does (contract rest-api 1.6)."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from ..errors import InvalidInput, TooLarge
from ..model import well_formed
from ..parts import in_slices
from .json_syntax import NOTHING, TokenTooLong, Wrong, described, syntax_error, walk
from .long_body import Kept
from .params import clean

NO_BODY = "client didn't provide request body"
BAD_TYPE = "bad type in json data"


_CONFLICT = object()
# Go's case folding maps two non-ASCII letters to ASCII
_FOLDED = str.maketrans({"\u017f": "s", "\u212a": "k"})


def fold(name: str) -> str:
    """Return the name case-folded, as Go compares attribute names."""
    return name.lower() if name.isascii() else name.translate(_FOLDED).lower()


def folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object by case-folded names: the last of equal names counts, null changes nothing.

    Equal names with values of different types get a value that is no JSON type, since one of them
    has the wrong type for any attribute.
    """
    result: dict[str, Any] = {}
    for name, value in pairs:
        key = fold(name)
        former = result.get(key)
        if former is None:
            result[key] = value
        elif value is not None:
            result[key] = value if type(value) is type(former) else _CONFLICT
    return result


def _constant(name: str) -> Any:
    raise ValueError(f"invalid value {name}")


# a body of this size is parsed in a few milliseconds in any case
SURELY_QUICK = 64 * 1024
# bytes that are looked through in a few milliseconds
COUNTED = 4 * 1024 * 1024
# a text or number of this size is read in a few milliseconds
LONGEST_TOKEN = 512 * 1024
MOST_VALUES, MOST_CONTAINERS = 500_000, 10_000
# names that are checked in a millisecond
NAMES_IN_A_SLICE = 5000
# what handlers read of an object, case-folded
WANTED = frozenset({"clusters", "message", "justification", "rule", "rating"})


def _check_work(raw: bytes) -> Generator[None, None, None]:
    containers = commas = 0
    for start in range(0, len(raw), COUNTED):
        end = start + COUNTED
        containers += raw.count(b"{", start, end) + raw.count(b"[", start, end)
        commas += raw.count(b",", start, end)
        yield
    if containers > MOST_CONTAINERS or commas > MOST_VALUES:
        raise TooLarge(
            f"JSON in request body has more than {MOST_VALUES} values, or more than "
            f"{MOST_CONTAINERS} objects and lists"
        )


def _integer(digits: str) -> Any:
    """Return a 64 bit integer; larger ones get a type that no attribute has."""
    if len(digits) > 20:
        return _CONFLICT
    value = int(digits)
    return value if -(2**63) <= value < 2**63 else _CONFLICT


_DECODER = json.JSONDecoder(object_pairs_hook=folded, parse_constant=_constant, parse_int=_integer)


def document(raw: bytes) -> Any:
    """Parse the bytes as one JSON document, as `parse` does; raise ValueError.

    Invalid UTF-8 becomes U+FFFD. Other encodings and a byte order mark are errors.
    Raise RecursionError if it is nested too deep for Python.
    """
    return _DECODER.decode(raw.decode("utf-8", "replace"))


def parse(raw: bytes) -> Any:
    """Return the first JSON value of a short body; names of objects are case-folded.

    Raise InvalidInput when there is none, or when it is cut short (departure 18).
    """
    text = raw.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise InvalidInput(NO_BODY)
    try:
        return _DECODER.raw_decode(text)[0]
    except RecursionError as error:
        raise InvalidInput("JSON in request body is nested too deep") from error
    except ValueError as error:
        words = syntax_error(raw)
        raise InvalidInput(words or f"invalid JSON in request body: {error}") from error


def parse_in_steps(raw: bytes, *, required: bool = True) -> Generator[None, None, Any]:
    """Return what `parse` returns, with the WANTED members only; yield after some milliseconds.

    Return None for white space if the body is not `required`. Raise TooLarge also for too many
    values, or for a long one; no valid request has such.
    """
    yield from _check_work(raw)
    text = raw.decode("latin-1")
    del raw
    yield
    kept = Kept(_wanted, _number, folded)
    try:
        yield from walk(text, kept, LONGEST_TOKEN)
    except Wrong as wrong:
        if wrong.place == NOTHING and not required:
            return None
        raise InvalidInput(described(text, wrong) if wrong.place else NO_BODY) from wrong
    except TokenTooLong as error:
        raise TooLarge(
            f"JSON in request body has a value of more than {LONGEST_TOKEN} bytes"
        ) from error
    return kept.value


def _wanted(name: str) -> str:
    key = fold(name)
    return key if key in WANTED else ""


def _number(token: str) -> Any:
    return _integer(token) if token.lstrip("-").isdigit() else float(token)


def field_text(document: Any, name: str) -> str:
    """Return a text of the object, "" when it is null or absent."""
    value = field(document, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(BAD_TYPE)
    return clean(name, _well_formed(value))


async def field_names(document: Any, name: str) -> list[str]:
    """Return a list of texts of the object, empty when it is null or absent."""
    return await names_in_slices(field(document, name))


def field_integer(document: Any, name: str) -> int:
    """Return an integer of the object, 0 when it is null or absent; `1.0` is a wrong type."""
    value = field(document, name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(BAD_TYPE)
    return value


def names(document: Any) -> list[str]:
    """Return a JSON list of texts; null stands for an empty list and, inside, an empty text.

    A text with NUL cannot be a stored name, and PostgreSQL rejects it, so it is invalid input
    (departure 18).
    """
    if document is None:
        return []
    if not isinstance(document, list):
        raise InvalidInput(BAD_TYPE)
    kinds = set(map(type, document))
    if not kinds <= {str, type(None)}:
        raise InvalidInput(BAD_TYPE)
    # cluster names are ASCII; there may be thousands of them
    together = "".join(document) if kinds == {str} else "\0"
    if together.isascii() and "\0" not in together:
        return document
    return [clean("clusters", _well_formed(item or "")) for item in document]


async def names_in_slices(document: Any) -> list[str]:
    """Return what `names` returns; the event loop runs while a long list is checked."""
    if not isinstance(document, list):
        return names(document)
    checked: list[str] = []
    async for some in in_slices(document, NAMES_IN_A_SLICE):
        checked += names(some)
    return checked


def limited(name: str, text: str, limit: int) -> str:
    """Return the text unless it is longer than `limit` bytes (contract rest-api 4.1, 4.4)."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    shown = raw[:limit].decode("utf-8", "replace")
    thing = "feedback message" if name == "message" else name
    raise InvalidInput(
        f"Error during validating param '{name}' with value '{shown}...'. "
        f"Error: '{thing} is longer than {limit} bytes'"
    )


def field(document: Any, name: str) -> Any:
    """Return an attribute of the object, None when either is null or absent."""
    if document is None:
        return None
    if not isinstance(document, dict):
        raise InvalidInput(BAD_TYPE)
    return document.get(name)


def _well_formed(text: str) -> str:
    """Replace lone surrogates, as the Go service's decoder does."""
    return well_formed(text)
