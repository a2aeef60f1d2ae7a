"""The routes of 2020, which name no error key (departure 25)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    DEPARTURES,
    LEGACY,
    REFERENCE_2026,
    each,
    profiles,
    writes,
)
from ..checks import check, equal
from ..contract import OPERATIONS
from ..data import Data, Hit
from .parameters import (
    BLANK,
    NO_USER,
    NOT_FOUND,
    improper_clusters,
    improper_rules,
)

VOTES = {"like_2020": 1, "dislike_2020": -1, "reset_vote_2020": 0}
TOGGLES = ("disable_2020", "enable_2020")
WRITES = (*VOTES, *TOGGLES)
GET = "get_vote_2020"
PLAIN_404 = "404 page not found\n"

Params = dict[str, Any]


def told(api: Api, hit: Hit, user: str) -> object:
    """Return the vote that the route of 2020 tells."""
    return api.ok(GET, **hit.params, user_id=user)["vote"]


def shown(api: Api, hit: Hit, user: str) -> dict[str, Any]:
    """Return what a user's report has of a hit."""
    hits = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    found = [one for one in hits if (one["component"], one["key"]) == (hit.rule_id, hit.error_key)]
    equal(len(found), 1, f"hits {hit.rule_and_key} in the report of {hit.cluster}")
    row: dict[str, Any] = found[0]
    return row


def keys_of(data: Data, hit: Hit) -> list[Hit]:
    """Return the hits of a cluster by the same rule, whatever their error key."""
    place = (hit.cluster, hit.rule_id)
    return [other for other in data.hits() if (other.cluster, other.rule_id) == place]


def not_found(api: Api, *names: str) -> str | None:
    """Return the text for an item that does not exist."""
    return NOT_FOUND.format("/".join(names))


@profiles(*LEGACY)
def test_who_has_not_voted_has_no_vote(api: Api, data: Data) -> None:
    hit, user = data.hit(), data.user()
    text = not_found(api, hit.cluster, hit.rule_id, user)
    api.refused(404, GET, text, **hit.params, user_id=user)


