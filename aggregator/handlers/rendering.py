"""Renders JSON responses as Go does: top-level keys sorted, `<>&` escaped, a final line feed."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
import orjson

from ..parts import Parts, in_slices, turn
from .answers import PIECE
from .json_syntax import TOKENS_IN_A_STEP, in_steps, syntax_error

T = TypeVar("T")

# rows rendered in one turn of the event loop
ROWS_IN_A_SLICE = 100
# a stored text of this size is checked or indented in a few milliseconds
LONG_TEXT = 64 * 1024

_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
_SEPARATORS = (("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def escaped(document: bytes) -> bytes:
    """Escape `<>&`, U+2028 and U+2029, which occur only inside JSON strings."""
    for char, escape in _ESCAPES if document.isascii() else _ESCAPES + _SEPARATORS:
        if char in document:
            document = document.replace(char, escape)
    return document


def escaped_slices(document: bytes) -> Iterator[bytes]:
    """Yield what `escaped` returns in pieces."""
    start = 0
    while start < len(document):
        end = start + PIECE
        # do not cut a character of several bytes
        while end < len(document) and document[end] & 0xC0 == 0x80:
            end += 1
        yield escaped(document[start:end])
        start = end


def around(name: str) -> tuple[bytes, bytes]:
    """Return what is before and after the value of `name` in an answer with status `ok`."""
    if name < "status":
        return b'{"%s":' % name.encode(), b',"status":"ok"}\n'
    return b'{"status":"ok","%s":' % name.encode(), b"}\n"


async def listed(
    before: bytes,
    items: Parts[T],
    document: Callable[[T], Any],
    after: bytes,
    *,
    empty: bytes = b"[]",
) -> AsyncGenerator[bytes, None]:
    """Yield a list of documents in parts of a few rows, between `before` and `after`."""
    async for part in joined(before, items, lambda some: [document(one) for one in some]):
        yield part
        before = b""
    yield (before + empty if before else b"]") + after


async def mapped(
    before: bytes,
    items: Parts[T],
    member: Callable[[T], tuple[str, Any]],
    after: bytes,
    *,
    empty: bytes = b"{}",
) -> AsyncGenerator[bytes, None]:
    """Yield an object in parts of a few members, between `before` and `after`."""
    async for part in joined(before, items, lambda some: dict(map(member, some))):
        yield part
        before = b""
    yield (before + empty if before else b"}") + after


async def joined(
    before: bytes, items: Parts[T], container: Callable[[Sequence[T]], list[Any] | dict[str, Any]]
) -> AsyncGenerator[bytes, None]:
    """Yield what is before the end of a list or an object, nothing if there are no items."""
    first = True
    async with aclosing(items):
        async for part in items:
            async for some in in_slices(part, ROWS_IN_A_SLICE):
                document = escaped(orjson.dumps(container(some)))
                yield before + document[:-1] if first else b"," + document[1:-1]
                first = False


async def in_pieces(document: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a document that is there already, so that it is sent in pieces."""
    async for piece in in_slices(document, PIECE):
        yield bytes(piece)


def render(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON document of a response."""
    ordered = {name: payload[name] for name in sorted(payload)}
    return escaped(orjson.dumps(ordered)) + b"\n"


def embedded(text: str) -> Any:
    """Return stored JSON text for `render`, unparsed, so that numbers stay as written.

    Text that is not JSON is rendered as base64 and empty text as "" (contract rest-api 3.2).
    """
    return orjson.Fragment(text.encode()) if is_json(text) else _as_base64(text)


async def embedded_in_slices(text: str) -> Any:
    """Return what `embedded` returns; the event loop runs while a long text is checked."""
    if len(text) <= LONG_TEXT:
        return embedded(text)
    try:
        checking = in_steps(text.encode(), whole=True)
    except UnicodeError:
        return _as_base64(text)
    while True:
        try:
            next(checking)
        except StopIteration as ended:
            return _as_base64(text) if ended.value else orjson.Fragment(text.encode())
        await turn()


def _as_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode() if text else ""


def is_json(text: str) -> bool:
    """Return True if the text is one JSON document; numbers may have any size."""
    try:
        orjson.loads(text)
    except ValueError:
        return _is_odd_json(text)
    return True


def _is_odd_json(text: str) -> bool:
    # orjson rejects lone surrogates, deep nesting and huge numbers, which Go accepts
    try:
        return not syntax_error(text.encode(), whole=True)
    except UnicodeError:
        return False


def indented(text: str, depth: int) -> Iterator[bytes]:
    """Yield stored JSON as Go's `json.MarshalIndent` writes it at nesting level `depth`.

    Only white space and the characters of `escaped` change: order, duplicate names, numbers and
    escapes stay. Long or odd texts come in many pieces, some of them empty: the indentation of a
    deep one is longer than the text. Raise ValueError before the first byte for invalid JSON.
    """
    raw = text.encode()
    if len(raw) <= LONG_TEXT:
        try:
            document = msgspec.json.format(raw, indent=1)
        except (msgspec.MsgspecError, RecursionError):
            pass
        else:
            # JSON strings contain no line feed, so indentation follows each
            yield escaped(
                _INDENTATION.sub(
                    lambda found: b"\n" + b"\t" * (len(found[0]) - 1 + depth), document
                )
            )
            return
    yield from _indented_slowly(raw, depth)


def _indented_slowly(document: bytes, depth: int) -> Iterator[bytes]:
    """Indent JSON that the library rejects (lone surrogates, deep nesting), or that is long."""
    checking = in_steps(document, whole=True)
    while True:
        try:
            next(checking)
        except StopIteration as ended:
            if ended.value:
                raise ValueError(ended.value) from None
            break
        yield b""
    piece, last = bytearray(), b""
    for number, found in enumerate(_TOKENS.finditer(document), 1):
        token = found[0]
        line = b"\n" + b"\t" * depth
        if token in b"}]":
            depth -= 1
            piece += token if last in (b"{", b"[") else line[:-1] + token
        else:
            piece += line + token if last and last in b"{[," else token
            depth += token in b"{["
            if token == b":":
                piece += b" "
        last = token
        if len(piece) >= PIECE or not number % TOKENS_IN_A_STEP:
            yield escaped(bytes(piece))
            piece.clear()
    yield escaped(bytes(piece))


_INDENTATION = re.compile(rb"\n *")
_TOKENS = re.compile(rb'[{}\[\],:]|"(?:[^"\\]++|\\.)*+"|[^{}\[\],:" \t\r\n]++')
