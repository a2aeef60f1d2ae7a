"""Reports made of DVO messages."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from aggregator import model
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoded
from tests.ingest import recorded
from tests.ingest.recorded import refusal

DVO = DvoDecoder(None, recorded.MAXIMUM)
STRICT = DvoDecoder(None, recorded.MAXIMUM, "strict")
STORED = [row for row in recorded.rows() if "namespaces" in row["want"]]


def report(decoded: Decoded[model.DvoReport]) -> model.DvoReport:
    assert decoded.report is not None
    return decoded.report


@pytest.mark.parametrize("row", STORED, ids=lambda row: row["name"])
def test_a_recorded_report_is_what_the_reference_stored(row):
    found = report(DVO.decode(recorded.value(row)))
    want = row["want"]
    namespaces = {
        space.namespace: [space.name, space.recommendations, space.objects, space.hits]
        for space in found.namespaces
    }
    assert namespaces == want["namespaces"]
    if "last_checked" in want:
        assert found.last_checked_at == datetime.fromisoformat(want["last_checked"])
    if "report" in want:
        assert json.loads(json.loads(found.text)) == want["report"]


def test_a_time_with_a_zone_is_stored_as_utc():
    found = report(DVO.decode(recorded.value(recorded.named("dvo_time_offset"))))
    assert found.last_checked_at == datetime(2025, 3, 1, 8)


def test_the_text_is_encoded_twice():
    value = recorded.dvo('[{"details":{"a\\"\\\\":"<\\n\u00e9@"}, "tags" : ["x"]}]')
    assert report(DVO.decode(value.replace(b"@", b"\xff"))).text == (
        '"{\\"workload_recommendations\\":[{\\"details\\":{\\"a\\\\\\"\\\\\\\\\\":'
        '\\"\\\\u003c\\\\n\u00e9\\ufffd\\"},\\"tags\\":[\\"x\\"]}]}"'
    )


def test_what_is_counted_for_a_namespace():
    value = recorded.dvo(
        '[{"component":"a.recommendation.recommendation","key":"K","workloads":['
        '{"namespace":"first","namespace_uid":"n","uid":"1"},'
        '{"namespace":"second","namespace_uid":"n","uid":"1"},null]},'
        '{"component":"b.report","Key":"L","workloads":[{"namespace_uid":"n","uid":"2"}]},'
        '{"component":"c","workloads":[{"namespace_uid":"n"}]},null]'
    )
    decoded = DVO.decode(value)
    hits = {"a.recommendation|K": 2, "b.report|L": 1}
    assert report(decoded).namespaces == (
        model.Workloads(model.Namespace("n"), "first", 3, 3, hits),
        model.Workloads(model.Namespace(""), "", 1, 1, {"a.recommendation|K": 1}),
    )
    warning = "a recommendation without component or key is left out of the rule hits"
    assert decoded.warnings == (warning, warning)


@pytest.mark.parametrize(
    "recommendations",
    [
        "null",
        "{}",
        "[1]",
        '[{"key":1}]',
        '[{"response_id":[]}]',
        '[{"details":[]}]',
        '[{"tags":{}}]',
        '[{"tags":[1]}]',
        '[{"links":[]}]',
        '[{"links":{"jira":"x"}}]',
        '[{"links":{"product_documentation":[1]}}]',
        '[{"workloads":{}}]',
        '[{"workloads":[[]]}]',
        '[{"workloads":[{"kind":1}]}]',
        '[{"workloads":[{"UID":1}]}]',
    ],
)
def test_a_wrong_type_is_refused_after_it_was_received(recommendations):
    error = refusal(DVO, recorded.dvo(recommendations))
    assert (error.kind, error.envelope.received) == ("type", True)


@pytest.mark.parametrize(
    "recommendations",
    [
        "[null]",
        '[{"details":null,"tags":null,"links":null,"workloads":null}]',
        '[{"links":{"jira":[null],"other":1},"unknown":1}]',
    ],
)
def test_null_and_unknown_attributes_say_nothing(recommendations):
    assert report(DVO.decode(recorded.dvo(recommendations))).namespaces == ()


def test_very_deep_values_hide_nothing():
    deep = "[" * 3000 + "]" * 3000
    value = recorded.dvo(
        f'[{{"component":"a","key":"K","details":{{"x":{deep}}},'
        f'"workloads":[{{"namespace_uid":"n","uid":"1","other":{deep}}}]}}]'
    )
    found = report(DVO.decode(value))
    assert found.namespaces == (model.Workloads(model.Namespace("n"), "", 1, 1, {"a|K": 1}),)
    assert refusal(DVO, recorded.dvo(f'[{{"tags":[{deep}]}}]')).kind == "type"


@pytest.mark.parametrize("attribute", ["namespace", "namespace_uid"])
def test_nul_in_a_name_is_refused(attribute):
    value = recorded.dvo(f'[{{"workloads":[{{"{attribute}":"a\\u0000"}}]}}]')
    assert refusal(DVO, value).kind == "nul"


def test_metrics_without_recommendations_are_skipped_or_refused():
    empty = recorded.dvo().replace(b'"workload_recommendations":[]', b"")
    assert DVO.decode(empty).report is None
    other = recorded.dvo().replace(b"workload_recommendations", b"Workload_Recommendations")
    assert str(refusal(DVO, other)) == (
        "improper report structure, missing key with name 'workload_recommendations'"
    )


@pytest.mark.parametrize(
    "path", sorted((recorded.FIXTURES / "dvo").iterdir()), ids=lambda p: p.stem
)
def test_a_fixture_is_accepted_in_both_profiles(path):
    document = json.loads(path.read_bytes())
    decoded = DVO.decode(path.read_bytes())
    assert STRICT.decode(path.read_bytes()) == decoded
    if not document["Metrics"]:
        assert decoded.report is None
        return
    uids = {
        workload["namespace_uid"]
        for item in document["Metrics"]["workload_recommendations"]
        for workload in item["workloads"]
    }
    assert {space.namespace for space in report(decoded).namespaces} == uids


def test_the_strict_profile_refuses_what_the_engine_never_writes():
    value = recorded.dvo('[{"component":"a.b","key":"lower"}]')
    assert DVO.decode(value).report is not None
    assert refusal(STRICT, value).kind == "schema"
