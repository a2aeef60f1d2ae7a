"""A message: what its bytes say, whatever kind of results it carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from .. import model
from ..errors import InvalidInput, TooLarge
from . import gojson, payload, times
from .gojson import Member

T_co = TypeVar("T_co", covariant=True)

DATE_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"

_MAXIMA = {"OrgID": model.MAX_ORG_ID, "AccountNumber": 2**32 - 1, "Version": 255}
_NULLABLE = ("OrgID", "AccountNumber", "ClusterName")
_ATTRIBUTES = gojson.names(
    "OrgID", "AccountNumber", "ClusterName", "LastChecked", "Version", "RequestId", "Metadata"
)
_METADATA = gojson.names("gathering_time")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message, also of a refused one.

    `received` says that the payload tracker hears `received` of it; `last_checked` is naive UTC,
    as far as checking came to it.
    """

    org: int | None = None
    account: int | None = None
    request_id: str = ""
    cluster: str = ""
    version: int | None = None
    received: bool = False
    last_checked: datetime | None = None


class Refused(InvalidInput):
    """A message that cannot be accepted; `kind` is a short word for counting."""

    def __init__(self, kind: str, text: str, envelope: Envelope) -> None:
        super().__init__(text)
        self.kind = kind
        self.envelope = envelope


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T_co]):
    """An accepted message; `report` is None when it is skipped as empty."""

    envelope: Envelope
    report: T_co | None
    warnings: tuple[str, ...] = ()


class Decoder(Protocol):
    """What makes of a message's bytes what storage takes."""

    def decode(self, value: bytes | None) -> Decoded[model.Report | model.DvoReport]:
        """Return the decoded message; raise Refused, and nothing else, when it is bad."""


@dataclass(slots=True)
class Message:
    """An opened message: the text and what the envelope holds; `body` is the report's members.

    `known` grows while the envelope is read, so that a refusal tells what is known till then.
    """

    text: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Member] | None = None
    gathered: times.Moment = times.UNKNOWN
    received: bool = False
    last_checked: datetime | None = None
    wrong: tuple[str, str] | None = None

    def envelope(self) -> Envelope:
        """Return what is known of the message."""
        known = self.known
        return Envelope(
            known.get("OrgID"),
            known.get("AccountNumber"),
            known.get("RequestId", ""),
            known.get("ClusterName") or "",
            known.get("Version", 0) if self.text else None,
            self.received,
            self.last_checked,
        )

    def refused(self, kind: str, text: str) -> Refused:
        """Return the error for this message."""
        return Refused(kind, text, self.envelope())

    def require(self, *attributes: str) -> None:
        """Raise Refused unless these attributes are there and not null."""
        for name in attributes:
            if self.known.get(name) is None:
                raise self.refused("missing_attribute", f"missing required attribute '{name}'")

    def require_cluster(self) -> None:
        """Raise Refused unless the cluster's name is a UUID."""
        try:
            model.check_cluster(self.known["ClusterName"])
        except InvalidInput as error:
            raise self.refused("cluster", "cluster name is not a UUID") from error

    def check_organization(self, allowed: frozenset[int] | None) -> None:
        """Raise Refused unless the organization is on the allow list, if there is one."""
        if allowed is not None and self.known["OrgID"] not in allowed:
            raise self.refused("allow_list", "organization ID is not in allow list")

    def read_last_checked(self) -> datetime:
        """Return LastChecked as naive UTC; raise Refused if it is not RFC 3339."""
        text = self.known.get("LastChecked", "")
        try:
            self.last_checked = times.moment(text).utc
        except InvalidInput as error:
            shown = text if len(text) <= 60 else text[:57] + "..."
            raise self.refused(
                "last_checked", f'parsing time "{shown}" as "{DATE_LAYOUT}": LastChecked: {error}'
            ) from error
        return self.last_checked

    def require_storable(self, names: Iterable[tuple[str, str]]) -> None:
        """Raise Refused for what no table can hold: a large organization, NUL in a name."""
        org = self.known["OrgID"]
        if org > model.MAX_STORED_ORG_ID:
            raise self.refused("organization", f"OrgID: {org} is above {model.MAX_STORED_ORG_ID}")
        for name, text in names:
            if "\0" in text:
                raise self.refused("nul", f"{name}: NUL character is not allowed")

    def version_warnings(self) -> list[str]:
        """Return the warning about an unexpected version, if there is cause for it."""
        version = self.known.get("Version", 0)
        if version in (1, 2):
            return []
        return [f"Received data with unexpected version {version}."]


