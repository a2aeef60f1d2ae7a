"""The fast path for well-formed OCP reports.

A report is well-formed if every name is known, in its exact spelling, with a value of its type.
Any other report takes the slow path in `ocp.py`, attribute by attribute.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ... import model
from ..gojson import values
from ..gojson.values import Member

_ABSENT = Raw(b"")


class WellFormedReport(NamedTuple):
    """The hits; the value of `info`, compact, empty without one; the report as it is stored."""

    hits: list[model.Hit]
    info: bytes
    text: str


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    # in the order in which they are stored
    analysis_metadata: Raw | UnsetType = UNSET
    fingerprints: Raw | UnsetType = UNSET
    info: Raw | UnsetType = UNSET
    pass_: Raw | UnsetType = msgspec.field(name="pass", default=UNSET)
    reports: Raw | UnsetType = UNSET
    skips: Raw | UnsetType = UNSET
    system: Raw | UnsetType = UNSET


class _Hit(msgspec.Struct, forbid_unknown_fields=True):
    component: str = ""
    key: str = ""
    details: Raw = _ABSENT
    rule_id: Raw = _ABSENT
    type: Raw = _ABSENT
    tags: Raw = _ABSENT
    links: Raw = _ABSENT


class _WrittenHit(msgspec.Struct):
    details: Raw = _ABSENT


class _WrittenReport(msgspec.Struct):
    reports: list[_WrittenHit]


_STORED = [(field.name, f',"{field.encode_name}":') for field in msgspec.structs.fields(_Report)]
_report = msgspec.json.Decoder(_Report).decode
_hits = msgspec.json.Decoder(list[_Hit]).decode
_written = msgspec.json.Decoder(_WrittenReport).decode


def read(report: Member) -> WellFormedReport | None:
    """Return the content of a well-formed report, None if it is not well-formed.

    The last one of a duplicate name counts, as in the Go service.
    """
    try:
        lean = _report(report.compact)
        if UNSET in (lean.fingerprints, lean.reports, lean.system):
            return None
        hits = _hits(lean.reports or b"")
        details = [hit.details for hit in hits]
        if report.written is not report.compact:
            details = [hit.details for hit in _written(report.written).reports]
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    found = [
        model.Hit(model.RuleId(hit.component), model.ErrorKey(hit.key), str(written, "utf-8"))
        for hit, written in zip(hits, details, strict=True)
    ]
    return WellFormedReport(found, bytes(lean.info or b""), _text(lean))


def _text(lean: _Report) -> str:
    """Return the report as `gojson.rewrite` writes it."""
    parts = []
    for attribute, start in _STORED:
        value = getattr(lean, attribute)
        if value is not UNSET:
            parts += [start, str(value, "utf-8")]
    # joined at once: a copy of a large text is another 8 MiB
    parts[0] = "{" + parts[0][1:]
    return values.escaped("".join([*parts, "}"]))
