"""Reports of clusters: one, its summary, one rule of it, several (contract rest-api 3.2 to 3.4)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    each,
    profiles,
)
from ..checks import check, equal, skip
from ..data import Cluster, Data
from ..sources.discovery import other_clusters, spread
from .parameters import NOT_FOUND, improper_clusters, refused_organizations
from .retry import report_of, reports_of, retry_until_stable

CLUSTERS = improper_clusters()
OF_CLUSTER = ("report", "report_info")
LOOKED_AT = 12
SOME = 20
MANY = 40


def some_clusters(data: Data) -> list[Cluster]:
    """Return a few clusters, with hits and without."""
    clusters = data.clusters()
    return [*clusters[:LOOKED_AT], *[one for one in clusters if not one.hits][:1]]


def params(cluster: Cluster, data: Data) -> dict[str, Any]:
    """Return the parameters of a cluster's paths."""
    return {"org_id": cluster.org_id, "cluster": cluster.name, "user_id": data.user()}


def test_a_report_counts_its_hits(api: Api, data: Data) -> None:
    data.clusters()
    for cluster in spread(data.inventory.clusters, MANY):
        report = report_of(api, cluster)
        equal(report["meta"]["count"], len(report["reports"]) or -1, f"count of {cluster.name}")


@profiles(DEPARTURES)
def test_hits_come_by_rule_and_key(api: Api, data: Data) -> None:
    for cluster in some_clusters(data):
        found = [[one["component"], one["key"]] for one in report_of(api, cluster)["reports"]]
        equal(found, sorted(found), f"hits of {cluster.name}")


def test_no_hit_comes_twice(api: Api, data: Data) -> None:
    for cluster in some_clusters(data):
        found = [(one["component"], one["key"]) for one in report_of(api, cluster)["reports"]]
        equal(len(set(found)), len(found), f"different hits of {cluster.name}")


def test_the_summary_agrees_with_the_report(api: Api, data: Data) -> None:
    for cluster in some_clusters(data):

        def compare(report: Any, cluster: Cluster = cluster) -> None:
            info = api.ok("report_info", org_id=cluster.org_id, cluster=cluster.name, user_id="u")
            for name in ("count", "last_checked_at"):
                equal(info["metainfo"][name], report["meta"][name], f"{name} of {cluster.name}")

        retry_until_stable(lambda cluster=cluster: report_of(api, cluster), compare)  # type: ignore[misc]


@profiles(*CURRENT)
def test_a_report_is_there_where_its_summary_is(api: Api, data: Data) -> None:
    """Clusters may be known from elsewhere: such a report cannot be missed in a list."""
    for organization in data.organizations():
        number = organization.org_id
        for name in spread(other_clusters(api, number), SOME):
            asked = {"org_id": number, "cluster": name, "user_id": "rest-suite"}

            def compare(status: int, asked: dict[str, Any] = asked) -> None:
                found = api.call("report_info", **asked)
                equal(found.status, status, f"{found.place}, beside the report")

            retry_until_stable(lambda asked=asked: api.call("report", **asked).status, compare)  # type: ignore[misc]


def test_each_hit_is_told_alone_as_in_the_report(api: Api, data: Data) -> None:
    cluster = data.clusters()[0]

    def compare(report: Any) -> None:
        for hit in report["reports"]:
            name = f"{hit['component']}|{hit['key']}"
            asked = {"org_id": cluster.org_id, "cluster": cluster.name, "user_id": "rest-suite"}
            rule = api.ok("rule", **asked, rule_id=name)["report"]
            for part in ("component", "key", "details", "user_vote"):
                equal(rule[part], hit[part], f"{part} of {name} on {cluster.name}")

    retry_until_stable(lambda: report_of(api, cluster), compare)


