"""Data classes of the domain: reports, hits, toggles, votes, acks, workloads."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, NewType

from .errors import InvalidInput

OrgId = NewType("OrgId", int)
ClusterId = NewType("ClusterId", str)
UserId = NewType("UserId", str)
RuleId = NewType("RuleId", str)
ErrorKey = NewType("ErrorKey", str)
RuleSelector = NewType("RuleSelector", str)
Namespace = NewType("Namespace", str)
Version = NewType("Version", str)

MAX_ORG_ID = 2**32 - 1
MAX_STORED_ORG_ID = 2**31 - 1
REPORT_SUFFIX = ".report"
YEAR_ONE = datetime(1, 1, 1)

_SURROGATE = re.compile("[\ud800-\udfff]")
_HEX = re.compile(r"[0-9a-fA-F]{32}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Vote(enum.IntEnum):
    """A user's opinion of a rule hit."""

    DISLIKE = -1
    NONE = 0
    LIKE = 1


@dataclass(frozen=True, slots=True)
class RuleHit:
    """The key of a hit: cluster, rule and error key."""

    cluster: ClusterId
    rule_id: RuleId
    error_key: ErrorKey


class Hit(NamedTuple):
    """A rule that hits a cluster; `template_data` is unchanged JSON text, `created_at` UTC."""

    rule_id: RuleId
    error_key: ErrorKey
    template_data: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """An OCP report as it is stored. All times are naive UTC.

    `text` is the whole Report object as JSON text (contract ingest 6); `version` is None if the
    message has none; the stored version is then kept.
    """

    org: OrgId
    cluster: ClusterId
    text: str
    hits: tuple[Hit, ...]
    last_checked_at: datetime
    gathered_at: datetime | None = None
    version: Version | None = None
    request_id: str = ""
    gathered_text: str = ""


@dataclass(frozen=True, slots=True)
class Workloads:
    """The DVO results of one namespace; `hits` counts workloads per recommendation."""

    namespace: Namespace
    name: str
    recommendations: int
    objects: int
    hits: dict[str, int]


@dataclass(frozen=True, slots=True)
class DvoReport:
    """A DVO report as it is stored. `text` is the Metrics object encoded twice as JSON."""

    org: OrgId
    cluster: ClusterId
    text: str
    namespaces: tuple[Workloads, ...]
    last_checked_at: datetime
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ConsumerErrorRow:
    """An invalid message as table consumer_error stores it. Times are naive UTC."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    produced_at: datetime
    consumed_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class RuleToggle:
    """Whether a rule is disabled for a cluster. Times are naive UTC."""

    hit: RuleHit
    disabled: bool
    disabled_at: datetime | None
    enabled_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisableFeedback:
    """A user's reason for disabling a rule for a cluster. Times are naive UTC."""

    hit: RuleHit
    message: str
    added_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisabledCluster:
    """A cluster for which a rule is disabled, with the newest reason."""

    cluster: ClusterId
    disabled_at: datetime | None
    justification: str


@dataclass(frozen=True, slots=True)
class Ack:
    """A rule that an organization acknowledged (disabled system-wide)."""

    org: OrgId
    rule_id: RuleId
    error_key: ErrorKey
    justification: str
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rating:
    """An organization's rating of a recommendation; `rule` is `rule|KEY` as in the request."""

    rule: str
    rating: int


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A stored report: times and hits, ascending by rule and key. Times are naive UTC."""

    last_checked_at: datetime | None
    reported_at: datetime | None
    gathered_at: datetime | None
    hits: tuple[ReadHit, ...]


@dataclass(frozen=True, slots=True)
class ReadHit:
    """A hit as one user sees it in a report (contract rest-api 3.2)."""

    hit: Hit
    vote: Vote = Vote.NONE
    disabled: bool = False
    reason: str = ""
    reason_at: datetime | None = None


class ReportText(NamedTuple):
    """The stored text of a cluster's report, and the owner."""

    cluster: ClusterId
    org: OrgId
    text: str


@dataclass(frozen=True, slots=True)
class ReportInfo:
    """Number of hits of a cluster, and times of its report. Times are naive UTC."""

    count: int
    last_checked_at: datetime | None
    stored_at: datetime | None


@dataclass(frozen=True, slots=True)
class SingleRule:
    """One hit with the user's vote and toggle (contract rest-api 3.3)."""

    template_data: str
    vote: Vote
    disabled: bool
    toggled: bool
    disabled_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImpactedCluster:
    """A cluster that a recommendation hits (contract rest-api 3.5)."""

    cluster: ClusterId
    last_checked_at: datetime | None
    impacted_since: datetime | None
    version: str


@dataclass(frozen=True, slots=True)
class ClusterRecommendations:
    """All recommendations of a cluster, as `rule|KEY` (contract rest-api 3.6)."""

    cluster: ClusterId
    last_checked_at: datetime | None
    version: str
    recommendations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamespaceRow:
    """A stored row of DVO results; `hits` is the stored JSON, `text` the stored report."""

    cluster: ClusterId
    namespace: Namespace
    name: str
    recommendations: int
    objects: int
    reported_at: datetime | None
    last_checked_at: datetime | None
    hits: Any = field(default=None)
    text: str = ""


def utc_now() -> datetime:
    """Return the current time as naive UTC, the form of all tables."""
    return datetime.now(UTC).replace(tzinfo=None)


def check_cluster(text: str) -> ClusterId:
    """Return the cluster named by `text`, verbatim: upper and lower case are two clusters.

    Accepts what contract rest-api 1.4 lists: 36 characters with dashes, 32 hexadecimal digits,
    `urn:uuid:` before 36 characters, any one character around 36. Raise InvalidInput with the
    reason only (`invalid UUID length: 3`); callers add what the value was for.
    """
    length = len(text.encode(errors="replace"))
    if length == 32 and _HEX.fullmatch(text):
        return ClusterId(text)
    core = text
    if length == 45:
        core = text[9:]
        if text[:9].lower() != "urn:uuid:":
            raise InvalidInput(f'invalid urn prefix: "{text[:9]}"')
    elif length == 38:
        core = text[1:-1]
    elif length not in (32, 36):
        raise InvalidInput(f"invalid UUID length: {length}")
    if not _UUID.fullmatch(core) or "\0" in text or is_malformed(text):
        raise InvalidInput("invalid UUID format")
    return ClusterId(text)


def whole_number(text: str, most: int) -> int | None:
    """Parse a non-negative decimal number; return None for other text or more than `most`.

    Digits are counted first, because Python refuses to convert more than 4,300 of them.
    """
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdigit()) or len(digits) > len(str(most)):
        return None
    value = int(digits or "0")
    return value if value <= most else None


def well_formed(text: str) -> str:
    """Return the text with U+FFFD for bytes that were not UTF-8 (they arrive as surrogates)."""
    return _SURROGATE.sub("\ufffd", text) if is_malformed(text) else text


def is_malformed(text: str) -> bool:
    """Return True if the text holds bytes that were not UTF-8 (they arrive as lone surrogates)."""
    return not text.isascii() and _SURROGATE.search(text) is not None
