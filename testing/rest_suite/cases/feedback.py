"""Users' reasons for disabling a rule on a cluster (contract rest-api 4.2, 4.3)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    profiles,
    writes,
)
from ..checks import check, equal
from ..data import Data, Hit
from .parameters import (
    ANY_LETTERS,
    BLANK,
    NO_BODY,
    NO_USER,
    NOT_FOUND,
    improper_clusters,
    improper_rules,
    texts_beyond,
    texts_within,
)

SEVERAL = 6
MARKUP, ESCAPED = "<b>&\u2028</b>", r"\u003cb\u003e\u0026\u2028\u003c/b\u003e"


def give(api: Api, hit: Hit, user: str, text: str) -> None:
    """Give a reason, and demand that it is answered."""
    answer = api.ok("disable_feedback", **hit.params, user_id=user, body={"message": text})
    equal(answer["message"], text, "message answered")


def reasons(api: Api, hit: Hit, user: str) -> list[dict[str, Any]]:
    """Return all reasons of a user."""
    found: list[dict[str, Any]] = api.ok("reasons", user_id=user, as_organization=hit.org_id)[
        "reasons"
    ]
    return found


def only_reason(api: Api, hit: Hit, user: str) -> dict[str, Any]:
    """Return the reason of a user who has given one."""
    found = reasons(api, hit, user)
    equal(len(found), 1, f"number of reasons of {user}")
    return found[0]


def told(api: Api, hit: Hit, user: str) -> tuple[object, object]:
    """Return the reason in a user's report, and in what is said of the rule."""
    reports = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    found = [r for r in reports if (r["component"], r["key"]) == (hit.rule_id, hit.error_key)]
    equal(len(found), 1, f"hits {hit.rule_and_key} in the report of {hit.cluster}")
    rule = api.ok("rule", **{**hit.params, "rule_id": hit.rule_and_key}, user_id=user)["report"]
    return found[0]["disable_feedback"], rule["disable_feedback"]


