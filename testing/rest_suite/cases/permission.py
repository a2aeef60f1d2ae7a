"""Only data of the token's organization is served (contract rest-api 1.5, departure 17)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    READ,
    WRITE,
    deletes,
    each,
    profiles,
    writes,
)
from ..checks import equal, skip
from ..contract import OPERATIONS
from ..credentials import IDENTITY_HEADER, IdentityHeader
from ..data import Data, Hit
from .authentication import authenticated, made_up, takes_identity_header
from .parameters import NOT_FOUND

OWNED = ("like", "dislike", "reset_vote", "disable", "enable", "disable_feedback",
         "like_2020", "dislike_2020", "reset_vote_2020", "disable_2020", "enable_2020")  # fmt: skip
OWNED_READS = ("get_vote", "get_vote_2020")
# asked with the organization of the path, as the reference does not
NAMING = tuple(
    operation.name
    for operation in OPERATIONS.values()
    if "org_id" in operation.names and operation.name not in OWNED
)
NAMING_READS = tuple(name for name in NAMING if OPERATIONS[name].kind == READ)
NAMING_WRITES = tuple(name for name in NAMING if OPERATIONS[name].kind == WRITE)
BODIES: dict[str, object] = {
    "reports_by_body": {"clusters": []},
    "recommendations": [],
    "cluster_recommendations": [],
    "disabled_for_clusters": [],
    "workloads_by_body": [],
    "disable_feedback": {"message": "by the REST suite"},
    "ack_disable": {"justification": "by the REST suite"},
    "ack_update": {"justification": "by the REST suite"},
}

Params = dict[str, Any]


def stranger(api: Api, data: Data) -> tuple[int, dict[str, str]]:
    """Return another organization with its identity header; skip where it cannot be made."""
    authenticated(api)
    if not takes_identity_header(api):
        skip("the instance wants a signed token, and the run has one organization's only")
    number = data.unknown_organization()
    return number, {IDENTITY_HEADER: IdentityHeader().token(number)}


def strictly(api: Api) -> None:
    """Skip the case where the instance compares organizations no more than the reference."""
    authenticated(api)
    if not api.instance.strict:
        skip("the instance compares organizations as the reference does")


def foreign_number(api: Api, data: Data) -> tuple[int, int]:
    """Return an organization without anything, and the one that asks: another one."""
    asking = api.organization or data.organization().org_id
    return data.unknown_organization(), asking


def body_of(operation: str, params: Params) -> Params:
    """Return the body that an operation wants, as a keyword."""
    if operation == "rate":
        return {"body": {"rule": params["rule_selector"], "rating": 1}}
    return {"body": BODIES[operation]} if operation in BODIES else {}


def refused_for(api: Api, operation: str, owner: int, asking: int, **arguments: Any) -> None:
    """Demand a 403, which names both organizations unless the instance conceals them."""
    api.refused(403, operation, api.instance.foreign(owner, asking), **arguments)


def demand_owner(api: Api, data: Data, operation: str, hit: Hit) -> None:
    """Demand that an operation about a cluster is refused to all but its owner."""
    other, headers = stranger(api, data)
    params: Params = {**hit.params, "user_id": data.user(), "headers": headers}
    body = body_of(operation, params)
    if api.instance.conceals:
        params["org_id"] = other
        api.refused(404, operation, NOT_FOUND.format(hit.cluster), **params, **body)
        return
    refused_for(api, operation, hit.org_id, other, **params, **body)
    if not api.instance.strict:
        # only the cluster's owner counts, whatever organization the path names
        params["org_id"] = other
        refused_for(api, operation, hit.org_id, other, **params, **body)


def test_clusters_are_for_their_organization(api: Api, data: Data) -> None:
    other, headers = stranger(api, data)
    for organization in data.organizations():
        number = organization.org_id
        refused_for(api, "clusters", number, other, organization=number, headers=headers)


def test_clusters_of_another_organization_are_refused(api: Api, data: Data) -> None:
    authenticated(api)
    number, asking = foreign_number(api, data)
    params: Params = {"organization": number, "as_organization": asking}
    refused_for(api, "clusters", number, asking, **params)


@each(*OWNED_READS)
def test_votes_are_told_to_the_owner_of_the_cluster(api: Api, data: Data, operation: str) -> None:
    demand_owner(api, data, operation, data.hit())


@writes
@each(*OWNED)
def test_writing_about_a_cluster_is_for_its_owner(api: Api, data: Data, operation: str) -> None:
    demand_owner(api, data, operation, data.own_hit())


@writes
def test_a_refused_vote_is_not_stored(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    _, headers = stranger(api, data)
    for vote in ("like", "disable"):
        status = 404 if api.instance.conceals else 403
        api.refused(status, vote, **hit.params, user_id=user, headers=headers)
    answer = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    shown = [(one["user_vote"], one["disabled"]) for one in answer
             if (one["component"], one["key"]) == (hit.rule_id, hit.error_key)]  # fmt: skip
    equal(shown, [(0, False)], f"vote and toggle of {hit.rule_and_key} after both were refused")


@writes
@each(*OWNED)
def test_an_unknown_cluster_has_no_owner(api: Api, data: Data, operation: str) -> None:
    authenticated(api)
    params = {**made_up(data), "org_id": api.organization or data.organization().org_id}
    text = NOT_FOUND.format(params["cluster"])
    api.refused(404, operation, text, **params, **body_of(operation, params))


def demand_strictness(api: Api, data: Data, operation: str) -> None:
    """Demand that an operation compares the organization of its path with the token's."""
    strictly(api)
    number, asking = foreign_number(api, data)
    params = {**made_up(data), "org_id": number}
    refused_for(
        api, operation, number, asking, **params, **body_of(operation, params),
        as_organization=asking,
    )  # fmt: skip


