"""What was sent of workloads is what the instance answers (contract rest-api 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..api import Api
from ..checks import equal
from ..data import Data
from .namespaces import read
from .retry import second
from .workloads import by_place, listed, listed_of

Row = dict[str, Any]


def sent_rows(message: Row) -> list[Row]:
    """Return the rows that a cluster's first DVO message makes."""
    checked = second(message["LastChecked"])
    names: dict[str, str] = {}
    objects: dict[str, set[str]] = {}
    hits: dict[str, dict[str, int]] = {}
    for item in message["Metrics"]["workload_recommendations"]:
        title = f"{item['component'].removesuffix('.recommendation')}|{item['key']}"
        for work in item["workloads"]:
            uid = work["namespace_uid"]
            names.setdefault(uid, work["namespace"])
            objects.setdefault(uid, set()).add(work["uid"])
            counts = hits.setdefault(uid, {})
            counts[title] = counts.get(title, 0) + 1
    return [
        {
            "cluster": {"uuid": message["ClusterName"], "display_name": ""},
            "namespace": {"uuid": uid, "name": name},
            "metadata": {
                "recommendations": len(hits[uid]),
                "objects": len(objects[uid]),
                "reported_at": checked,
                "last_checked_at": checked,
                "highest_severity": 0,
                "hits_by_severity": None,
            },
            "recommendations_hit_count": hits[uid],
        }
        for uid, name in names.items()
    ]


def test_the_rows_are_those_sent(api: Api, data: Data) -> None:
    sent = data.produced_workloads()
    for number in sorted({message["OrgID"] for message in sent}):
        own = [message for message in sent if message["OrgID"] == number]
        wanted = by_place([row for message in own for row in sent_rows(message)])
        names = [message["ClusterName"] for message in own]
        equal(by_place(listed_of(api, number, names)), wanted, f"workloads of {number}")
        every = [row for row in by_place(listed(api, number)) if row["cluster"]["uuid"] in names]
        equal(every, wanted, f"workloads of {number}")


def sent_recommendations(message: Row, namespace: str) -> Iterator[Row]:
    """Yield what a message recommends for a namespace, as the instance shows it."""
    for item in message["Metrics"]["workload_recommendations"]:
        objects = [
            {"kind": work["kind"], "uid": work["uid"], "display_name": work["name"]}
            for work in item["workloads"]
            if work["namespace_uid"] == namespace
        ]
        if objects:
            yield {
                "check": f"{item['component'].removesuffix('.recommendation')}|{item['key']}",
                "details": "",
                "resolution": "",
                "modified": "",
                "more_info": "",
                "extra_data": item["details"],
                "objects": objects,
            }


def test_the_recommendations_are_those_sent(api: Api, data: Data) -> None:
    messages = {message["ClusterName"]: message for message in data.produced_workloads()}
    for work in data.workloads():
        message, found = messages[work.cluster], read(api, work)
        wanted = list(sent_recommendations(message, work.namespace))
        equal(found["recommendations"], wanted, f"recommendations of {work.namespace}")
        items = message["Metrics"]["workload_recommendations"]
        names = {
            workload["namespace_uid"]: workload["namespace"]
            for item in reversed(items)
            for workload in reversed(item["workloads"])
        }
        equal(found["namespace"]["name"], names[work.namespace], f"name of {work.namespace}")
        for name in ("reported_at", "last_checked_at"):
            checked = second(message["LastChecked"])
            equal(found["metadata"][name], checked, f"{name} of {work.namespace}")