@writes
def test_a_reason_is_told(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for text in ("not a production cluster", "changed my mind \u2713"):
        give(api, hit, user, text)
        equal(told(api, hit, user), (text, text), "disable_feedback of report and rule")
        reason = only_reason(api, hit, user)
        wanted = {"ClusterID": hit.cluster, "RuleID": hit.rule_id, "ErrorKey": hit.error_key,
                  "Message": text}  # fmt: skip
        equal({name: reason[name] for name in wanted}, wanted, "reason in the list")
        check(reason["AddedAt"]["Valid"], "AddedAt is not valid")
        check(reason["UpdatedAt"]["Valid"], "UpdatedAt is not valid")


@writes
def test_any_letters_are_kept(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    give(api, hit, user, ANY_LETTERS)
    equal(told(api, hit, user), (ANY_LETTERS, ANY_LETTERS), "disable_feedback of report and rule")
    equal(only_reason(api, hit, user)["Message"], ANY_LETTERS, "message of the reason")


@writes
def test_every_reason_is_listed(api: Api, data: Data) -> None:
    hit, user, texts = data.own_hit(), data.user(), {}
    for number in range(SEVERAL):
        rule = data.rule()
        texts[rule["rule_id"]] = f"reason {number}"
        body = {"message": f"reason {number}"}
        api.ok("disable_feedback", **{**hit.params, **rule}, user_id=user, body=body)
    found = {row["RuleID"]: row["Message"] for row in reasons(api, hit, user)}
    equal(found, texts, "reasons in the list")


@writes
@profiles(*CURRENT)
def test_markup_is_sent_escaped(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    give(api, hit, user, MARKUP)
    exchange = api.call("reasons", user_id=user, as_organization=hit.org_id)
    check(ESCAPED in exchange.text, f"{exchange.place}: {ESCAPED} is not in the body")
    (row,) = exchange.json["reasons"]
    equal(row["Message"], MARKUP, "message of the reason")


@writes
def test_a_reason_given_twice_is_one(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    first: dict[str, Any] = {}
    for _ in range(2):
        give(api, hit, user, "said twice")
        reason = only_reason(api, hit, user)
        first = first or reason
    equal(reason["Message"], "said twice", "message of the reason")
    # another instance on the same database was given it, too
    if len(api.profiles) == 1:
        equal(first["UpdatedAt"], first["AddedAt"], "UpdatedAt of a reason given once")
    equal(reason["AddedAt"], first["AddedAt"], "AddedAt after the reason was given again")
    moments = [first["UpdatedAt"]["Time"], reason["UpdatedAt"]["Time"]]
    check(moments[0] <= moments[1], f"UpdatedAt goes back: {moments}")


@writes
@profiles(DEPARTURES)
def test_reasons_come_in_order(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for rule in (data.rule(), data.rule()):
        params = {**hit.params, **rule}
        api.ok("disable_feedback", **params, user_id=user, body={"message": "in order"})
    found = reasons(api, hit, user)
    order = [(row["ClusterID"], row["RuleID"], row["ErrorKey"]) for row in found]
    equal((len(order), order), (2, sorted(order)), "cluster, rule and key of each reason")


@writes
def test_the_time_of_a_reason_is_shown_in_the_report(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    give(api, hit, user, "because")
    reason = only_reason(api, hit, user)
    reports = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    found = [
        r["disabled_at"] for r in reports if (r["component"], r["key"]) == (
            hit.rule_id, hit.error_key)
    ]  # fmt: skip
    equal(found, [f"{reason['UpdatedAt']['Time'][:19]}Z"], "disabled_at in the report")


@writes
def test_a_reason_disables_nothing(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    give(api, hit, user, "only said")
    rule = api.ok("rule", **{**hit.params, "rule_id": hit.rule_and_key}, user_id=user)["report"]
    equal(rule["disabled"], False, "disabled after a reason alone")


@writes
def test_a_reason_is_of_one_user(api: Api, data: Data) -> None:
    hit, user, other = data.own_hit(), data.user(), data.user()
    give(api, hit, user, "mine")
    equal(told(api, hit, other), ("", ""), "disable_feedback shown to another user")
    equal(reasons(api, hit, other), [], "reasons of another user")


@writes
def test_a_reason_justifies_the_disabled_cluster(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("disable", **hit.params)
    give(api, hit, user, "test lab")
    clusters = api.ok("disabled_clusters", **hit.params)["clusters"] or []
    found = [one["justification"] for one in clusters if one["cluster_id"] == hit.cluster]
    equal(found, ["test lab"], f"justification of {hit.cluster}")


def test_who_gave_no_reason_has_none(api: Api, data: Data) -> None:
    hit = data.hit()
    equal(reasons(api, hit, data.user()), [], "reasons")


@writes
def test_a_reason_needs_a_body(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.refused(400, "disable_feedback", NO_BODY, **hit.params, user_id=user)
    api.refused(400, "disable_feedback", NO_BODY, **hit.params, user_id=user, body=b" \n")
    equal(reasons(api, hit, user), [], "reasons after refusals")


@writes
def test_a_reason_may_be_as_long_as_the_limit(api: Api, data: Data) -> None:
    hit, user, limit = data.own_hit(), data.user(), api.instance.message_limit
    for text in texts_within(limit):
        give(api, hit, user, text)
        (reason,) = reasons(api, hit, user)
        equal(reason["Message"], text, "message of the reason")
    params = {**hit.params, "user_id": user}
    for text, refusal in texts_beyond("message", limit).items():
        api.refused(400, "disable_feedback", refusal, **params, body={"message": text})


@writes
def test_a_reason_for_an_unknown_cluster_is_refused(api: Api, data: Data) -> None:
    params = {**data.hit().params, "cluster": data.unknown_cluster()}
    text = NOT_FOUND.format(params["cluster"])
    body = {"message": "nobody there"}
    api.refused(404, "disable_feedback", text, **params, user_id=data.user(), body=body)


def test_reasons_are_those_of_somebody(api: Api, data: Data) -> None:
    number = data.organization().org_id
    api.refused(400, "reasons", NO_USER, user_id=BLANK, as_organization=number)


@writes
def test_a_reason_with_improper_parameters_is_refused(api: Api, data: Data) -> None:
    hit, user, body = data.own_hit(), data.user(), {"message": "refused"}
    for value, text in improper_clusters().items():
        params = {**hit.params, "cluster": value}
        api.refused(400, "disable_feedback", text, **params, user_id=user, body=body)
    for value, text in improper_rules().items():
        params = {**hit.params, "rule_id": value}
        api.refused(400, "disable_feedback", text, **params, user_id=user, body=body)
    api.refused(400, "disable_feedback", NO_USER, **hit.params, user_id=BLANK, body=body)
    equal(reasons(api, hit, user), [], "reasons after refusals")
