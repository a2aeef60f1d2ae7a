"""What a correct instance answers to proper requests, by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tests.mutation.middleware import Request

from .model import (
    CHECKED,
    STORED,
    Document,
    Model,
    Refusal,
    missing,
    second,
)
from .request_parameters import (
    PARSERS,
    body_of,
    names,
    unreadable,
    user,
    uuid,
)

VOTES = {"like": 1, "dislike": -1, "reset_vote": 0}
OWNED = {"disable_feedback", "get_vote", "disable", "enable", *VOTES}
LIMIT = 255


class Host(Protocol):
    """What answers need of the instance."""

    model: Model
    who: int | None
    strict: bool

    def permit(self, org: int, who: int | None, *, always: bool = True) -> None:
        """Refuse another organization's."""


def owned(host: Host, params: Document) -> Document:
    """Return the parameters of a request about a cluster, which only its owner may send."""
    owner = host.model.owner(params["cluster"])
    if "user_id" in params:
        user("user_id", params["user_id"])
    if "org_id" in params:
        PARSERS["org_id"]("org_id", params["org_id"])
    if conceals(host) and host.who != owner:
        raise missing(params["cluster"])
    host.permit(owner, host.who)
    return params


def conceals(host: Host) -> bool:
    """Return True if clusters of other organizations are answered like unknown ones."""
    return host.strict and host.who is not None


def message(request: Request, *, optional: bool) -> str:
    """Return the message of a body."""
    text = body_of(request, dict, optional=optional).get("message") or ""
    if not isinstance(text, str):
        raise Refusal(400, "bad type in json data")
    if len(text) > LIMIT:
        reason = f"feedback message is longer than {LIMIT} bytes"
        raise Refusal(400, f"Error during validating param 'message' with value "
                           f"'{text[:LIMIT]}...'. Error: '{reason}'")  # fmt: skip
    return text


def keys(host: Host, request: Request) -> list[str]:
    """Return the keys that a request is about: all that hit where it names none."""
    params = request.params
    named = params.get("error_key")
    return [named] if named else host.model.keys(params["cluster"], params["rule_id"])


def vote(value: int) -> Callable[[Host, Request, Document], Document]:
    def answer(host: Host, request: Request, params: Document) -> Document:
        owned(host, params)
        message(request, optional=True)
        for key in keys(host, request):
            host.model.put_vote(params["cluster"], params["rule_id"], key, params["user_id"], value)
        return {}

    return answer


def toggle(value: int) -> Callable[[Host, Request, Document], Document]:
    def answer(host: Host, request: Request, params: Document) -> Document:
        owned(host, params)
        for key in keys(host, request):
            host.model.disabled[params["cluster"], params["rule_id"], key] = value
        return {}

    return answer


def get_vote(host: Host, request: Request, params: Document) -> Document:
    owned(host, params)
    place = params["cluster"], params["rule_id"], params["user_id"]
    return {"vote": host.model.vote(*place, params.get("error_key"))}


def disable_feedback(host: Host, request: Request, params: Document) -> Document:
    owned(host, params)
    text = message(request, optional=False)
    place = params["cluster"], params["rule_id"], params["error_key"], params["user_id"]
    host.model.reasons[place] = text
    return {"message": text}


def disabled_for_clusters(host: Host, request: Request, params: Document) -> Document:
    wanted = names(body_of(request, list))
    never = {"Time": "0001-01-01T00:00:00Z", "Valid": False}
    then = {"Time": STORED, "Valid": True}
    found = [place for place, value in host.model.disabled.items() if value and place[0] in wanted]
    rows = [
        {
            "ClusterID": cluster, "RuleID": rule, "ErrorKey": key, "Disabled": 1,
            "DisabledAt": then, "EnabledAt": never, "UpdatedAt": then,
        }
        for cluster, rule, key in found
    ]  # fmt: skip
    return {"rules": rows}


def reasons(host: Host, request: Request, params: Document) -> Document:
    then = {"Time": STORED, "Valid": True}
    rows = [
        {
            "ClusterID": cluster, "RuleID": rule, "ErrorKey": key, "Message": text,
            "AddedAt": then, "UpdatedAt": then,
        }
        for (cluster, rule, key, by), text in host.model.reasons.items()
        if by == params["user_id"]
    ]  # fmt: skip
    return {"reasons": rows}


def report(host: Host, request: Request, params: Document) -> Document:
    place = params["org_id"], params["cluster"], params["user_id"]
    return {"report": host.model.report(*place)}