@writes
@profiles(*LEGACY)
def test_the_last_vote_is_told(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for vote in (*VOTES, *reversed(VOTES), "like_2020", "like_2020"):
        equal(api.ok(vote, **hit.params, user_id=user), {"status": "ok"}, f"answer to {vote}")
        equal(told(api, hit, user), VOTES[vote], f"vote after {vote}")


@writes
@profiles(*LEGACY)
def test_a_vote_is_of_one_user_rule_and_cluster(api: Api, data: Data) -> None:
    hit, user, other = data.own_hit(), data.user(), data.user()
    api.ok("like_2020", **hit.params, user_id=user)
    api.refused(404, GET, not_found(api, hit.cluster, hit.rule_id, other), **hit.params,
                user_id=other)  # fmt: skip
    rule = data.rule()["rule_id"]
    params: Params = {**hit.params, "rule_id": rule, "user_id": user}
    api.refused(404, GET, not_found(api, hit.cluster, rule, user), **params)
    own = [cluster.name for cluster in data.inventory.clusters if cluster.org_id == hit.org_id]
    for name in [name for name in own if name != hit.cluster][:1]:
        params = {**hit.params, "cluster": name, "user_id": user}
        api.refused(404, GET, not_found(api, name, hit.rule_id, user), **params)


@writes
@profiles(*LEGACY)
@each(*WRITES)
def test_writing_about_an_unknown_cluster_is_refused(api: Api, data: Data, operation: str) -> None:
    cluster = data.unknown_cluster()
    params: Params = {**data.rule(), "cluster": cluster, "user_id": data.user()}
    about = data.organization().org_id
    api.refused(404, operation, not_found(api, cluster), **params, as_organization=about)


@profiles(*LEGACY)
def test_an_unknown_cluster_has_no_votes(api: Api, data: Data) -> None:
    cluster = data.unknown_cluster()
    params: Params = {**data.rule(), "cluster": cluster, "user_id": data.user()}
    api.refused(404, GET, not_found(api, cluster), **params)


def demand_proper(api: Api, data: Data, operation: str) -> None:
    """Demand that improper parameters are refused, the cluster's before the rule's."""
    params: Params = {**data.rule(), "cluster": data.unknown_cluster(), "user_id": data.user()}
    for value, text in improper_clusters().items():
        improper = {**params, "cluster": value}
        api.refused(400, operation, text, **improper)
    for value, text in improper_rules().items():
        improper = {**params, "rule_id": value}
        api.refused(400, operation, text, **improper)
    (cluster, text), rule = next(iter(improper_clusters().items())), "a-b"
    both = {**params, "cluster": cluster, "rule_id": rule}
    api.refused(400, operation, text, **both)


@writes
@profiles(*LEGACY)
@each(*WRITES)
def test_improper_parameters_of_writes_are_refused(api: Api, data: Data, operation: str) -> None:
    demand_proper(api, data, operation)


@profiles(*LEGACY)
def test_improper_parameters_are_refused(api: Api, data: Data) -> None:
    demand_proper(api, data, GET)


@writes
@profiles(DEPARTURES)
@each(*WRITES)
def test_a_user_is_needed(api: Api, data: Data, operation: str) -> None:
    hit = data.own_hit()
    api.refused(400, operation, NO_USER, **hit.params, user_id=BLANK)


@profiles(DEPARTURES)
def test_no_votes_are_told_of_nobody(api: Api, data: Data) -> None:
    api.refused(400, GET, NO_USER, **data.hit().params, user_id=BLANK)


@writes
@profiles(DEPARTURES)
@each(*VOTES)
def test_a_message_may_be_as_long_as_the_limit(api: Api, data: Data, vote: str) -> None:
    hit, user, limit = data.own_hit(), data.user(), api.instance.message_limit
    params: Params = {**hit.params, "user_id": user}
    bodies: tuple[object, ...] = ({"message": "x" * limit}, {}, None, b"  ")
    for body in bodies:
        api.ok(vote, **params, body=body)
    long = "y" * limit
    text = (
        f"Error during validating param 'message' with value '{long}...'. "
        f"Error: 'feedback message is longer than {limit} bytes'"
    )
    api.refused(400, vote, text, **params, body={"message": long + "y"})
    api.refused(400, vote, "bad type in json data", **params, body={"message": 1})


@writes
@profiles(DEPARTURES)
def test_a_vote_is_on_every_key_that_hits(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for vote, value in VOTES.items():
        api.ok(vote, **hit.params, user_id=user)
        for other in keys_of(data, hit):
            params: Params = {**other.params, "user_id": user}
            equal(api.ok("get_vote", **params)["vote"], value, f"vote on {other.rule_and_key}")
            equal(shown(api, other, user)["user_vote"], value, f"user_vote after {vote}")
            params["rule_id"] = other.rule_and_key
            found = api.ok("rule", **params)["report"]["user_vote"]
            equal(found, value, f"user_vote of {other.rule_and_key} after {vote}")


@writes
@profiles(DEPARTURES)
def test_the_newest_vote_on_any_key_is_told(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("dislike_2020", **hit.params, user_id=user)
    api.ok("like", **hit.params, user_id=user)
    equal(told(api, hit, user), 1, "vote after dislike_2020 and then like with a key")
    api.ok("dislike_2020", **hit.params, user_id=user)
    found = api.ok("get_vote", **hit.params, user_id=user)["vote"]
    equal(found, -1, "vote with a key after dislike_2020")
    other_key: Params = {**hit.params, "error_key": "REST_SUITE", "user_id": user}
    api.ok("like", **other_key)
    equal(told(api, hit, user), 1, "vote after like with another key")


@writes
@profiles(*LEGACY)
def test_a_rule_that_does_not_hit_can_be_voted_on(api: Api, data: Data) -> None:
    hit, user, rule = data.own_hit(), data.user(), data.rule()["rule_id"]
    params: Params = {**hit.params, "rule_id": rule, "user_id": user}
    for vote, value in VOTES.items():
        api.ok(vote, **params)
        equal(api.ok(GET, **params)["vote"], value, f"vote on {rule} after {vote}")


@writes
@profiles(DEPARTURES)
def test_a_toggle_is_on_every_key_that_hits(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for operation in ("disable_2020", "disable_2020", "enable_2020", "enable_2020"):
        wanted = operation == "disable_2020"
        equal(api.ok(operation, **hit.params, user_id=user), {"status": "ok"}, operation)
        rules = api.ok("disabled_for_clusters", org_id=hit.org_id, body=[hit.cluster])["rules"]
        disabled = {(row["RuleID"], row["ErrorKey"]) for row in rules}
        for other in keys_of(data, hit):
            what = f"{other.rule_and_key} after {operation}"
            equal(shown(api, other, user)["disabled"], wanted, f"disabled: {what}")
            listed = (other.rule_id, other.error_key) in disabled
            equal(listed, wanted, f"in the list of disabled rules: {what}")


@writes
@profiles(DEPARTURES)
def test_a_rule_that_does_not_hit_is_disabled_without_a_key(api: Api, data: Data) -> None:
    hit, rule = data.own_hit(), data.rule()["rule_id"]
    for operation, wanted in (("disable_2020", [""]), ("enable_2020", [])):
        api.ok(operation, **{**hit.params, "rule_id": rule}, user_id=data.user())
        rules = api.ok("disabled_for_clusters", org_id=hit.org_id, body=[hit.cluster])["rules"]
        keys = [row["ErrorKey"] for row in rules if row["RuleID"] == rule]
        equal(keys, wanted, f"keys of {rule} disabled in {hit.cluster} after {operation}")


@writes
@profiles(DEPARTURES)
def test_a_toggle_concerns_all_users_and_one_rule(api: Api, data: Data) -> None:
    hit = data.own_hit()
    before = api.ok("report", **hit.params, user_id=data.user())["report"]["reports"]
    api.ok("disable_2020", **hit.params, user_id=data.user())
    after = api.ok("report", **hit.params, user_id=data.user())["report"]["reports"]
    wanted = {(one["component"], one["key"]): one["disabled"] for one in before}
    wanted |= {(other.rule_id, other.error_key): True for other in keys_of(data, hit)}
    found = {(one["component"], one["key"]): one["disabled"] for one in after}
    check(found == wanted, f"disabled in {hit.cluster}: expected {wanted}, got {found}")


@writes
@profiles(*LEGACY)
@each(*WRITES)
def test_other_methods_are_not_allowed(api: Api, data: Data, operation: str) -> None:
    params: Params = {**data.rule(), "cluster": data.unknown_cluster(), "user_id": "x"}
    for method in ("GET", "POST", "DELETE", "HEAD"):
        exchange = api.call(operation, **params, method=method)
        equal(exchange.status, 405, exchange.place)
        equal(exchange.text, "", f"{exchange.place}: body")


@writes
@profiles(REFERENCE_2026)
@each(*WRITES, GET)
def test_these_routes_are_gone(api: Api, data: Data, operation: str) -> None:
    called = OPERATIONS[operation]
    params: Params = {**data.rule(), "cluster": data.unknown_cluster(), "user_id": "x"}
    exchange = api.raw(called.method, called.target(params))
    equal(exchange.status, 404, exchange.place)
    equal(exchange.text, PLAIN_404, f"{exchange.place}: body")
