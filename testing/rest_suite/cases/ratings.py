"""Ratings of recommendations by organizations (contract rest-api 4.5)."""

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
    NO_BODY,
    NOT_FOUND,
    improper_organizations,
    improper_selectors,
)

VALUES = (-1, 0, 1)
ORGANIZATIONS = improper_organizations("org_id")
SELECTORS = improper_selectors()
PART = "each part of ID must contain only latin characters, numbers, underscores or dots"
SEPARATOR = "it must contain only rule ID and error key separated by |"
RULES = {"a.b": SEPARATOR, "a|b|c": SEPARATOR, "a-b|KEY": PART, "|KEY": PART, "a.b|": PART}


def rate(api: Api, org_id: int, rule: str, rating: int) -> Any:
    """Rate, and return what was answered."""
    return api.ok("rate", org_id=org_id, body={"rule": rule, "rating": rating})["ratings"]


def rating_of(api: Api, org_id: int, rule: str) -> Any:
    """Return the rating as it is read."""
    return api.ok("rating", org_id=org_id, rule_selector=rule)["rating"]


@writes
@each(*VALUES)
def test_a_rating_is_told(api: Api, data: Data, value: int) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    equal(rate(api, org_id, rule, value), {"rule": rule, "rating": value}, "rating answered")
    equal(rating_of(api, org_id, rule), {"rule": rule, "rating": value}, "rating read")


@writes
def test_the_last_rating_wins(api: Api, data: Data) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    for value in (1, -1, -1, 0, 1):
        rate(api, org_id, rule, value)
        equal(rating_of(api, org_id, rule)["rating"], value, f"rating after {value}")


@writes
def test_a_missing_rating_is_none(api: Api, data: Data) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    answer = api.ok("rate", org_id=org_id, body={"rule": rule})["ratings"]
    equal(answer, {"rule": rule, "rating": 0}, "rating answered")


@writes
def test_a_rating_is_of_one_organization(api: Api, data: Data) -> None:
    one, other = (organization.org_id for organization in data.organizations(2)[:2])
    rule = data.selector()
    rate(api, one, rule, 1)
    text = NOT_FOUND.format(f"{other}/{rule}/rating")
    api.refused(404, "rating", text, org_id=other, rule_selector=rule)
    rate(api, other, rule, -1)
    equal(rating_of(api, one, rule)["rating"], 1, f"rating of organization {one}")


def test_what_is_not_rated_is_not_found(api: Api, data: Data) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    text = NOT_FOUND.format(f"{org_id}/{rule}/rating")
    api.refused(404, "rating", text, org_id=org_id, rule_selector=rule)


@writes
@profiles(DEPARTURES)
@each(-2, 2, 5, 70000)
def test_other_ratings_are_refused(api: Api, data: Data, value: int) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    api.refused(400, "rate", org_id=org_id, body={"rule": rule, "rating": value})
    text = NOT_FOUND.format(f"{org_id}/{rule}/rating")
    api.refused(404, "rating", text, org_id=org_id, rule_selector=rule)


@writes
def test_a_rating_needs_a_body(api: Api, data: Data) -> None:
    api.refused(400, "rate", NO_BODY, org_id=data.organization().org_id)


@writes
@each(*RULES)
def test_improper_rules_are_refused(api: Api, data: Data, value: str) -> None:
    body = {"rule": value, "rating": 1}
    refusal = api.refused(400, "rate", org_id=data.organization().org_id, body=body)
    text = refusal.json["status"]
    start = f"Error during validating param 'rule' with value '{value}'. Error: 'invalid rule ID, "
    check(text.startswith(start), f"status: {text!r} does not start with {start!r}")
    check(RULES[value] in text, f"status: {text!r} does not have {RULES[value]!r}")


@each(*SELECTORS)
def test_improper_selectors_are_refused(api: Api, data: Data, value: str) -> None:
    org_id = data.organization().org_id
    api.refused(400, "rating", SELECTORS[value], org_id=org_id, rule_selector=value)


@each(*ORGANIZATIONS)
def test_improper_organizations_are_refused(api: Api, data: Data, value: str) -> None:
    api.refused(400, "rating", ORGANIZATIONS[value], org_id=value, rule_selector=data.selector())