@each(*NAMING_READS)
def test_reading_about_another_organization_is_refused(
    api: Api, data: Data, operation: str
) -> None:
    demand_strictness(api, data, operation)


@writes
@each(*NAMING_WRITES)
def test_writing_about_another_organization_is_refused(
    api: Api, data: Data, operation: str
) -> None:
    demand_strictness(api, data, operation)


@each("report", "report_info", "rule", "reports", "clusters_detail", "workloads", "acks")
def test_what_is_there_is_for_its_organization(api: Api, data: Data, operation: str) -> None:
    strictly(api)
    other, headers = stranger(api, data)
    params = params_of(data.hit())
    if operation == "rule":
        params["rule_id"] = data.hit().rule_and_key
    refused_for(api, operation, params["org_id"], other, **params, headers=headers)


def params_of(hit: Hit) -> Params:
    """Return parameters of readings about a hit."""
    selector = {"rule_selector": hit.selector, "cluster_list": hit.cluster}
    return {**hit.params, **selector, "user_id": "rest-suite"}


@profiles(*CURRENT)
@each("report", "report_info", "reports", "clusters_detail", "workloads", "acks")
def test_any_organization_may_read_where_the_check_is_the_old_one(
    api: Api, data: Data, operation: str
) -> None:
    _, headers = stranger(api, data)
    if api.instance.strict:
        skip("the instance compares organizations everywhere")
    params = params_of(data.hit())
    own = api.ok(operation, **params)
    equal(api.ok(operation, **params, headers=headers), own, f"{operation} read by another")


def test_organizations_are_listed_for_all(api: Api, data: Data) -> None:
    _, headers = stranger(api, data)
    found = api.ok("organizations", headers=headers)["organizations"]
    if api.instance.conceals:
        # a token sees its own organization only
        number = data.hit().org_id
        mine = {IDENTITY_HEADER: IdentityHeader().token(number)}
        equal(found, [], "organizations listed for one without a cluster")
        equal(api.ok("organizations", headers=mine)["organizations"], [number], "own organization")
        return
    own = api.ok("organizations")["organizations"]
    for organization in data.organizations():
        for who, numbers in (("one", own), ("another", found)):
            there = organization.org_id in numbers
            equal(there, True, f"{organization.org_id} in the organizations for {who}")


@profiles(*CURRENT)
def test_a_cluster_is_not_known_to_another_organization(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    hit = data.hit()
    others = [one.org_id for one in data.organizations() if one.org_id != hit.org_id]
    for number in [*others[:2], data.unknown_organization()]:
        params: Params = {**params_of(hit), "org_id": number}
        text = NOT_FOUND.format(f"{number}/{hit.cluster}")
        for operation in ("report", "report_info"):
            api.refused(404, operation, text, **params)
        params["rule_id"] = hit.rule_and_key
        text = NOT_FOUND.format(f"{number}/{hit.cluster}/{hit.rule_id}/{hit.error_key}")
        api.refused(404, "rule", text, **params)
        if api.instance.conceals:
            equal(api.ok("reports", **params)["errors"], [hit.cluster], "unknown clusters")
        else:
            api.refused(400, "reports", "Improper organization ID", **params)


@deletes
def test_deleting_another_organization_is_refused(api: Api, data: Data) -> None:
    strictly(api)
    number, asking = foreign_number(api, data)
    for text in (str(number), f"{asking + 1},{number}"):
        first = text.split(",")[0]
        params: Params = {"organizations": text, "as_organization": asking}
        refused_for(api, "delete_organizations", int(first), asking, **params)


@deletes
def test_deleting_a_cluster_is_for_its_owner(api: Api, data: Data) -> None:
    strictly(api)
    other, headers = stranger(api, data)
    for cluster in data.clusters():
        params: Params = {"org_id": cluster.org_id, "cluster": cluster.name, "user_id": "x"}
        if api.call("report_info", **params).status == 200:
            named = {"clusters": cluster.name, "headers": headers}
            if api.instance.conceals:
                api.ok("delete_clusters", **named)
            else:
                refused_for(api, "delete_clusters", cluster.org_id, other, **named)
            api.ok("report_info", **params)
            return
    skip("all clusters known have been deleted")
