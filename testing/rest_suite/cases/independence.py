"""A write changes what it names, and nothing else (contract 4.1, 4.2, 4.4)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import NOW, profiles, writes
from ..checks import equal
from ..data import Data, Hit
from .acks import a_rule


def told(api: Api, hit: Hit, user: str) -> tuple[object, ...]:
    """Return vote, toggle and reason of a hit as its user is told."""
    params = {**hit.params, "rule_id": hit.rule_and_key}
    rule = api.ok("rule", **params, user_id=user)["report"]
    return rule["user_vote"], rule["disabled"], rule["disable_feedback"]


@writes
@profiles(*NOW)
def test_a_vote_leaves_those_of_others(api: Api, data: Data) -> None:
    hit, user, other = data.own_hit(), data.user(), data.user()
    api.ok("like", **hit.params, user_id=user)
    for vote in ("dislike", "reset_vote", "like"):
        api.ok(vote, **hit.params, user_id=other)
        equal(told(api, hit, user)[0], 1, f"vote of a user after another's {vote}")


@writes
@profiles(*NOW)
def test_votes_toggles_and_reasons_leave_each_other(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    params = {**hit.params, "user_id": user}
    api.ok("disable_feedback", **params, body={"message": "stays"})
    for operation, vote, disabled in (
        ("dislike", -1, False),
        ("disable", -1, True),
        ("like", 1, True),
        ("reset_vote", 0, True),
        ("like", 1, True),
        ("enable", 1, False),
    ):
        api.ok(operation, **params)
        equal(told(api, hit, user), (vote, disabled, "stays"), f"vote and more after {operation}")


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