@profiles(*CURRENT)
def test_a_hit_is_disabled_where_its_organization_lists_it(api: Api, data: Data) -> None:
    for cluster in some_clusters(data):

        def compare(report: Any, cluster: Cluster = cluster) -> None:
            rows = api.ok("disabled", org_id=cluster.org_id)["rules"]
            listed = [(one["RuleID"], one["ErrorKey"]) for one in rows
                      if one["ClusterID"] == cluster.name]  # fmt: skip
            for hit in report["reports"]:
                name = (hit["component"], hit["key"])
                equal(hit["disabled"], name in listed, f"disabled of {name} on {cluster.name}")

        retry_until_stable(lambda cluster=cluster: report_of(api, cluster), compare)  # type: ignore[misc]


@each(*OF_CLUSTER)
def test_an_unknown_cluster_is_not_found(api: Api, data: Data, operation: str) -> None:
    org_id, cluster = data.organization().org_id, data.unknown_cluster()
    text = NOT_FOUND.format(f"{org_id}/{cluster}")
    api.refused(404, operation, text, org_id=org_id, cluster=cluster, user_id=data.user())


@profiles(*CURRENT)
@each(*OF_CLUSTER)
def test_a_cluster_is_found_by_its_name_as_stored_only(
    api: Api, data: Data, operation: str
) -> None:
    cluster = data.cluster()
    name = cluster.name
    for form in {name.upper(), name.replace("-", ""), f"{{{name}}}"} - {name}:
        text = NOT_FOUND.format(f"{cluster.org_id}/{form}")
        api.refused(404, operation, text, **{**params(cluster, data), "cluster": form})


@each(*OF_CLUSTER)
def test_a_cluster_of_another_organization_is_not_found(
    api: Api, data: Data, operation: str
) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    others = [one.org_id for one in data.organizations(2)]
    cluster = data.cluster()
    org_id = next(number for number in others if number != cluster.org_id)
    text = NOT_FOUND.format(f"{org_id}/{cluster.name}")
    asked = {**params(cluster, data), "org_id": org_id}
    api.refused(404, operation, text, **asked)


@each(*OF_CLUSTER, "rule")
def test_improper_clusters_are_refused(api: Api, data: Data, operation: str) -> None:
    asked = {"org_id": data.organization().org_id, "user_id": data.user(), "rule_id": "a.b|KEY"}
    for value, text in CLUSTERS.items():
        api.refused(400, operation, text, **asked, cluster=value)


@each(*OF_CLUSTER, "rule")
def test_improper_organizations_are_refused(api: Api, data: Data, operation: str) -> None:
    asked = {"cluster": data.cluster().name, "user_id": data.user(), "rule_id": "a.b|KEY"}
    for value, text in refused_organizations(api.instance, "org_id").items():
        api.refused(400, operation, text, **asked, org_id=value)


def test_a_rule_that_does_not_hit_is_not_found(api: Api, data: Data) -> None:
    cluster, rule = data.cluster(), data.rule()
    text = NOT_FOUND.format(
        f"{cluster.org_id}/{cluster.name}/{rule['rule_id']}/{rule['error_key']}"
    )
    name = f"{rule['rule_id']}|{rule['error_key']}"
    api.refused(404, "rule", text, **params(cluster, data), rule_id=name)


@each("abc", "a|b|c", "a-b|KEY", "|KEY", "a.b|")
def test_improper_rules_are_refused(api: Api, data: Data, value: str) -> None:
    refusal = api.refused(400, "rule", **params(data.cluster(), data), rule_id=value)
    start = f"Error during parsing param 'rule_id' with value '{value}'. Error: 'Error during"
    text = refusal.json["status"]
    check(text.startswith(start), f"status: {text!r} does not start with {start!r}")


def test_several_reports_come_in_the_order_asked_for(api: Api, data: Data) -> None:
    organization = next((one for one in data.organizations() if one.clusters), None)
    if organization is None:
        skip("no organization with clusters is known")
    names = [cluster.name for cluster in organization.clusters[:3]][::-1]
    unknown = data.unknown_cluster()
    body = {"clusters": [*names, unknown]}
    found = api.ok("reports_by_body", org_id=organization.org_id, body=body)
    equal(found["clusters"], names, "clusters")
    equal(found["errors"], [unknown], "errors")
    equal(sorted(found["reports"]), sorted(names), "names of the reports")
    listed = ",".join([*names, unknown])
    by_path = api.ok("reports", org_id=organization.org_id, cluster_list=listed)
    for part in ("clusters", "errors"):
        equal(by_path[part], found[part], f"{part}, asked for in the path")
    equal(sorted(by_path["reports"]), sorted(names), "names of the reports, asked in the path")


