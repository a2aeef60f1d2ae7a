"""A write changes what it names, and nothing else (contract rest-api 4.1, 4.2, 4.4)."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..api import Api
from ..case import CURRENT, profiles, writes
from ..checks import equal, skip
from ..data import Data, Hit
from .acks import a_rule
from .clusters_detail import rows_of
from .recommendations import unordered
from .retry import retry_until_stable

SOME = 8


def told(api: Api, hit: Hit, user: str) -> tuple[object, ...]:
    """Return vote, toggle and reason of a hit as its user is told."""
    params = {**hit.params, "rule_id": hit.rule_and_key}
    rule = api.ok("rule", **params, user_id=user)["report"]
    return rule["user_vote"], rule["disabled"], rule["disable_feedback"]


@writes
@profiles(*CURRENT)
def test_a_vote_leaves_those_of_others(api: Api, data: Data) -> None:
    hit, user, other = data.own_hit(), data.user(), data.user()
    api.ok("like", **hit.params, user_id=user)
    for vote in ("dislike", "reset_vote", "like"):
        api.ok(vote, **hit.params, user_id=other)
        equal(told(api, hit, user)[0], 1, f"vote of a user after another's {vote}")


@writes
@profiles(*CURRENT)
def test_votes_toggles_and_reasons_leave_each_other(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    params = {**hit.params, "user_id": user}
    api.ok("disable_feedback", **params, body={"message": "stays"})
    equal(told(api, hit, user), (0, False, "stays"), "vote and more after a reason")
    for operation, vote, disabled in (
        ("dislike", -1, False),
        ("disable", -1, True),
        ("like", 1, True),
        ("reset_vote", 0, True),
        ("like", 1, True),
        ("enable", 1, False),
        ("dislike", -1, False),
        ("like", 1, False),
    ):
        api.ok(operation, **params)
        equal(told(api, hit, user), (vote, disabled, "stays"), f"vote and more after {operation}")


def mentions(api: Api, hit: Hit) -> dict[str, Any]:
    """Return what lists and counts say of a hit and its cluster, disabled or not."""
    who = {"org_id": hit.org_id, "user_id": "rest-suite"}
    of_cluster: dict[str, Any] = {**who, "cluster": hit.cluster}
    of_list: dict[str, Any] = {**who, "body": [hit.cluster]}
    report = api.ok("report", **of_cluster)["report"]
    several = api.ok("reports_by_body", org_id=hit.org_id, body={"clusters": [hit.cluster]})
    by_rule = api.ok("recommendations", **of_list)["recommendations"]
    by_cluster = api.ok("cluster_recommendations", **of_list)["clusters"]
    rows = rows_of(api, hit)
    rule = api.ok("rule", **of_cluster, rule_id=hit.rule_and_key)["report"]
    return {
        "details": rule["details"],
        "count": report["meta"]["count"],
        "hits": sorted([one["component"], one["key"]] for one in report["reports"]),
        "count of the summary": api.ok("report_info", **of_cluster)["metainfo"]["count"],
        "stored report": several["reports"][hit.cluster],
        "recommendations": sorted(by_rule),
        "recommendations of the cluster": unordered(by_cluster),
        "rows of the recommendation": [row for row in rows if row["cluster"] == hit.cluster],
    }


@writes
@profiles(*CURRENT)
def test_what_is_disabled_is_still_listed(api: Api, data: Data) -> None:
    hit = data.own_hit()

    def compare(before: dict[str, Any]) -> None:
        api.ok("disable", **hit.params)
        after = mentions(api, hit)
        api.ok("enable", **hit.params)
        for name, told in before.items():
            equal(after[name], told, f"{name} of {hit.cluster} with {hit.rule_and_key} disabled")

    retry_until_stable(partial(mentions, api, hit), compare)


@writes
@profiles(*CURRENT)
def test_a_vote_is_on_one_hit(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    others = [
        one
        for one in data.hits()
        if one != hit
        and one.org_id == hit.org_id
        and (one.cluster == hit.cluster or one.rule_id == hit.rule_id)
    ]
    if not others:
        skip(f"{hit.cluster} has one hit, which no other cluster has")
    api.ok("like", **hit.params, user_id=user)
    for one in others[:SOME]:
        what = f"vote on {one.rule_and_key} of {one.cluster} after that on {hit.rule_and_key}"
        equal(told(api, one, user)[0], 0, what)


@writes
def test_an_ack_leaves_that_of_another_key(api: Api, data: Data) -> None:
    changed = a_rule(data)
    kept = {**changed, "error_key": "ANOTHER_KEY"}

    def justification(rule: dict[str, Any]) -> object:
        return api.ok("ack", **rule)["disabledRule"]["justification"]

    api.ok("ack_disable", **changed, body={"justification": "first"})
    api.ok("ack_disable", **kept, body={"justification": "kept"})
    equal(justification(changed), "first", "justification after another key was acked")
    for operation in ("ack_update", "ack_disable", "ack_enable"):
        api.ok(operation, **changed, body={"justification": "second"})
        equal(justification(kept), "kept", f"justification of another key after {operation}")