def read(value: bytes | None, body: str, maximum_unpacked_size: int) -> Message:
    """Return the opened message whose report is in attribute `body`.

    Raise Refused if it is no JSON or an attribute of the envelope has a wrong type.
    """
    message = Message()
    try:
        document = gojson.document(payload.unpacked(value or b"", maximum_unpacked_size))
    except TooLarge as error:
        raise message.refused("too_large", str(error)) from error
    except InvalidInput as error:
        raise message.refused("gzip", str(error)) from error
    except gojson.JsonError as error:
        raise message.refused("json", str(error)) from error
    message.text = document.text
    if document.first == "{":
        _read_envelope(message, gojson.members(document), body)
    elif document.first != "n":
        message.wrong = ("type", "the message: object expected")
    if message.wrong:
        raise message.refused(*message.wrong)
    return message


def _read_envelope(message: Message, members: Iterable[Member], body: str) -> None:
    """Note the attributes; a wrong type is remembered while reading goes on, as in the reference.

    An attribute of a wrong type counts as 0 or "" for what is told of the message.
    """
    folded_body = gojson.fold(body)
    for member in members:
        name = gojson.attribute(member.key, _ATTRIBUTES)
        if name in _MAXIMA:
            _read_number(message, name, member)
        elif name == "Metadata":
            _read_metadata(message, member)
        elif name is not None:
            _read_text(message, name, member)
        elif gojson.fold(member.key) == folded_body:
            _read_body(message, body, member)


def _blame(message: Message, kind: str, name: str, reason: str, member: Member) -> None:
    """Remember the first wrong attribute."""
    if message.wrong is None:
        message.wrong = (kind, f"{name}: {reason}, got {gojson.shown(member.value)}")


def _read_number(message: Message, name: str, member: Member) -> None:
    value, maximum = member.value, _MAXIMA[name]
    if value is None:
        if name in _NULLABLE:
            message.known[name] = None
    elif type(value) is int and 0 <= value <= maximum and member.first != "-":
        message.known[name] = value
    else:
        message.known[name] = message.known.get(name) or 0
        _blame(message, "type", name, f"whole number 0...{maximum} expected", member)


def _read_text(message: Message, name: str, member: Member) -> None:
    value = member.value
    if value is None:
        if name in _NULLABLE:
            message.known[name] = None
    elif isinstance(value, str):
        message.known[name] = gojson.clean(value)
    else:
        message.known[name] = message.known.get(name) or ""
        _blame(message, "type", name, "text expected", member)


def _read_metadata(message: Message, member: Member) -> None:
    if member.first == "{":
        for part in gojson.members(member):
            if gojson.attribute(part.key, _METADATA) and part.first != "n":
                _read_gathering_time(message, part)
    elif member.first != "n":
        _blame(message, "type", "Metadata", "object expected", member)


def _read_gathering_time(message: Message, part: Member) -> None:
    # as written, without unescaping: the reference reads it so
    written = part.text[1:-1] if part.first == '"' else ""
    try:
        message.gathered = times.strict_moment(written)
    except InvalidInput as error:
        _blame(message, "gathering_time", "Metadata.gathering_time", str(error), part)


def _read_body(message: Message, name: str, member: Member) -> None:
    if member.first == "n":
        message.known[name] = message.body = None
    elif member.first == "{":
        # given twice, the two are merged
        message.known[name] = True
        message.body = (message.body or {}) | {part.key: part for part in gojson.members(member)}
    else:
        _blame(message, "type", name, "object expected", member)
