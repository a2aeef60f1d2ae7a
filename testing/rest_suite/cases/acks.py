"""Acknowledgements: rules disabled for a whole organization (contract rest-api 4.4)."""

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
from ..data import Data
from .parameters import (
    ANY_LETTERS,
    NO_BODY,
    improper_organizations,
    improper_rules,
    texts_beyond,
    texts_within,
)

NEVER = {"Time": "0001-01-01T00:00:00Z", "Valid": False}
NOT_ACKED = "Rule was not disabled"
SOME = 5
SEVERAL = 6
ORGANIZATIONS = improper_organizations("org_id")
RULES = improper_rules()
PATHS = ("ack", "ack_disable", "ack_enable", "ack_update")
WITH_BODY = ("ack_disable", "ack_update")


def a_rule(data: Data) -> dict[str, Any]:
    """Return parameters of a rule that nobody has acked, in an organization that is there."""
    return {**data.rule(), "org_id": data.organization().org_id}


def listed(api: Api, rule: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the list of all acks of the organization says of the rule."""
    found: list[dict[str, Any]] = api.ok("acks", org_id=rule["org_id"])["disabledRules"]
    return [ack for ack in found if ack["rule_id"] == rule["rule_id"]]


@writes
def test_an_ack_can_be_read_and_is_listed(api: Api, data: Data) -> None:
    rule, text = a_rule(data), "silly rule, said \u00e4 tester"
    answer = api.ok("ack_disable", **rule, body={"justification": text})
    equal(answer["justification"], text, "justification answered")
    ack = api.ok("ack", **rule)["disabledRule"]
    for name, value in {**rule, "justification": text, "user_id": ""}.items():
        equal(ack[name], value, f"{name} of the ack")
    check(ack["created_at"]["Valid"], "created_at of the ack is not valid")
    equal(ack["updated_at"], NEVER, "updated_at of an ack that was never changed")
    equal(listed(api, rule), [ack], "acks of the rule in the list")


@writes
def test_every_ack_is_listed(api: Api, data: Data) -> None:
    org_id, texts = data.organization().org_id, {}
    for number in range(SEVERAL):
        rule = data.rule()
        texts[rule["rule_id"]] = f"ack {number}"
        api.ok("ack_disable", **rule, org_id=org_id, body={"justification": f"ack {number}"})
    rows = api.ok("acks", org_id=org_id)["disabledRules"]
    found = {row["rule_id"]: row["justification"] for row in rows if row["rule_id"] in texts}
    equal(found, texts, "justifications in the list")


@writes
def test_any_letters_are_kept(api: Api, data: Data) -> None:
    rule = a_rule(data)
    for operation in WITH_BODY:
        text = f"{operation} {ANY_LETTERS}"
        answer = api.ok(operation, **rule, body={"justification": text})
        equal(answer["justification"], text, "justification answered")
        for ack in (api.ok("ack", **rule)["disabledRule"], *listed(api, rule)):
            equal(ack["justification"], text, "justification of the ack")


@writes
def test_an_ack_is_taken_back(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.ok("ack_disable", **rule, body={"justification": "for a moment"})
    equal(len(listed(api, rule)), 1, "acks of the rule in the list")
    api.ok("ack_enable", **rule)
    api.refused(404, "ack", NOT_ACKED, **rule)
    equal(listed(api, rule), [], "acks of the rule after enable")


@writes
def test_acking_twice_is_acking_once(api: Api, data: Data) -> None:
    rule = a_rule(data)
    for _ in range(2):
        api.ok("ack_disable", **rule, body={"justification": "said twice"})
    (ack,) = listed(api, rule)
    equal(ack["justification"], "said twice", "justification")
    for _ in range(2):
        api.ok("ack_enable", **rule)
    equal(listed(api, rule), [], "acks of the rule after enable")


@writes
def test_what_is_not_acked_may_be_enabled(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.ok("ack_enable", **rule)
    api.refused(404, "ack", NOT_ACKED, **rule)


@writes
def test_a_justification_is_changed(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.ok("ack_disable", **rule, body={"justification": "first"})
    before = api.ok("ack", **rule)["disabledRule"]
    answer = api.ok("ack_update", **rule, body={"justification": "second"})
    equal(answer["justification"], "second", "justification answered")
    after = api.ok("ack", **rule)["disabledRule"]
    equal(after["justification"], "second", "justification after the update")
    equal(after["created_at"], before["created_at"], "created_at after the update")
    check(after["updated_at"]["Valid"], "updated_at after the update is not valid")
    equal(listed(api, rule), [after], "acks of the rule in the list")


@writes
def test_an_update_acks_nothing(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.later(lambda: api.call("ack_enable", **rule))
    api.ok("ack_update", **rule, body={"justification": "nothing to change"})
    api.refused(404, "ack", NOT_ACKED, **rule)
    equal(listed(api, rule), [], "acks of the rule after an update alone")


@writes
def test_acking_again_replaces_the_justification(api: Api, data: Data) -> None:
    rule = a_rule(data)
    for text in ("one", "two", ""):
        api.ok("ack_disable", **rule, body={"justification": text})
        equal(api.ok("ack", **rule)["disabledRule"]["justification"], text, "justification")
    equal(len(listed(api, rule)), 1, "acks of the rule in the list")


@writes
def test_the_list_says_what_each_ack_says(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.ok("ack_disable", **rule, body={"justification": "listed"})
    rows = api.ok("acks", org_id=rule["org_id"])["disabledRules"]
    owners = {row["org_id"] for row in rows}
    equal(sorted(owners), [rule["org_id"]], "organizations of the acks")
    for row in rows if len(rows) <= 2 * SOME else rows[:SOME] + rows[-SOME:]:
        params = {"rule_id": row["rule_id"], "error_key": row["error_key"]}
        found = api.call("ack", **params, org_id=rule["org_id"])
        if found.status != 200 or found.json["disabledRule"] != row:
            # changed meanwhile, or it never was so
            again = api.ok("acks", org_id=rule["org_id"])["disabledRules"]
            check(row not in again, f"{found.place}: the list has {row}, the ack {found.text}")


@writes
@profiles(DEPARTURES)
def test_acks_come_in_order(api: Api, data: Data) -> None:
    org_id = data.organization().org_id
    for rule in (data.rule(), data.rule()):
        api.ok("ack_disable", **rule, org_id=org_id, body={"justification": "in order"})
    rows = api.ok("acks", org_id=org_id)["disabledRules"]
    order = [(row["rule_id"], row["error_key"]) for row in rows]
    equal(order, sorted(order), "rule and key of each ack")


@writes
def test_an_ack_is_of_one_error_key(api: Api, data: Data) -> None:
    rule = a_rule(data)
    api.ok("ack_disable", **rule, body={"justification": "this key"})
    api.refused(404, "ack", NOT_ACKED, **{**rule, "error_key": "ANOTHER_KEY"})


@writes
def test_an_ack_is_of_one_organization(api: Api, data: Data) -> None:
    one, other = data.organizations(2)[:2]
    rule = data.rule()
    api.ok("ack_disable", **rule, org_id=one.org_id, body={"justification": "ours"})
    api.refused(404, "ack", NOT_ACKED, **rule, org_id=other.org_id)
    equal(listed(api, {**rule, "org_id": other.org_id}), [], "acks of the other organization")


@writes
@each(*WITH_BODY)
def test_a_justification_is_needed(api: Api, data: Data, operation: str) -> None:
    rule = a_rule(data)
    api.refused(400, operation, NO_BODY, **rule)
    api.refused(400, operation, NO_BODY, **rule, body=b" \n")
    api.refused(404, "ack", NOT_ACKED, **rule)


@writes
@each(*WITH_BODY)
def test_a_justification_may_be_as_long_as_the_limit(api: Api, data: Data, operation: str) -> None:
    rule, limit = a_rule(data), api.instance.message_limit
    api.ok("ack_disable", **rule, body={"justification": "short"})
    for text in texts_within(limit):
        answer = api.ok(operation, **rule, body={"justification": text})
        equal(answer["justification"], text, "justification answered")
        ack = api.ok("ack", **rule)["disabledRule"]
        equal(ack["justification"], text, "justification of the ack")
    for text, refusal in texts_beyond("justification", limit).items():
        api.refused(400, operation, refusal, **rule, body={"justification": text})


@writes
@each(*PATHS)
def test_improper_rules_are_refused(api: Api, data: Data, operation: str) -> None:
    org_id = data.organization().org_id
    for value, text in RULES.items():
        params = {"rule_id": value, "error_key": "KEY", "org_id": org_id}
        api.refused(400, operation, text, **params, body={"justification": ""})


@writes
@each("acks", *PATHS)
def test_improper_organizations_are_refused(api: Api, data: Data, operation: str) -> None:
    rule = data.rule()
    for value, text in ORGANIZATIONS.items():
        api.refused(400, operation, text, **rule, org_id=value)
