"""The strict profile: every rule of the published schema, broken alone, refuses a message."""

from __future__ import annotations

import copy
import json
from itertools import islice
from typing import Any

import jsonschema
import pytest

from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.decode.schema import Profile, load, strict
from testing.messages import dvo_messages, ocp_messages
from tests.ingest import recorded

ABSENT = object()
CLUSTER = "11111111-2222-3333-4444-555555555555"
COMPONENT = "ccx_rules_ocp.external.tutorial_rule.report"
HIT = {
    "rule_id": "tutorial_rule|TUTORIAL_ERROR",
    "component": COMPONENT,
    "type": "rule",
    "key": "TUTORIAL_ERROR",
    "details": {"type": "rule", "error_key": "TUTORIAL_ERROR", "pods": ["of this rule alone"]},
    "tags": ["openshift"],
    "links": {},
}
INFO = {
    "info_id": "version_info|CLUSTER_VERSION_INFO",
    "component": "ccx_rules_ocp.info.version_info.report",
    "type": "info",
    "key": "CLUSTER_VERSION_INFO",
    "details": {"type": "info", "info_key": "CLUSTER_VERSION_INFO", "version": "4.18.1"},
    "tags": [],
    "links": {},
}
SKIP = {"rule_fqdn": COMPONENT, "reason": "MISSING_REQUIREMENTS", "details": "", "type": "skip"}
ENVELOPE = {
    "OrgID": 1,
    "ClusterName": CLUSTER,
    "LastChecked": "2026-03-01T10:00:00.123456Z",
    "Version": 2,
    "RequestId": "r1",
    "AccountNumber": 1,
    "Metadata": {"gathering_time": "2026-03-01T09:00:00Z"},
}
OCP = ENVELOPE | {
    "Report": {
        "system": {"metadata": {}, "hostname": None, "more": 1},
        "reports": [HIT],
        "fingerprints": [{}],
        "skips": [SKIP],
        "info": [INFO],
        "pass": [{}],
        "analysis_metadata": {},
    }
}
RECOMMENDATION = {
    "response_id": "latest_tag|DVO_LATEST_TAG",
    "component": "ccx_rules_ocp.external.dvo.latest_tag.recommendation",
    "key": "DVO_LATEST_TAG",
    "details": {},
    "tags": [],
    "links": {"jira": [], "product_documentation": []},
    "workloads": [
        {"namespace": "a", "namespace_uid": "u", "kind": "Pod", "name": "n", "uid": "1"},
    ],
}
DVO = ENVELOPE | {"Metrics": {"workload_recommendations": [RECOMMENDATION]}}


def decoder(kind: str, profile: Profile) -> Any:
    make = OcpDecoder if kind == "ocp" else DvoDecoder
    return make(None, recorded.MAXIMUM, profile)


def changed(document: Any, path: str, value: object) -> bytes:
    """Return the message with one value put in, or left out."""
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    document = copy.deepcopy(document)
    place = document
    for part in above:
        place = place[part]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document).encode()


