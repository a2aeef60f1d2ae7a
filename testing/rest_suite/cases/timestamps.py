"""Timestamps agree between answers and with the clock of the instance (contract rest-api 3, 4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    each,
    profiles,
    writes,
)
from ..checks import check, equal, skip
from ..client import Exchange
from ..data import Data, Hit
from .acks import a_rule
from .clusters_detail import rows_of, some_hits
from .feedback import give, only_reason
from .retry import report_of
from .toggles import named

Params = dict[str, Any]
moment = datetime.fromisoformat

USER = "rest-suite"
LOOKED_AT = 5
# two writes of one message may see two seconds
APART = timedelta(seconds=2)
# the database may have a clock of its own
CLOCKS_APART = timedelta(minutes=1)
# how long a message may have been on its way, once it is there
INTAKE = timedelta(minutes=10)


def clock(exchange: Exchange) -> datetime:
    """Return what time it was for the instance, for us when it does not say."""
    told = exchange.headers.get("date")
    return parsedate_to_datetime(told) if told else exchange.moment


def is_now(told: str, exchange: Exchange, what: str) -> None:
    """Fail the case unless a time is that of an exchange."""
    now = clock(exchange)
    near = abs(moment(told) - now) <= CLOCKS_APART
    check(near, f"{what} is {told}, the clock said {now:%Y-%m-%dT%H:%M:%SZ}")


def times_of(api: Api, data: Data, hit: Hit) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what times of a hit are called, what they are here, and what they may be elsewhere."""
    params: Params = {**hit.params, "user_id": USER}
    meta = api.ok("report_info", **params)["metainfo"]
    checked = [meta["stored_at"]]
    if not data.inventory.certain:
        # rows that no message has written may tell another moment of the same report
        checked.append(meta["last_checked_at"])
    hits = api.ok("report", **params)["report"]["reports"]
    since = {(one["component"], one["key"]): one["impacted"] for one in hits}
    for row in rows_of(api, hit):
        # rows from before the times were kept have none
        complete = row["impacted"] and row["last_checked_at"]
        same = row["cluster"] == hit.cluster and (hit.rule_id, hit.error_key) in since
        if same and complete:
            check(
                moment(row["impacted"]) <= moment(row["last_checked_at"]),
                f"{hit.cluster}: impacted {row['impacted']}, checked {row['last_checked_at']}",
            )
            yield "last_checked_at", row["last_checked_at"], checked
            yield "impacted", row["impacted"], [since[hit.rule_id, hit.error_key]]


@each("last_checked_at", "impacted")
def test_times_are_those_of_the_report(api: Api, data: Data, name: str) -> None:
    every = [times for hit in some_hits(data) for times in times_of(api, data, hit)]
    found = [times[1:] for times in every if times[0] == name]
    if not found:
        skip("the hits known have changed")
    apart = [
        min(abs(moment(here) - moment(there)) for there in elsewhere) for here, elsewhere in found
    ]
    shown = ", ".join(f"{here} beside {' or '.join(elsewhere)}" for here, elsewhere in found)
    # two clocks may have been asked, or a report come meanwhile: not for all of them
    check(min(apart) == timedelta(), f"{name} is never that of the report: {shown}")
    if data.inventory.certain:
        check(max(apart) <= APART, f"{name} is not always that of the report: {shown}")


def test_a_cluster_just_sent_is_impacted_since_it_was_checked(api: Api, data: Data) -> None:
    data.produced()
    for hit in some_hits(data):
        row = next(row for row in rows_of(api, hit) if row["cluster"] == hit.cluster)
        equal(row["impacted"], row["last_checked_at"], f"impacted of {hit.cluster}")


@profiles(*CURRENT)
def test_no_time_is_still_to_come(api: Api, data: Data) -> None:
    for cluster in data.clusters()[:LOOKED_AT]:
        params: Params = {"org_id": cluster.org_id, "cluster": cluster.name, "user_id": USER}
        times = {"stored_at": api.ok("report_info", **params)["metainfo"]["stored_at"]}
        now = clock(api.exchanges[-1])
        for hit in report_of(api, cluster)["reports"]:
            times[f"impacted of {hit['component']}"] = hit["impacted"]
        for name, told in times.items():
            early = moment(told) <= now + CLOCKS_APART
            check(early, f"{cluster.name}: {name} is {told}, now is {now}")


@profiles(*CURRENT)
def test_a_cluster_just_sent_was_stored_just_now(api: Api, data: Data) -> None:
    for message in data.produced():
        params = {"org_id": message["OrgID"], "cluster": message["ClusterName"], "user_id": USER}
        stored = api.ok("report_info", **params)["metainfo"]["stored_at"]
        now = clock(api.exchanges[-1])
        late = now - moment(stored)
        what = f"{params['cluster']}: stored at {stored}, now is {now}"
        check(-CLOCKS_APART <= late <= INTAKE, what)


@writes
@profiles(*CURRENT)
def test_a_rule_is_disabled_when_it_was_asked_for(api: Api, data: Data) -> None:
    hit = data.own_hit()
    moments: list[str] = []
    for _ in range(2):
        exchange = api.call("disable", **hit.params)
        (row,) = named(api.ok("disabled", org_id=hit.org_id)["rules"], hit)
        is_now(row["DisabledAt"]["Time"], exchange, "DisabledAt")
        moments.append(row["DisabledAt"]["Time"])
    check(moment(moments[0]) < moment(moments[1]), f"disabled again, DisabledAt is {moments}")


@writes
@profiles(*CURRENT)
def test_a_reason_is_given_when_it_was_sent(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for number in range(2):
        give(api, hit, user, "just now")
        reason = only_reason(api, hit, user)
        added, updated = reason["AddedAt"]["Time"], reason["UpdatedAt"]["Time"]
        is_now(updated, api.exchanges[-2], "UpdatedAt")
        if number == 0:
            is_now(added, api.exchanges[-2], "AddedAt")
        else:
            check(moment(added) < moment(updated), f"given again, added {added}, is {updated}")


@writes
def test_a_rule_is_acked_when_it_was_asked_for(api: Api, data: Data) -> None:
    rule = a_rule(data)
    moments: list[str] = []
    for _ in range(2):
        exchange = api.call("ack_disable", **rule, body={"justification": "now"})
        moments.append(api.ok("ack", **rule)["disabledRule"]["created_at"]["Time"])
        is_now(moments[-1], exchange, "created_at of the ack")
    check(moment(moments[0]) < moment(moments[1]), f"acked again, created_at is {moments}")
    exchange = api.call("ack_update", **rule, body={"justification": "later"})
    updated = api.ok("ack", **rule)["disabledRule"]["updated_at"]["Time"]
    is_now(updated, exchange, "updated_at of the ack")
