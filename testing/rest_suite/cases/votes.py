"""Likes and dislikes of rule hits (contract rest-api 4.1)."""

from __future__ import annotations

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    LEGACY,
    each,
    writes,
)
from ..case import profiles as demanded_by
from ..checks import equal
from ..data import Data, Hit
from .parameters import (
    BLANK,
    NO_USER,
    improper_clusters,
    improper_organizations,
    improper_rules,
    texts_beyond,
    texts_within,
)

VOTES = {"like": 1, "dislike": -1, "reset_vote": 0}
VALUES = tuple(VOTES)
CLUSTERS = improper_clusters()
RULES = improper_rules()
ORGANIZATIONS = improper_organizations("org_id")


def vote_in_report(api: Api, hit: Hit, user: str) -> object:
    """Return what a user's report says of the user's vote on a hit."""
    reports = api.ok("report", **hit.params, user_id=user)["report"]["reports"]
    found = [r for r in reports if (r["component"], r["key"]) == (hit.rule_id, hit.error_key)]
    equal(len(found), 1, f"hits {hit.rule_and_key} in the report of {hit.cluster}")
    return found[0]["user_vote"]


def vote_of_rule(api: Api, hit: Hit, user: str) -> object:
    """Return what the operation `rule` says of the user's vote."""
    params = {**hit.params, "rule_id": hit.rule_and_key}
    return api.ok("rule", **params, user_id=user)["report"]["user_vote"]


@demanded_by(*CURRENT)
def test_who_has_not_voted_has_no_vote(api: Api, data: Data) -> None:
    hit, user = data.hit(), data.user()
    equal(vote_in_report(api, hit, user), 0, "user_vote in the report")
    equal(vote_of_rule(api, hit, user), 0, "user_vote of the rule")


@writes
@demanded_by(*CURRENT)
@each(*VALUES)
def test_a_vote_is_shown(api: Api, data: Data, vote: str) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok(vote, **hit.params, user_id=user)
    equal(vote_in_report(api, hit, user), VOTES[vote], f"user_vote in the report after {vote}")
    equal(vote_of_rule(api, hit, user), VOTES[vote], f"user_vote of the rule after {vote}")


@writes
@demanded_by(*CURRENT)
def test_the_last_vote_wins(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for vote in ("like", "like", "dislike", "like", "reset_vote", "dislike"):
        api.ok(vote, **hit.params, user_id=user)
        equal(vote_in_report(api, hit, user), VOTES[vote], f"user_vote after {vote}")


@writes
@demanded_by(*CURRENT)
def test_a_vote_is_of_one_user_only(api: Api, data: Data) -> None:
    hit, user, other = data.own_hit(), data.user(), data.user()
    api.ok("like", **hit.params, user_id=user)
    equal(vote_in_report(api, hit, other), 0, "user_vote of another user")


@writes
def test_get_vote_tells_the_vote(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for vote, value in VOTES.items():
        api.ok(vote, **hit.params, user_id=user)
        equal(api.ok("get_vote", **hit.params, user_id=user)["vote"], value, f"vote after {vote}")


def test_no_vote_is_not_found(api: Api, data: Data) -> None:
    hit, user = data.hit(), data.user()
    text = f"Item with ID {hit.cluster}/{hit.rule_id}/{user} was not found in the storage"
    api.refused(404, "get_vote", text, **hit.params, user_id=user)


def refuse_improper(api: Api, operation: str, hit: Hit, user: str) -> None:
    """Demand that an improper cluster, rule and user are refused, in this order."""
    for value, text in CLUSTERS.items():
        params = {**hit.params, "cluster": value, "rule_id": "a-b"}
        api.refused(400, operation, text, **params, user_id=user)
    for value, text in RULES.items():
        params = {**hit.params, "rule_id": value}
        api.refused(400, operation, text, **params, user_id=BLANK)
    api.refused(400, operation, NO_USER, **hit.params, user_id=BLANK)


def test_no_vote_is_told_for_improper_parameters(api: Api, data: Data) -> None:
    refuse_improper(api, "get_vote", data.hit(), data.user())


def test_the_vote_of_an_unknown_cluster_is_not_found(api: Api, data: Data) -> None:
    params = {**data.hit().params, "cluster": data.unknown_cluster()}
    text = f"Item with ID {params['cluster']} was not found in the storage"
    api.refused(404, "get_vote", text, **params, user_id=data.user())


@writes
@demanded_by(*CURRENT)
@each(*VALUES)
def test_a_vote_with_improper_parameters_is_refused(api: Api, data: Data, vote: str) -> None:
    hit, user = data.own_hit(), data.user()
    refuse_improper(api, vote, hit, user)
    for value, text in ORGANIZATIONS.items():
        params = {**hit.params, "org_id": value, "as_organization": hit.org_id}
        api.refused(400, vote, text, **params, user_id=user)
    equal(vote_in_report(api, hit, user), 0, "user_vote after refusals")


@writes
@each(*VALUES)
def test_a_vote_on_an_unknown_cluster_is_refused(api: Api, data: Data, vote: str) -> None:
    hit, cluster = data.hit(), data.unknown_cluster()
    params = {**hit.params, "cluster": cluster}
    text = f"Item with ID {cluster} was not found in the storage"
    api.refused(404, vote, text, **params, user_id=data.user())


@writes
@each(*VALUES)
def test_a_message_may_be_as_long_as_the_limit(api: Api, data: Data, vote: str) -> None:
    hit, user = data.own_hit(), data.user()
    limit = api.instance.message_limit
    for text in texts_within(limit):
        api.ok(vote, **hit.params, user_id=user, body={"message": text})
    for text, refusal in texts_beyond("message", limit).items():
        api.refused(400, vote, refusal, **hit.params, user_id=user, body={"message": text})


@writes
@demanded_by(*CURRENT)
def test_a_chunked_body_is_read(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("dislike", **hit.params, user_id=user, body={"message": "sent in pieces"}, chunked=True)
    equal(vote_in_report(api, hit, user), -1, "user_vote after a chunked dislike")


@writes
@demanded_by(*LEGACY)
def test_a_vote_without_an_error_key_is_told(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    for vote, value in VOTES.items():
        api.ok(f"{vote}_2020", **hit.params, user_id=user)
        told = api.ok("get_vote_2020", **hit.params, user_id=user)["vote"]
        equal(told, value, f"vote after {vote}")


@writes
@demanded_by(DEPARTURES)
def test_a_vote_without_an_error_key_is_on_those_that_hit(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    api.ok("dislike_2020", **hit.params, user_id=user)
    equal(vote_of_rule(api, hit, user), -1, f"vote on {hit.rule_and_key}")