OCP_BROKEN: list[tuple[str, object]] = [
    ("OrgID", 0),
    ("ClusterName", CLUSTER.replace("-", "")),
    ("ClusterName", f"urn:uuid:{CLUSTER}"),
    ("LastChecked", "2026-03-01T10:00:00.5+02:00"),
    ("LastChecked", "2026-03-01T1:00:00Z"),
    ("unknown", 1),
    ("Report.unknown", []),
    *((f"Report.{name}", ABSENT) for name in ("skips", "info")),
    *((f"Report.{name}", {}) for name in ("skips", "pass", "fingerprints")),
    *((f"Report.{name}.0", "text") for name in ("skips", "pass", "fingerprints")),
    ("Report.analysis_metadata", []),
    ("Report.system.metadata", ABSENT),
    ("Report.system.metadata", []),
    ("Report.system.hostname", ABSENT),
    ("Report.system.hostname", 1),
    ("Report.reports.0", None),
    *((f"Report.reports.0.{name}", ABSENT) for name in HIT),
    ("Report.reports.0.unknown", 1),
    ("Report.reports.0.component", "nodots"),
    ("Report.reports.0.component", "a.Upper"),
    ("Report.reports.0.key", "lower_case"),
    ("Report.reports.0.key", "ONEWORD"),
    ("Report.reports.0.key", "DOUBLE__UNDERSCORE"),
    ("Report.reports.0.rule_id", "no_bar"),
    ("Report.reports.0.rule_id", "oneword|TUTORIAL_ERROR"),
    ("Report.reports.0.rule_id", "tutorial_rule|lower_case"),
    ("Report.reports.0.type", "info"),
    ("Report.reports.0.details", []),
    ("Report.reports.0.details.type", "info"),
    ("Report.reports.0.details.type", ABSENT),
    ("Report.reports.0.details.error_key", ABSENT),
    ("Report.reports.0.details.error_key", "lower"),
    *((f"Report.reports.0.details.{name}", 1) for name in
      ("current", "desired", "link", "kcs", "kcs_link", "info", "op", "nodes")),
    ("Report.reports.0.details.nodes", ["text"]),
    ("Report.reports.0.details.nodes_with_different_version", [1]),
    ("Report.reports.0.tags", [1]),
    ("Report.reports.0.links", []),
    ("Report.info.0", None),
    *((f"Report.info.0.{name}", ABSENT) for name in INFO),
    ("Report.info.0.unknown", 1),
    ("Report.info.0.component", "nodots"),
    ("Report.info.0.key", "lower"),
    ("Report.info.0.type", "rule"),
    ("Report.info.0.details.type", "rule"),
    ("Report.info.0.details.info_key", ABSENT),
    ("Report.info.0.details.cluster_id", "no uuid"),
    ("Report.info.0.tags", "openshift"),
    ("Report.info.0.links", []),
    *((f"Report.skips.0.{name}", ABSENT) for name in SKIP),
    ("Report.skips.0.unknown", 1),
    ("Report.skips.0.rule_fqdn", "nodots"),
    ("Report.skips.0.reason", "lower"),
    ("Report.skips.0.details", 1),
    ("Report.skips.0.type", "rule"),
]  # fmt: skip
_FIRST = "Metrics.workload_recommendations.0"
DVO_BROKEN: list[tuple[str, object]] = [
    ("OrgID", 0),
    ("ClusterName", CLUSTER.replace("-", "")),
    ("LastChecked", "2026-03-01T10:00:00-01:00"),
    (_FIRST, None),
    *((f"{_FIRST}.{name}", ABSENT) for name in RECOMMENDATION),
    *((f"{_FIRST}.{name}", None) for name in RECOMMENDATION),
    (f"{_FIRST}.response_id", "DVO_LATEST_TAG"),
    (f"{_FIRST}.component", "nodots"),
    (f"{_FIRST}.key", "lower"),
    (f"{_FIRST}.tags", [None]),
    (f"{_FIRST}.links.jira", ABSENT),
    (f"{_FIRST}.links.product_documentation", ABSENT),
    (f"{_FIRST}.workloads.0", None),
    *((f"{_FIRST}.workloads.0.{name}", None) for name in RECOMMENDATION["workloads"][0]),  # type: ignore[index]
    *((f"{_FIRST}.workloads.0.{name}", ABSENT) for name in ("namespace", "kind", "name")),
    (f"{_FIRST}.workloads.0.namespace_uid", ""),
    (f"{_FIRST}.workloads.0.uid", ""),
]
BROKEN = [("ocp", *each) for each in OCP_BROKEN] + [("dvo", *each) for each in DVO_BROKEN]


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    BROKEN,
    ids=lambda part: "absent" if part is ABSENT else json.dumps(part).strip('"'),
)
def test_a_broken_rule_refuses_what_the_default_profile_takes(
    kind: str, path: str, value: object
) -> None:
    value_of_message = changed(OCP if kind == "ocp" else DVO, path, value)
    decoder(kind, "default").decode(value_of_message)
    with pytest.raises(InvalidMessage, match=r"^schema: ") as caught:
        decoder(kind, "strict").decode(value_of_message)
    assert caught.value.kind == "schema"


@pytest.mark.parametrize(("kind", "document"), [("ocp", OCP), ("dvo", DVO)])
def test_a_message_that_keeps_all_rules_is_taken(kind: str, document: dict[str, Any]) -> None:
    value = json.dumps(document).encode()
    assert decoder(kind, "strict").decode(value) == decoder(kind, "default").decode(value)
    utc = changed(document, "LastChecked", "2026-03-01T10:00:00+00:00")
    assert decoder(kind, "strict").decode(utc).report is not None


@pytest.mark.parametrize(("kind", "make"), [("ocp", ocp_messages), ("dvo", dvo_messages)])
def test_generated_messages_keep_all_rules(kind: str, make: Any) -> None:
    for value in islice(make(1), 50):
        assert decoder(kind, "strict").decode(value).report is not None


def test_no_name_takes_long_to_refuse() -> None:
    """Patterns that can match in exponentially many ways would never come to an end here."""
    for path in ("rule_id", "key", "component"):
        for text in ("a_" * 20_000, "A_" * 20_000, "a." * 20_000):
            with pytest.raises(InvalidMessage):
                decoder("ocp", "strict").decode(changed(OCP, f"Report.reports.0.{path}", text))


@pytest.mark.parametrize("name", ["ocp_message.json", "dvo_message.json"])
def test_both_profiles_are_json_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))
    jsonschema.Draft202012Validator.check_schema(strict(load(name)))
