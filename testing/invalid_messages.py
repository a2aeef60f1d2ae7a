"""Generates invalid messages: each fault turns a valid message into an invalid one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
Fault = Callable[[Message], bytes]

DEEPEST = 10_000
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def _encoded(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def _with(path: str, value: object) -> Fault:
    """Return the fault of another value at the place that dots lead to; numbers are positions."""

    def broken(message: Message) -> bytes:
        *way, last = path.split(".")
        place: Any = message
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
        return _encoded(message)

    return broken


def _without(path: str) -> Fault:
    """Return the fault of a missing attribute."""

    def broken(message: Message) -> bytes:
        *way, last = path.split(".")
        place: Any = message
        for step in way:
            place = place[step]
        del place[last]
        return _encoded(message)

    return broken


def _cut_short(message: Message) -> bytes:
    text = _encoded(message)
    return text[: len(text) * 2 // 3]


def _twice(message: Message) -> bytes:
    return _encoded(message) * 2


def _with_byte_order_mark(message: Message) -> bytes:
    return b"\xef\xbb\xbf" + _encoded(message)


def _too_deep(message: Message) -> bytes:
    depth = DEEPEST + 1
    return _encoded(message)[:-1] + b',"deep":' + b"[" * depth + b"]" * depth + b"}"


def _not_a_number(message: Message) -> bytes:
    return _encoded(message)[:-1] + b',"size":NaN}'


def _half_gzip(message: Message) -> bytes:
    # stored, not compressed: every version of zlib writes the same bytes then
    packer = zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS)
    packed = _GZIP_HEADER + packer.compress(_encoded(message)) + packer.flush()
    # a line of output is one message, so a line feed would make two of it
    return packed[: len(packed) // 2].replace(b"\n", b"\0")


def _gzip_in_name_only(message: Message) -> bytes:
    return b"\x1f\x8b" + _encoded(message)


def _nothing(_: Message) -> bytes:
    return b""


def _list(message: Message) -> bytes:
    return _encoded([message])


_OF_ALL: dict[str, Fault] = {
    "account_is_text": _with("AccountNumber", "42"),
    "byte_order_mark": _with_byte_order_mark,
    "cluster_absent": _without("ClusterName"),
    "cluster_is_a_list": _with("ClusterName", ["c"]),
    "cluster_is_no_uuid": _with("ClusterName", "not-a-uuid"),
    "cut_short": _cut_short,
    "everything_absent": lambda _: b"{}",
    "gathering_time_is_no_time": _with("Metadata.gathering_time", "yesterday"),
    "gzip_cut_short": _half_gzip,
    "gzip_in_name_only": _gzip_in_name_only,
    "last_checked_absent": _without("LastChecked"),
    "last_checked_has_no_zone": _with("LastChecked", "2026-01-01T00:00:00"),
    "last_checked_is_no_time": _with("LastChecked", "2026-02-30T00:00:00Z"),
    "message_is_a_list": _list,
    "not_a_number": _not_a_number,
    "nothing": _nothing,
    "organization_absent": _without("OrgID"),
    "organization_is_negative": _with("OrgID", -1),
    "organization_is_text": _with("OrgID", "1001"),
    "organization_is_too_large": _with("OrgID", 2**31),
    "too_deep": _too_deep,
    "two_documents": _twice,
    "version_is_too_large": _with("Version", 256),
}
_OF_OCP: dict[str, Fault] = {
    "component_has_nul": _with("Report.reports", [{"component": "a\0b", "key": "K"}]),
    "fingerprints_absent": _without("Report.fingerprints"),
    "hit_is_text": _with("Report.reports", ["hit"]),
    "info_is_an_object": _with("Report.info", {}),
    "number_in_info_details": _with("Report.info.0.details", {"version": 4}),
    "report_absent": _without("Report"),
    "report_is_a_list": _with("Report", []),
    "reports_absent": _without("Report.reports"),
    "reports_is_an_object": _with("Report.reports", {}),
    "system_absent": _without("Report.system"),
}
_OF_DVO: dict[str, Fault] = {
    "metrics_absent": _without("Metrics"),
    "metrics_is_text": _with("Metrics", "metrics"),
    "namespace_has_nul": _with(
        "Metrics.workload_recommendations.0.workloads", [{"namespace_uid": "a\0b"}]
    ),
    "recommendations_absent": _without("Metrics.workload_recommendations"),
    "recommendations_is_an_object": _with("Metrics.workload_recommendations", {}),
    "tags_are_numbers": _with("Metrics.workload_recommendations.0.tags", [1]),
    "workloads_is_an_object": _with("Metrics.workload_recommendations.0.workloads", {}),
}
FAULTS: dict[str, dict[str, Fault]] = {"ocp": _OF_ALL | _OF_OCP, "dvo": _OF_ALL | _OF_DVO}


def broken(kind: str, fault: str, message: bytes) -> bytes:
    """Return the message of a kind (`ocp`, `dvo`) with the fault; KeyError for an unknown one."""
    return FAULTS[kind][fault](json.loads(message))
