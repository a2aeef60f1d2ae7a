"""OCP messages: the results of the rules engine for one cluster."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from ... import model
from ..gojson import values
from ..gojson.values import Member, WrongType
from . import envelope, fast_path
from .message import Decoded, Message
from .schema import Profile, Schema

_REQUIRED = ("fingerprints", "reports", "system")
_VERSION_INFO = "version_info|CLUSTER_VERSION_INFO"
_HIT = values.names("component", "key", "details")
_INFO = values.names("info_id", "key")
_DETAILS = values.names("details")
_SYSTEM = values.names("hostname")


class OcpDecoder:
    """Decodes OCP messages (contract ingest 3 and 4).

    With `into_cache` it accepts what the tables reject: duplicate hits, NUL, organizations beyond
    31 bits.
    """

    def __init__(
        self,
        allowlist: frozenset[int] | None,
        maximum_unpacked_size: int,
        schema: Profile = "default",
        *,
        into_cache: bool = False,
    ) -> None:
        self._allowlist = allowlist
        self._maximum = maximum_unpacked_size
        self._schema = Schema("ocp_message.json") if schema == "strict" else None
        self._into_cache = into_cache

    def decode(self, value: bytes | None) -> Decoded[model.Report]:
        """Return the report of a message, None for an empty one; raise InvalidMessage."""
        opened = envelope.read(value, "Report", self._maximum)
        opened.require("OrgID", "ClusterName", "Report")
        opened.require_cluster()
        opened.received = True
        read = fast_path.read(opened.whole) if opened.whole else None
        if read is None and _is_empty(opened):
            return Decoded(opened.envelope(), None)
        hits, version = _read_report(opened) if read is None else _read_fast(opened, read)
        opened.check_parts(len(hits))
        if self._schema:
            self._schema.check(opened)
        warnings = opened.version_warnings()
        opened.check_organization(self._allowlist)
        return self._accepted(opened, hits, version, warnings, read.text if read else "")

    def _accepted(
        self,
        opened: Message,
        hits: list[model.Hit],
        version: str | None,
        warnings: list[str],
        text: str,
    ) -> Decoded[model.Report]:
        """Return the report, after all checks but those of the database."""
        last_checked = opened.read_last_checked()
        text = text or values.rewrite(opened.body)
        if not self._into_cache:
            opened.require_storable(_names(hits, version))
            if not values.is_unicode(text):
                raise opened.invalid("encoding", "Report: the bytes are not UTF-8")
            hits = _without_duplicates(hits, warnings)
        gathered = opened.gathered
        report = model.Report(
            org=model.OrgId(opened.known["OrgID"]),
            cluster=model.ClusterId(opened.known["ClusterName"]),
            text=text,
            hits=tuple(hits),
            last_checked_at=last_checked,
            gathered_at=None if gathered.utc == model.YEAR_ONE else gathered.utc,
            version=None if version is None else model.Version(version),
            request_id=opened.known.get("RequestId", ""),
            gathered_text=gathered.text,
        )
        return Decoded(opened.envelope(), report, opened.first_warnings(warnings))


def _is_empty(opened: Message) -> bool:
    """Return True if the report is to be skipped; raise InvalidMessage if it lacks keys."""
    body = opened.body
    missing = [key for key in _REQUIRED if key not in body]
    if not missing:
        return False
    if all(_counts_as_empty(member) for member in body.values()):
        return True
    names = " ".join(missing)
    raise opened.invalid(
        "structure", f"improper report structure, missing key(s) with name '[{names}]'"
    )


def _counts_as_empty(member: Member) -> bool:
    """Return True if one value of the report counts as empty."""
    if member.key == "analysis_metadata":
        return True
    if member.key != "system":
        return member.value in ([], {})
    if member.first != "{":
        return False
    try:
        system = values.texts(values.pairs(member), _SYSTEM)
    except WrongType:
        return False
    return not system["hostname"]


def _read_report(opened: Message) -> tuple[list[model.Hit], str | None]:
    """Return hits and cluster version; raise InvalidMessage for wrong types."""
    try:
        _expect_list(opened.body["reports"])
        hits = [_hit(item) for item in values.items(opened.body["reports"])]
        return hits, _read_info(opened.body.get("info"))
    except WrongType as error:
        raise opened.invalid("type", str(error)) from error


def _read_fast(
    opened: Message, read: fast_path.WellFormedReport
) -> tuple[list[model.Hit], str | None]:
    """Return hits and version of a well-formed report; raise InvalidMessage for bad `info`."""
    try:
        return read.hits, _version_of(read.info)
    except WrongType as error:
        raise opened.invalid("type", str(error)) from error


@lru_cache(maxsize=512)
def _version_of(info: bytes) -> str | None:
    """Return the cluster version of this compact JSON; cached, as many clusters have the same."""
    text = info.decode()
    return _read_info(Member("info", text, text) if text else None)


def _read_info(info: Member | None) -> str | None:
    """Return the cluster version, None if there is none; raise WrongType."""
    version = None
    if info is not None:
        _expect_list(info)
        for item in values.elements(info):
            version = _version(item, version)
    return version


def _expect_list(member: Member) -> None:
    """Raise WrongType unless the value is a list."""
    if member.first != "[":
        raise WrongType(f"{member.key}: list expected, got {values.abbreviated(member.value)}")


def _hit(item: Member) -> model.Hit:
    """Return one hit, an empty one for null; `details` stay as they are written."""
    if item.first not in "{n":
        raise WrongType(f"reports: object expected, got {values.abbreviated(item.value)}")
    rule = key = details = ""
    for part in values.members(item) if item.first == "{" else ():
        name = values.attribute(part.key, _HIT)
        if name == "details":
            details = part.text
        elif name == "component":
            rule = values.text(part, name, rule)
        elif name == "key":
            key = values.text(part, name, key)
    return model.Hit(model.RuleId(rule), model.ErrorKey(key), details)


def _version(item: Any, before: str | None) -> str | None:
    """Return the cluster version of this item of `info`, else the one found before."""
    if item is not None and not isinstance(item, dict):
        raise WrongType(f"info: object expected, got {values.abbreviated(item)}")
    parts: dict[str, Any] = item or {}
    names = values.texts(parts.items(), _INFO)
    details: dict[str, str] = {}
    for key, value in parts.items():
        if values.attribute(key, _DETAILS):
            details = details | _details(value) if value is not None else {}
    return details.get("version", "") if names["info_id"] == _VERSION_INFO else before


def _details(value: Any) -> dict[str, str]:
    """Return the details of an item of `info`; all values must be text."""
    if not isinstance(value, dict):
        raise WrongType(f"info.details: object expected, got {values.abbreviated(value)}")
    found: dict[str, str] = {}
    for key, text in value.items():
        if not isinstance(text, str | None):
            raise WrongType(
                f"info.details.{key[:60]}: text expected, got {values.abbreviated(text)}"
            )
        found[values.clean(key)] = values.clean(text or "")
    return found


def _names(hits: list[model.Hit], version: str | None) -> list[tuple[str, str]]:
    """Return the values of text columns, which reject NUL, with the attributes' names."""
    found = [("component", str(hit.rule_id)) for hit in hits]
    found += [("key", str(hit.error_key)) for hit in hits]
    return [*found, ("info.details.version", version or "")]


def _without_duplicates(hits: list[model.Hit], warnings: list[str]) -> list[model.Hit]:
    """Return the hits with the last one of the same rule and key, and warn of the others.

    `x` and `x.report` are the same rule: recommendations are kept without the suffix.
    """
    names = [(hit.rule_id.removesuffix(model.REPORT_SUFFIX), hit.error_key) for hit in hits]
    kept = dict(zip(names, hits, strict=True))
    if len(kept) < len(hits):
        for (rule, key), count in Counter(names).items():
            warning = f"rule {rule}|{key} hits more than once, the last one counts"
            warnings += [warning] * (count - 1)
    return list(kept.values())
