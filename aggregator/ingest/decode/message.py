"""Decoding of a message, common to OCP and DVO results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from ... import model
from ...errors import InvalidInput
from ..gojson import values
from ..gojson.values import Member
from . import times

MOST_WARNINGS = 20
# hits or namespaces of a report: each becomes rows in three tables
MOST_PARTS = 20_000

T_co = TypeVar("T_co", covariant=True)

DATE_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"


class Envelope(msgspec.Struct, frozen=True):
    """The attributes of a message, as far as they were parsed.

    `received` is True if the payload tracker gets status `received`; `last_checked` is naive UTC.
    """

    org: int | None = None
    account: int | None = None
    request_id: str = ""
    cluster: str = ""
    version: int | None = None
    received: bool = False
    last_checked: datetime | None = None


class InvalidMessage(InvalidInput):
    """A message that cannot be accepted; `kind` is the label of the metric."""

    def __init__(self, kind: str, text: str, envelope: Envelope) -> None:
        super().__init__(text)
        self.kind = kind
        self.envelope = envelope


class Decoded(msgspec.Struct, Generic[T_co], frozen=True):
    """An accepted message; `report` is None when it is skipped as empty."""

    envelope: Envelope
    report: T_co | None
    warnings: tuple[str, ...] = ()


class Decoder(Protocol):
    """Decodes the bytes of a message into a report."""

    def decode(self, value: bytes | None) -> Decoded[model.Report | model.DvoReport]:
        """Return the decoded message; raise only InvalidMessage."""


@dataclass(slots=True)
class Message:
    """An opened message: the text and what the envelope holds.

    The report is in `whole` if the fast path read the message, else in `parts`. `known`
    grows while the envelope is read, so that InvalidMessage has the attributes read so far.
    """

    text: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    whole: Member | None = None
    parts: dict[str, Member] | None = None
    gathered: times.Moment = times.UNKNOWN
    received: bool = False
    last_checked: datetime | None = None
    wrong: tuple[str, str] | None = None

    @property
    def body(self) -> dict[str, Member]:
        """Return the members of the report by name, none if there is no report."""
        if self.parts is None and self.whole is not None:
            self.parts = {part.key: part for part in values.members(self.whole)}
        return self.parts or {}

    def envelope(self) -> Envelope:
        """Return the attributes parsed so far."""
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

    def invalid(self, kind: str, text: str) -> InvalidMessage:
        """Return the error for this message."""
        return InvalidMessage(kind, text, self.envelope())

    def require(self, *attributes: str) -> None:
        """Raise InvalidMessage unless these attributes are there and not null."""
        for name in attributes:
            if self.known.get(name) is None:
                raise self.invalid("missing_attribute", f"missing required attribute '{name}'")

    def require_cluster(self) -> None:
        """Raise InvalidMessage unless the cluster's name is a UUID."""
        try:
            model.check_cluster(self.known["ClusterName"])
        except InvalidInput as error:
            raise self.invalid("cluster", "cluster name is not a UUID") from error

    def check_organization(self, allowed: frozenset[int] | None) -> None:
        """Raise InvalidMessage unless the organization is on the allow list, if there is one."""
        if allowed is not None and self.known["OrgID"] not in allowed:
            raise self.invalid("allow_list", "organization ID is not in allow list")

    def read_last_checked(self) -> datetime:
        """Return LastChecked as naive UTC; raise InvalidMessage if it is not RFC 3339."""
        text = self.known.get("LastChecked", "")
        try:
            self.last_checked = times.moment(text).utc
        except InvalidInput as error:
            quoted = text if len(text) <= 60 else text[:57] + "..."
            raise self.invalid(
                "last_checked", f'parsing time "{quoted}" as "{DATE_LAYOUT}": LastChecked: {error}'
            ) from error
        return self.last_checked

    def require_storable(self, names: Iterable[tuple[str, str]]) -> None:
        """Raise InvalidMessage for values that the columns reject: large organization, NUL."""
        org = self.known["OrgID"]
        if org > model.MAX_STORED_ORG_ID:
            raise self.invalid("organization", f"OrgID: {org} is above {model.MAX_STORED_ORG_ID}")
        for name, text in names:
            if "\0" in text:
                raise self.invalid("nul", f"{name}: NUL character is not allowed")

    def check_parts(self, number: int) -> None:
        """Raise InvalidMessage for a report with too many hits or namespaces."""
        if number > MOST_PARTS:
            raise self.invalid("too_large", f"{number} parts; at most {MOST_PARTS} are stored")

    @staticmethod
    def first_warnings(warnings: list[str]) -> tuple[str, ...]:
        """Return the warnings to log: a message may cause one for each of its hits."""
        more = len(warnings) - MOST_WARNINGS
        first = warnings[:MOST_WARNINGS]
        return tuple([*first, f"{more} more warnings"] if more > 0 else first)

    def version_warnings(self) -> list[str]:
        """Return the warning about an unexpected version, if there is cause for it."""
        version = self.known.get("Version", 0)
        if version in (1, 2):
            return []
        return [f"Received data with unexpected version {version}."]
