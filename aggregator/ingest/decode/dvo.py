"""DVO messages: the recommendations for the workloads of one cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ... import model
from ..gojson import values
from ..gojson.values import Member, WrongType
from . import envelope
from .message import Decoded, Message
from .schema import Profile, Schema

_REQUIRED = "workload_recommendations"
_SUFFIX = ".recommendation"
_RECOMMENDATION = values.names("response_id", "component", "key")
_CONTAINERS = values.names("details", "tags", "links", "workloads")
_LINKS = values.names("jira", "product_documentation")
_WORKLOAD = values.names("namespace", "namespace_uid", "kind", "name", "uid")


@dataclass(slots=True)
class _Count:
    """The counts of one namespace."""

    name: str
    recommendations: int = 0
    objects: set[str] = field(default_factory=set)
    hits: dict[str, int] = field(default_factory=dict)


class DvoDecoder:
    """Decodes DVO messages (contract ingest 3, 4 and 7)."""

    def __init__(
        self,
        allowlist: frozenset[int] | None,
        maximum_unpacked_size: int,
        schema: Profile = "default",
    ) -> None:
        self._allowlist = allowlist
        self._maximum = maximum_unpacked_size
        self._schema = Schema("dvo_message.json") if schema == "strict" else None

    def decode(self, value: bytes | None) -> Decoded[model.DvoReport]:
        """Return the report of a message, None for an empty one; raise InvalidMessage."""
        opened = envelope.read(value, "Metrics", self._maximum)
        opened.require("OrgID", "ClusterName")
        opened.require_cluster()
        opened.require("Metrics")
        opened.received = True
        if not opened.body:
            return Decoded(opened.envelope(), None)
        warnings: list[str] = []
        counts = _read_metrics(opened, opened.body, warnings)
        opened.check_parts(max(len(counts), sum(len(one.hits) for one in counts.values())))
        if self._schema:
            self._schema.check(opened)
        warnings = opened.version_warnings() + warnings
        opened.check_organization(self._allowlist)
        return _accepted(opened, counts, warnings)


def _accepted(
    opened: Message, counts: dict[str, _Count], warnings: list[str]
) -> Decoded[model.DvoReport]:
    """Return the report, after all checks but those of the database."""
    last_checked = opened.read_last_checked()
    opened.require_storable(_names(counts))
    report = model.DvoReport(
        org=model.OrgId(opened.known["OrgID"]),
        cluster=model.ClusterId(opened.known["ClusterName"]),
        text=values.quote(values.rewrite(opened.body)),
        namespaces=tuple(
            model.Workloads(
                namespace=model.Namespace(uid),
                name=count.name,
                recommendations=count.recommendations,
                objects=len(count.objects),
                hits=count.hits,
            )
            for uid, count in counts.items()
        ),
        last_checked_at=last_checked,
        request_id=opened.known.get("RequestId", ""),
    )
    return Decoded(opened.envelope(), report, opened.first_warnings(warnings))


def _read_metrics(
    opened: Message, body: dict[str, Member], warnings: list[str]
) -> dict[str, _Count]:
    """Return the counts by namespace; raise InvalidMessage for a wrong structure."""
    member = body.get(_REQUIRED)
    if member is None:
        raise opened.invalid(
            "structure", f"improper report structure, missing key with name '{_REQUIRED}'"
        )
    counts: dict[str, _Count] = {}
    try:
        _expect(member, _REQUIRED, "[")
        for item in values.items(member):
            _expect(item, _REQUIRED, "{n")
            _count(counts, values.members(item) if item.first == "{" else [], warnings)
    except WrongType as error:
        raise opened.invalid("type", str(error)) from error
    return counts


def _expect(member: Member, name: str, first: str) -> None:
    """Raise WrongType unless the value begins with one of these characters."""
    if member.first not in first:
        expected = "list" if first[0] == "[" else "object"
        raise WrongType(f"{name}: {expected} expected, got {values.abbreviated(member.value)}")


def _count(counts: dict[str, _Count], parts: list[Member], warnings: list[str]) -> None:
    """Add one recommendation to the counts."""
    named = [part for part in parts if values.attribute(part.key, _RECOMMENDATION)]
    names = values.texts(((part.key, part.value) for part in named), _RECOMMENDATION)
    rule, key = names["component"].removesuffix(_SUFFIX), names["key"]
    if not names["component"] or not key:
        warnings.append("a recommendation without component or key is left out of the rule hits")
    seen: set[str] = set()
    for workload in _workloads(parts):
        uid = workload["namespace_uid"]
        count = counts.setdefault(uid, _Count(workload["namespace"]))
        count.recommendations += uid not in seen
        seen.add(uid)
        count.objects.add(workload["uid"])
        if names["component"] and key:
            name = f"{rule}|{key}"
            count.hits[name] = count.hits.get(name, 0) + 1


def _workloads(parts: list[Member]) -> list[dict[str, str]]:
    """Return the workloads of a recommendation, and check its other attributes."""
    found: list[dict[str, str]] = []
    for part in parts:
        name = values.attribute(part.key, _CONTAINERS)
        if name == "details":
            _expect(part, name, "{n")
        elif name == "tags":
            _text_list(part, name)
        elif name == "links":
            _check_links(part)
        elif name == "workloads":
            _expect(part, name, "[n")
            found = [_workload(value) for value in values.elements(part)]
    return found


def _workload(value: Any) -> dict[str, str]:
    """Return one workload; null is an empty one."""
    if value is not None and not isinstance(value, dict):
        raise WrongType(f"workloads: object expected, got {values.abbreviated(value)}")
    return values.texts((value or {}).items(), _WORKLOAD)


def _check_links(part: Member) -> None:
    """Raise WrongType unless the links are lists of text."""
    _expect(part, "links", "{n")
    for link in values.members(part) if part.first == "{" else ():
        name = values.attribute(link.key, _LINKS)
        if name:
            _text_list(link, f"links.{name}")


def _text_list(member: Member, name: str) -> None:
    """Raise WrongType unless the value is a list of text."""
    _expect(member, name, "[n")
    for value in values.elements(member):
        if not isinstance(value, str | None):
            raise WrongType(f"{name}: text expected, got {values.abbreviated(value)}")


def _names(counts: dict[str, _Count]) -> Iterable[tuple[str, str]]:
    """Return the values of text columns, which reject NUL, with the attributes' names."""
    for uid, count in counts.items():
        yield "namespace_uid", uid
        yield "namespace", count.name
        for name in count.hits:
            yield "component and key", name