def report_info(host: Host, request: Request, params: Document) -> Document:
    found = host.model.report(params["org_id"], params["cluster"], "")["meta"]
    times = {"last_checked_at": second(CHECKED), "stored_at": STORED}
    return {"metainfo": {"count": found["count"], **times}}


def rule(host: Host, request: Request, params: Document) -> Document:
    name, _, key = params["rule_id"].partition("|")
    org, cluster = params["org_id"], params["cluster"]
    if host.model.left.get(cluster) != org or key not in host.model.keys(cluster, name):
        raise missing(org, cluster, name, key)
    return {"report": host.model.hit(cluster, name, key, params["user_id"])}


def reports(host: Host, request: Request, params: Document) -> Document:
    wanted = params["cluster_list"].split(",")
    found = [name for name in wanted if name in host.model.left]
    if conceals(host):
        found = [name for name in found if host.model.left[name] == params["org_id"]]
    if {host.model.left[name] for name in found} - {params["org_id"]}:
        raise Refusal(400, "Improper organization ID")
    absent = [name for name in wanted if name not in found]
    return {
        "clusters": found or None, "errors": absent or None,
        "reports": {name: {} for name in found}, "generated_at": "",
    }  # fmt: skip


def clusters_detail(host: Host, request: Request, params: Document) -> Document:
    limit = names(body_of(request, dict, optional=True).get("clusters") or [])
    return {"clusters": host.model.hit_by(params["org_id"], params["rule_selector"], limit)}


def recommendations(host: Host, request: Request, params: Document) -> Document:
    wanted = names(body_of(request, list))
    return {"recommendations": host.model.by_rule(params["org_id"], wanted)}


def cluster_recommendations(host: Host, request: Request, params: Document) -> Document:
    wanted = names(body_of(request, list))
    return {"clusters": host.model.by_cluster(params["org_id"], wanted)}


def workloads(host: Host, request: Request, params: Document) -> Document:
    return {"workloads": host.model.spaces(params["org_id"], None)}


def workloads_by_body(host: Host, request: Request, params: Document) -> Document:
    wanted = names(body_of(request, list))
    return {"workloads": host.model.spaces(params["org_id"], wanted) if wanted else []}


def namespace_workloads(host: Host, request: Request, params: Document) -> Document:
    org, cluster, space = params["org_id"], params["cluster"], params["namespace"]
    places = [(row["cluster"]["uuid"], row["namespace"]["uuid"])
              for row in host.model.spaces(org, [cluster]) or []]  # fmt: skip
    if (cluster, space) not in places:
        raise missing(org, cluster, space, between=":")
    shown = host.model.space(cluster, space)
    return {"workloads": {"status": "", **shown,
                          "recommendations": host.model.advice(cluster, space)}}  # fmt: skip


def delete_clusters(host: Host, request: Request, params: Document) -> Document:
    wanted = [uuid("cluster", name) for name in params["clusters"].split(",")]
    if conceals(host):
        wanted = [name for name in wanted if host.model.left.get(name) == host.who]
    host.model.delete(wanted)
    return {}


def delete_organizations(host: Host, request: Request, params: Document) -> Document:
    wanted = []
    for text in params["organizations"].split(","):
        if not text.isdigit() or int(text) >= 2**32:
            raise unreadable("organizations", text, "integer array expected")
        wanted.append(int(text))
    for org in wanted:
        host.permit(org, host.who, always=False)
        host.model.delete(host.model.of(org))
    return {}


def plain(**document: Any) -> Callable[[Host, Request, Document], Document]:
    """Answer always the same."""
    return lambda host, request, params: document


ANSWERS: dict[str, Callable[[Host, Request, Document], Document]] = {
    "main": plain(),
    "acks": plain(disabledRules=[]),
    "organizations": lambda host, _, __: {"organizations": sorted(set(host.model.left.values()))},
    "clusters": lambda host, _, params: {"clusters": sorted(host.model.of(params["organization"]))},
    **{name: vote(value) for name, value in VOTES.items()},
    "disable": toggle(1),
    "enable": toggle(0),
    **{
        one.__name__: one
        for one in (
            get_vote, disable_feedback, disabled_for_clusters, reasons, report, report_info, rule,
            reports, clusters_detail, recommendations, cluster_recommendations, workloads,
            workloads_by_body, namespace_workloads, delete_clusters, delete_organizations,
        )
    },
}  # fmt: skip
