"""Parses the envelope of a message, the attributes beside the report."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from ... import model
from ...errors import InvalidInput, TooLarge
from ..gojson import values
from ..gojson.values import Member
from . import payload, times
from .message import Message

_MAXIMA = {"OrgID": model.MAX_ORG_ID, "AccountNumber": 2**32 - 1, "Version": 255}
_NULLABLE = ("OrgID", "AccountNumber", "ClusterName")
_ATTRIBUTES = values.names(
    "OrgID", "AccountNumber", "ClusterName", "LastChecked", "Version", "RequestId", "Metadata"
)
_METADATA = values.names("gathering_time")
_TEXTS = ("ClusterName", "LastChecked", "RequestId")
_OBJECT = ord("{")
_DIGITS = len(str(model.MAX_ORG_ID))


class _WellFormedMetadata(msgspec.Struct, forbid_unknown_fields=True):
    gathering_time: msgspec.Raw


_metadata = msgspec.json.Decoder(_WellFormedMetadata).decode


def read(value: bytes | None, body: str, maximum_unpacked_size: int) -> Message:
    """Return the opened message whose report is in attribute `body`.

    Raise InvalidMessage if it is no JSON or an attribute of the envelope has a wrong type.
    """
    message = Message()
    try:
        raw = payload.unpacked(value or b"", maximum_unpacked_size)
        payload.check_size(raw, maximum_unpacked_size)
        document = values.document(raw)
    except TooLarge as error:
        raise message.invalid("too_large", str(error)) from error
    except InvalidInput as error:
        raise message.invalid("gzip", str(error)) from error
    except values.JsonError as error:
        raise message.invalid("json", str(error)) from error
    message.text = document.text
    if _read_fast(message, document, body):
        return message
    if document.first == "{":
        _read_envelope(message, values.members(document), body)
    elif document.first != "n":
        message.wrong = ("type", "the message: object expected")
    if message.wrong:
        raise message.invalid(*message.wrong)
    return message


def _read_envelope(message: Message, members: Iterable[Member], body: str) -> None:
    """Parse the attributes; after a wrong type parsing continues, as in the Go service.

    An attribute of a wrong type counts as 0 or "" in the envelope.
    """
    folded_body = values.fold(body)
    for member in members:
        name = values.attribute(member.key, _ATTRIBUTES)
        if name in _MAXIMA:
            _read_number(message, name, member)
        elif name == "Metadata":
            _read_metadata(message, member)
        elif name is not None:
            _read_text(message, name, member)
        elif values.fold(member.key) == folded_body:
            _read_body(message, body, member)


def _read_fast(message: Message, document: Member, body: str) -> bool:
    """Read the attributes on the fast path; return False if the message is not well-formed.

    Well-formed: each attribute occurs once, in the exact spelling and with a value of its type.
    Any other message leaves `message` unchanged.
    """
    members = values.fields(document)
    if members is None or not _are_well_formed(tuple(members), body):
        return False
    read = {name: _well_formed_value(name, raw, body) for name, raw in members.items()}
    if None in read.values():
        return False
    message.gathered = read.pop("Metadata", times.UNKNOWN)
    message.known = read
    if body in members:
        message.whole = values.whole(document, body, members[body])
    return True


def _well_formed_value(name: str, raw: msgspec.Raw, body: str) -> Any:
    """Return the value of a well-formed attribute, None if it is not well-formed."""
    if name in _MAXIMA:
        return _number(raw, _MAXIMA[name])
    if name in _TEXTS:
        return values.plain_text(raw)
    if name == "Metadata":
        return _gathered(raw)
    if name == body:
        return True if memoryview(raw)[0] == _OBJECT else None
    return raw


@lru_cache(maxsize=1024)
def _are_well_formed(names: tuple[str, ...], body: str) -> bool:
    """Return True if no name is another spelling of an attribute."""
    exact = {*_ATTRIBUTES.values(), body}
    folded = {values.fold(name) for name in exact}
    return not any(values.fold(name) in folded for name in names if name not in exact)


def _number(raw: msgspec.Raw, most: int) -> int | None:
    digits = bytes(raw) if len(raw) <= _DIGITS else b""
    return number if digits.isdigit() and (number := int(digits)) <= most else None


def _gathered(raw: msgspec.Raw) -> times.Moment | None:
    """Return the time in the metadata, if they contain nothing else."""
    try:
        written = _metadata(raw).gathering_time
        text = values.plain_text(written)
        # its length shows whether the name occurs twice
        if text is None or len(raw) != len(written) + len('{"gathering_time":}'):
            return None
        return times.moment(text)
    except (msgspec.DecodeError, InvalidInput):
        return None


def _record_error(message: Message, kind: str, name: str, reason: str, member: Member) -> None:
    """Record the first wrong attribute."""
    if message.wrong is None:
        message.wrong = (kind, f"{name}: {reason}, got {values.abbreviated(member.value)}")


def _read_number(message: Message, name: str, member: Member) -> None:
    value, maximum = member.value, _MAXIMA[name]
    if value is None:
        if name in _NULLABLE:
            message.known[name] = None
    elif type(value) is int and 0 <= value <= maximum and member.first != "-":
        message.known[name] = value
    else:
        message.known[name] = message.known.get(name) or 0
        _record_error(message, "type", name, f"whole number 0...{maximum} expected", member)


def _read_text(message: Message, name: str, member: Member) -> None:
    value = member.value
    if value is None:
        if name in _NULLABLE:
            message.known[name] = None
    elif isinstance(value, str):
        message.known[name] = values.clean(value)
    else:
        message.known[name] = message.known.get(name) or ""
        _record_error(message, "type", name, "text expected", member)


def _read_metadata(message: Message, member: Member) -> None:
    if member.first == "{":
        for part in values.members(member):
            if values.attribute(part.key, _METADATA) and part.first != "n":
                _read_gathering_time(message, part)
    elif member.first != "n":
        _record_error(message, "type", "Metadata", "object expected", member)


def _read_gathering_time(message: Message, part: Member) -> None:
    # as written, without unescaping: the Go service reads it so
    written = part.text[1:-1] if part.first == '"' else ""
    try:
        message.gathered = times.moment(written)
    except InvalidInput as error:
        _record_error(message, "gathering_time", "Metadata.gathering_time", str(error), part)


def _read_body(message: Message, name: str, member: Member) -> None:
    if member.first == "n":
        message.known[name] = message.parts = None
    elif member.first == "{":
        # given twice, the two are merged
        message.known[name] = True
        message.parts = (message.parts or {}) | {part.key: part for part in values.members(member)}
    else:
        _record_error(message, "type", name, "object expected", member)