@each("reports", "reports_by_body")
def test_none_found_or_missing_is_null(api: Api, data: Data, operation: str) -> None:
    cluster, unknown = data.cluster(), data.unknown_cluster()
    for name, wanted in ((cluster.name, ([cluster.name], None)), (unknown, (None, [unknown]))):
        body = {"clusters": [name]}
        found = api.ok(operation, org_id=cluster.org_id, cluster_list=name, body=body)
        equal((found["clusters"], found["errors"]), wanted, f"clusters and errors of {name}")


def details_of(hits: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the details of hits by rule and key."""
    return {f"{one['component']}|{one['key']}": one["details"] for one in hits}


@each("reports", "reports_by_body")
def test_several_reports_tell_what_each_report_tells(api: Api, data: Data, operation: str) -> None:
    clusters = data.clusters()[:LOOKED_AT]
    number, names = clusters[0].org_id, [cluster.name for cluster in clusters]

    def compare(reports: dict[str, Any]) -> None:
        body, listed = {"clusters": names}, ",".join(names)
        several = api.ok(operation, org_id=number, body=body, cluster_list=listed)["reports"]
        seen = 0
        for name, report in reports.items():
            stored = several[name]
            hits = stored.get("reports") if isinstance(stored, dict) else None
            if isinstance(hits, list):
                seen += 1
                told = details_of(report["reports"])
                equal(details_of(hits), told, f"details of {name}")
        if not seen:
            skip("no report known was written by the rules pipeline")

    retry_until_stable(lambda: reports_of(api, clusters), compare)


def test_data_were_gathered_before_they_were_checked(api: Api, data: Data) -> None:
    for cluster in data.clusters()[:SOME]:
        meta = report_of(api, cluster)["meta"]
        gathered, checked = meta.get("gathered_at"), meta["last_checked_at"]
        check(gathered is None or gathered <= checked,
              f"{cluster.name}: gathered at {gathered}, checked at {checked}")  # fmt: skip


def test_several_reports_are_indented(api: Api, data: Data) -> None:
    cluster = data.cluster()
    body = {"clusters": [cluster.name]}
    text = api.call("reports_by_body", org_id=cluster.org_id, body=body).text
    start = f'{{\n\t"clusters": [\n\t\t"{cluster.name}"\n\t],\n\t"errors": null,\n\t"reports": {{'
    equal(text[: len(start)], start, "start of the answer")
    end = '\t"generated_at": "",\n\t"status": "ok"\n}'
    equal(text[-len(end) :], end, "end of the answer")


def test_no_clusters_have_no_reports(api: Api, data: Data) -> None:
    org_id = data.organization().org_id
    found = api.ok("reports_by_body", org_id=org_id, body={"clusters": []})
    equal((found["clusters"], found["errors"], found["reports"]), (None, None, {}), "answer")


def test_clusters_of_another_organization_are_refused(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    cluster = data.cluster()
    org_id = next(one.org_id for one in data.organizations(2) if one.org_id != cluster.org_id)
    text = "Improper organization ID"
    asked = {"clusters": [cluster.name]}
    if api.instance.conceals:
        for answer in (
            api.ok("reports_by_body", org_id=org_id, body=asked),
            api.ok("reports", org_id=org_id, cluster_list=cluster.name),
        ):
            equal((answer["errors"], answer["reports"]), ([cluster.name], {}), "answer")
        return
    api.refused(400, "reports_by_body", text, org_id=org_id, body=asked)
    api.refused(400, "reports", text, org_id=org_id, cluster_list=cluster.name)


def test_improper_names_of_several_are_refused(api: Api, data: Data) -> None:
    org_id = data.organization().org_id
    text = "invalid cluster ID: 'abc'. Error: invalid UUID length: 3"
    body = {"clusters": [data.unknown_cluster(), "abc"]}
    api.refused(400, "reports_by_body", text, org_id=org_id, body=body)
