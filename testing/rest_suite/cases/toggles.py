"""Rules disabled for one cluster, and the lists of them (contract rest-api 4.2, 4.3)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    DEPARTURES,
    each,
    profiles,
    writes,
)
from ..checks import check, equal
from ..data import Data, Hit
from .parameters import (
    NO_BODY,
    NOT_FOUND,
    improper_clusters,
    improper_organizations,
    improper_rules,
)

NEVER = {"Time": "0001-01-01T00:00:00Z", "Valid": False}
TOGGLES = ("disable", "enable")
SOME = 5
SEVERAL = 6
CLUSTERS = improper_clusters()
RULES = improper_rules()
ORGANIZATIONS = improper_organizations("org_id")


def named(rules: list[dict[str, Any]], hit: Hit) -> list[dict[str, Any]]:
    """Return what a list of disabled rules says of a hit."""
    wanted = (hit.cluster, hit.rule_id, hit.error_key)
    return [
        rule for rule in rules if (rule["ClusterID"], rule["RuleID"], rule["ErrorKey"]) == wanted
    ]


def everywhere(api: Api, hit: Hit, user: str) -> dict[str, bool]:
    """Return whether the hit is disabled, as each of the endpoints tells it."""
    reports = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    rule = api.ok("rule", **{**hit.params, "rule_id": hit.rule_and_key}, user_id=user)["report"]
    listed = named(api.ok("disabled", org_id=hit.org_id)["rules"], hit)
    body = [hit.cluster]
    of_cluster = named(api.ok("disabled_for_clusters", org_id=hit.org_id, body=body)["rules"], hit)
    clusters = api.ok("disabled_clusters", **hit.params)["clusters"] or []
    return {
        "report": [r["disabled"] for r in reports if (r["component"], r["key"]) == (
            hit.rule_id, hit.error_key)] == [True],
        "rule": rule["disabled"],
        "disabled": len(listed) == 1,
        "disabled_for_clusters": len(of_cluster) == 1,
        "disabled_clusters": [one["cluster_id"] for one in clusters].count(hit.cluster) == 1,
    }  # fmt: skip


def demand(api: Api, hit: Hit, user: str, disabled: bool) -> None:
    """Fail unless all endpoints agree."""
    for place, told in everywhere(api, hit, user).items():
        equal(told, disabled, f"{hit.rule_and_key} on {hit.cluster} disabled, as {place} tells it")


@writes
def test_a_toggle_is_told_everywhere(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for operation in ("disable", "disable", "enable", "disable", "enable", "enable"):
        api.ok(operation, **hit.params)
        demand(api, hit, user, disabled=operation == "disable")


@writes
def test_the_times_of_a_toggle_agree(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("disable", **hit.params)
    (listed,) = named(api.ok("disabled", org_id=hit.org_id)["rules"], hit)
    found = api.ok("disabled_for_clusters", org_id=hit.org_id, body=[hit.cluster])["rules"]
    equal(named(found, hit), [listed], "what the list for clusters says of it")
    equal(listed["EnabledAt"], NEVER, "EnabledAt of what is disabled")
    check(listed["DisabledAt"]["Valid"], "DisabledAt is not valid")
    equal(listed["UpdatedAt"], listed["DisabledAt"], "UpdatedAt beside DisabledAt")
    moment = listed["DisabledAt"]["Time"]
    rule = api.ok("rule", **{**hit.params, "rule_id": hit.rule_and_key}, user_id=user)["report"]
    equal(rule["disabled_at"], f"{moment[:19]}Z", "disabled_at of the rule")
    clusters = api.ok("disabled_clusters", **hit.params)["clusters"]
    found = [one["disabled_at"] for one in clusters if one["cluster_id"] == hit.cluster]
    equal(found, [moment], "disabled_at in the list of clusters")


@writes
def test_a_toggle_without_a_reason_has_none(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("disable", **hit.params)
    for told in api.ok("report", **hit.params, user_id=user)["report"]["reports"]:
        equal(told["disable_feedback"], "", f"disable_feedback of {told['component']}")
        equal(told["disabled_at"], "", f"disabled_at of {told['component']}")


@writes
def test_other_hits_of_the_cluster_stay_enabled(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    mine = (hit.rule_id, hit.error_key)

    def others() -> dict[str, bool]:
        found = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
        return {
            f"{one['component']}|{one['key']}": one["disabled"]
            for one in found
            if (one["component"], one["key"]) != mine
        }

    before = others()
    api.ok("disable", **hit.params)
    equal(others(), before, f"other hits of {hit.cluster} disabled")


@writes
def test_disabled_rules_of_other_clusters_are_left_out(api: Api, data: Data) -> None:
    hit = data.own_hit()
    api.ok("disable", **hit.params)
    for body in ([data.unknown_cluster()], []):
        found = api.ok("disabled_for_clusters", org_id=hit.org_id, body=body)["rules"]
        equal(named(found, hit), [], f"disabled on {hit.cluster}, asked for {body}")


@writes
def test_every_disabled_rule_is_listed(api: Api, data: Data) -> None:
    cluster, rules = data.cluster(), [data.rule() for _ in range(SEVERAL)]
    for rule in rules:
        api.ok("disable", **rule, cluster=cluster.name, org_id=cluster.org_id)
    wanted = sorted(rule["rule_id"] for rule in rules)
    for operation in ("disabled", "disabled_for_clusters"):
        rows = api.ok(operation, org_id=cluster.org_id, body=[cluster.name])["rules"]
        found = sorted(row["RuleID"] for row in rows if row["RuleID"] in wanted)
        equal(found, wanted, f"rules that {operation} lists for {cluster.name}")


def rows_of(rows: list[Any]) -> list[Any]:
    """Return some rows of a list that may be long: the first and the last."""
    return rows if len(rows) <= 2 * SOME else rows[:SOME] + rows[-SOME:]


@writes
def test_the_lists_of_disabled_rules_agree(api: Api, data: Data) -> None:
    hit = data.own_hit()
    api.ok("disable", **hit.params)
    for row in rows_of(api.ok("disabled", org_id=hit.org_id)["rules"]):
        cluster, rule, key = row["ClusterID"], row["RuleID"], row["ErrorKey"]
        params = {"org_id": hit.org_id, "rule_id": rule, "error_key": key}
        clusters = api.ok("disabled_clusters", **params)["clusters"] or []
        if cluster not in [one["cluster_id"] for one in clusters]:
            # enabled meanwhile, or it never was
            again = api.ok("disabled", org_id=hit.org_id)["rules"]
            check(row not in again, f"{cluster} is not among those with {rule}|{key} disabled")


@writes
def test_the_cluster_disabled_last_comes_first(api: Api, data: Data) -> None:
    rule, clusters = data.rule(), data.clusters(2)[:SEVERAL]
    org_id = clusters[0].org_id
    for one in clusters:
        api.ok("disable", **rule, cluster=one.name, org_id=org_id)
    found = api.ok("disabled_clusters", **rule, org_id=org_id)["clusters"]
    names = [one.name for one in reversed(clusters)]
    equal([one["cluster_id"] for one in found], names, "clusters with the rule disabled")


@writes
@profiles(DEPARTURES)
def test_disabled_rules_come_in_order(api: Api, data: Data) -> None:
    rules, cluster = (data.rule(), data.rule()), data.clusters()[0]
    for rule in rules:
        api.ok("disable", **rule, cluster=cluster.name, org_id=cluster.org_id)
    for operation in ("disabled", "disabled_for_clusters"):
        found = api.ok(operation, org_id=cluster.org_id, body=[cluster.name])["rules"]
        order = [(row["ClusterID"], row["RuleID"], row["ErrorKey"]) for row in found]
        equal(order, sorted(order), f"{operation}: cluster, rule and key of each")


@writes
def test_disabled_rules_are_of_one_organization(api: Api, data: Data) -> None:
    hit = data.own_hit()
    api.ok("disable", **hit.params)
    for organization in data.organizations(2):
        number = organization.org_id
        if number != hit.org_id:
            equal(
                named(api.ok("disabled", org_id=number)["rules"], hit), [], f"disabled in {number}"
            )
            found = api.ok("disabled_clusters", **{**hit.params, "org_id": number})["clusters"]
            names = [one["cluster_id"] for one in found or []]
            check(hit.cluster not in names, f"{hit.cluster} is told to organization {number}")


def test_a_rule_that_nobody_disabled_has_no_clusters(api: Api, data: Data) -> None:
    org_id = data.organization().org_id
    answer = api.ok("disabled_clusters", **data.rule(), org_id=org_id)
    equal(answer["clusters"], None, "clusters")


@writes
@each(*TOGGLES)
def test_an_unknown_cluster_is_not_found(api: Api, data: Data, operation: str) -> None:
    params = {**data.hit().params, "cluster": data.unknown_cluster()}
    api.refused(404, operation, NOT_FOUND.format(params["cluster"]), **params)


@writes
@each(*TOGGLES)
def test_improper_clusters_are_refused(api: Api, data: Data, operation: str) -> None:
    params = data.hit().params
    for value, text in CLUSTERS.items():
        api.refused(400, operation, text, **{**params, "cluster": value})


@writes
@each(*TOGGLES)
def test_improper_rules_are_refused(api: Api, data: Data, operation: str) -> None:
    params = data.hit().params
    for value, text in RULES.items():
        api.refused(400, operation, text, **{**params, "rule_id": value})


@writes
@each(*TOGGLES)
def test_toggles_of_improper_organizations_are_refused(
    api: Api, data: Data, operation: str
) -> None:
    hit = data.hit()
    for value, text in ORGANIZATIONS.items():
        # whose cluster it is, is looked at before
        who = {**hit.params, "org_id": value}
        api.refused(400, operation, text, **who, as_organization=hit.org_id)


def test_the_clusters_of_improper_rules_are_refused(api: Api, data: Data) -> None:
    org_id = data.organization().org_id
    for value, text in RULES.items():
        params = {"rule_id": value, "error_key": "KEY", "org_id": org_id}
        api.refused(400, "disabled_clusters", text, **params)


@each("disabled", "disabled_for_clusters", "disabled_clusters")
def test_improper_organizations_are_refused(api: Api, data: Data, operation: str) -> None:
    for value, text in ORGANIZATIONS.items():
        api.refused(400, operation, text, **data.rule(), org_id=value, body=[])


@profiles(DEPARTURES)
def test_the_list_for_clusters_needs_a_body(api: Api, data: Data) -> None:
    api.refused(400, "disabled_for_clusters", NO_BODY, org_id=data.organization().org_id)
