"""Which recommendations are read out of a stored DVO report, whatever form it is stored in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.handlers import rendering, workload_report
from aggregator.model import Namespace

HERE = Namespace("here")
DETAILS = {"text": 'he said "no"', "path": "C:\\tmp", "big": 2**70, "lone": "\ud800"}


def item(component: str = "a.b.recommendation", key: str = "KEY", **more: Any) -> dict[str, Any]:
    workload = {"namespace_uid": "here", "kind": "Pod", "name": "api", "uid": "U1"}
    return {"component": component, "key": key, "workloads": [workload], **more}


def read(text: str) -> Any:
    found = workload_report.recommendations(text, HERE)
    return json.loads(rendering.render({"found": found}))["found"]


def document(*items: object) -> str:
    return json.dumps({"workload_recommendations": items})


SHOWN = {
    "check": "a.b|KEY",
    "details": "",
    "resolution": "",
    "modified": "",
    "more_info": "",
    "extra_data": DETAILS | {"lone": "\ufffd"},
    "objects": [{"kind": "Pod", "uid": "U1", "display_name": "api"}],
}


def test_an_object_is_read_with_its_details_intact() -> None:
    assert read(document(item(details=DETAILS))) == [SHOWN]


def test_a_string_that_holds_the_object_is_read_alike() -> None:
    assert read(json.dumps(document(item(details=DETAILS)))) == [SHOWN]


def test_an_object_with_escaped_quotes_is_read_alike() -> None:
    assert read(json.dumps(document(item(details=DETAILS)))[1:-1]) == [SHOWN]


def test_at_last_all_backslashes_are_taken_away() -> None:
    text = document(item(details={"text": "x"})).replace('"KEY"', '\\"KEY"')
    assert [one["extra_data"] for one in read(text)] == [{"text": "x"}]


@pytest.mark.parametrize(
    "text", ["", "garbage", '{"a":', "[]", "1", '"x"', "null", "{}", "[" * 100_000, '{"a":1e999}']
)
def test_what_cannot_be_read_has_no_recommendations(text: str) -> None:
    assert read(text) == []


def test_workloads_of_other_namespaces_are_left_out() -> None:
    elsewhere = {"namespace_uid": "elsewhere", "kind": "Pod", "name": "x", "uid": "U2"}
    mine = item()["workloads"][0]
    found = read(document(item(workloads=[elsewhere, mine, mine]), item(workloads=[elsewhere])))
    assert [[one["uid"] for one in shown["objects"]] for shown in found] == [["U1", "U1"]]


def test_items_without_rule_or_key_or_of_a_wrong_type_are_left_out() -> None:
    odd = [item(key=""), item(component=".recommendation"), item(key=5), 7, None]
    assert [one["check"] for one in read(document(*odd, item(key="Z")))] == ["a.b|Z"]


def test_missing_details_are_null() -> None:
    assert read(document(item()))[0]["extra_data"] is None
