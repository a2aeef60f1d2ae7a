"""The clusters that a recommendation hits (contract rest-api 3.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from ..api import Api
from ..case import DEPARTURES, profiles
from ..checks import ascending, equal, skip
from ..data import Data, Hit
from ..sources.discovery import spread
from .parameters import (
    BAD_TYPE,
    BLANK,
    NO_USER,
    NOT_FOUND,
    improper_organizations,
    improper_selectors,
)
from .retry import retry_until_stable

Params = dict[str, Any]

USER = "rest-suite"
RULES = 4
MANY = 40
ASKED_ABOUT = 200
NO_LIMITS: tuple[object, ...] = (
    {"clusters": []}, {"clusters": None}, {}, None, {"other": ["abc"]},
)  # fmt: skip
WRONG_TYPES: tuple[object, ...] = ("abc", 1, [], {"clusters": "abc"}, {"clusters": [1]})


def rows_of(api: Api, hit: Hit, **more: Any) -> Any:
    """Return the clusters that the recommendation of a hit is said to hit."""
    found = api.ok(
        "clusters_detail", rule_selector=hit.selector, org_id=hit.org_id, user_id=USER, **more
    )
    return found["clusters"]


def names_in(rows: Any) -> list[str]:
    """Return the clusters of rows."""
    return [row["cluster"] for row in rows]


def some_hits(data: Data) -> list[Hit]:
    """Return hits by a few different rules, first the one known to hit most clusters."""
    hits = data.hits()
    numbers = Counter((hit.org_id, hit.selector) for hit in hits)
    different = {(hit.org_id, hit.selector): hit for hit in reversed(hits)}
    most, *others = sorted(different, key=lambda place: -numbers[place])
    return [different[place] for place in (most, *spread(others, RULES - 1))]


def known(data: Data, hit: Hit) -> list[str]:
    """Return the clusters of the organization that the same rule is known to hit."""
    same = (hit.org_id, hit.selector)
    return sorted(one.cluster for one in data.hits() if (one.org_id, one.selector) == same)


def crowded(data: Data) -> Hit:
    """Return a hit whose rule is known to hit other clusters of the organization, too."""
    best = max(data.hits(), key=lambda hit: len(known(data, hit)))
    if len(known(data, best)) < 2:
        skip("no rule is known to hit two clusters of an organization")
    return best


def now_hit(api: Api, hit: Hit, names: list[str]) -> list[str]:
    """Return those of some clusters that the list by recommendation shows for the rule."""
    answer = api.ok("recommendations", org_id=hit.org_id, user_id=USER, body=names)
    return sorted(answer["recommendations"].get(hit.selector, []))


def for_some(api: Api, data: Data, compare: Callable[[Hit, Any], None]) -> None:
    """Compare with the rows of a few different rules."""
    for hit in some_hits(data):
        retry_until_stable(partial(rows_of, api, hit), partial(compare, hit))


def test_known_hits_are_among_the_clusters(api: Api, data: Data) -> None:
    def compare(hit: Hit, rows: Any) -> None:
        wanted = known(data, hit)
        if not data.inventory.certain:
            wanted = now_hit(api, hit, wanted)
        missing = sorted(set(wanted) - set(names_in(rows)))
        equal(missing, [], f"clusters hit by {hit.selector} that clusters_detail does not show")

    for_some(api, data, compare)


def test_each_recommendation_is_found(api: Api, data: Data) -> None:
    different = {hit.selector: hit for hit in data.hits()}
    for hit in spread(list(different.values()), MANY):

        def compare(wanted: list[str], hit: Hit = hit) -> None:
            if wanted:
                rows = rows_of(api, hit, body={"clusters": [hit.cluster]})
                equal(names_in(rows), wanted, f"{hit.cluster}, asked for by {hit.selector}")

        retry_until_stable(partial(now_hit, api, hit, [hit.cluster]), compare)


def test_clusters_are_those_of_the_list_by_recommendation(api: Api, data: Data) -> None:
    def compare(hit: Hit, rows: Any) -> None:
        names = spread(names_in(rows), ASKED_ABOUT)
        equal(now_hit(api, hit, names), sorted(names), f"clusters of {hit.selector}")

    for_some(api, data, compare)


def test_versions_are_those_of_the_list_by_cluster(api: Api, data: Data) -> None:
    def compare(hit: Hit, rows: Any) -> None:
        few = spread(rows, ASKED_ABOUT)
        params: Params = {"org_id": hit.org_id, "user_id": USER, "body": names_in(few)}
        entries = api.ok("cluster_recommendations", **params)["clusters"]
        for row in few:
            # the reference keeps recommendations of clusters that were deleted
            if row["cluster"] in entries:
                equal(row["meta"], entries[row["cluster"]]["meta"], f"meta of {row['cluster']}")

    for_some(api, data, compare)


def test_clusters_are_ascending(api: Api, data: Data) -> None:
    hit = crowded(data)
    ascending(names_in(rows_of(api, hit)), f"clusters that {hit.selector} hits")


def test_no_cluster_of_the_list_by_recommendation_is_missing(api: Api, data: Data) -> None:
    for hit in some_hits(data):
        listed = api.ok("clusters", organization=hit.org_id)["clusters"]
        names = spread(sorted({*listed, hit.cluster}), ASKED_ABOUT)

        def compare(wanted: list[str], hit: Hit = hit, names: list[str] = names) -> None:
            missing = sorted(set(wanted) - set(names_in(rows_of(api, hit))))
            equal(missing, [], f"clusters hit by {hit.selector}, not among the rows of all")
            limited = names_in(rows_of(api, hit, body={"clusters": names}))
            equal(limited, wanted, f"clusters hit by {hit.selector}, asked for by name")

        retry_until_stable(partial(now_hit, api, hit, names), compare)


def test_a_body_limits_the_clusters(api: Api, data: Data) -> None:
    hit = crowded(data)

    def compare(rows: Any) -> None:
        first, last = rows[0], rows[-1]
        for wanted in ([first], [last], [first, last]):
            found = rows_of(api, hit, body={"clusters": names_in(wanted)})
            equal(found, wanted, f"clusters limited to {names_in(wanted)}")
        one, two = names_in([first, last])
        strangers = [data.unknown_cluster(), "abc", two.upper(), ""]
        for body in ([*strangers, two], [two, two]):
            found = rows_of(api, hit, body={"clusters": body})
            equal(found, [last], f"clusters limited to {body}")
        found = rows_of(api, hit, body={"Clusters": [two, one], "more": 1})
        equal(found, [first, last], f"clusters limited to {two} and {one}")

    retry_until_stable(lambda: rows_of(api, hit), compare)


def test_a_row_is_the_same_in_a_limited_list(api: Api, data: Data) -> None:
    hit = data.hit()

    def alone() -> Any:
        return rows_of(api, hit, body={"clusters": [hit.cluster]})

    def compare(rows: Any) -> None:
        equal(names_in(rows), [hit.cluster], f"clusters limited to {hit.cluster}")
        every = [row for row in rows_of(api, hit) if row["cluster"] == hit.cluster]
        equal(every, rows, f"{hit.cluster} in the list without a limit")

    retry_until_stable(alone, compare)


def test_an_empty_list_does_not_limit(api: Api, data: Data) -> None:
    hit = crowded(data)

    def compare(rows: Any) -> None:
        for body in NO_LIMITS:
            equal(rows_of(api, hit, body=body), rows, f"clusters for the body {body}")

    retry_until_stable(lambda: rows_of(api, hit), compare)


def test_what_is_not_hit_is_not_found(api: Api, data: Data) -> None:
    hit, rule_of_all = data.hit(), data.selector()
    key = f"{hit.selector}_OTHER"
    params: Params = {"org_id": hit.org_id, "user_id": USER}
    # a recommendation has no suffix
    for selector in (rule_of_all, key, hit.selector.replace("|", ".report|"), f"x {hit.selector}"):
        text = NOT_FOUND.format(selector)
        api.refused(404, "clusters_detail", text, **params, rule_selector=selector)
    text = NOT_FOUND.format(hit.selector)
    for body in ([data.unknown_cluster()], ["abc"]):
        api.refused(404, "clusters_detail", text, **params, rule_selector=hit.selector,
                    body={"clusters": body})  # fmt: skip


def test_an_unknown_organization_has_none(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    selector = data.hit().selector
    number, text = data.unknown_organization(), NOT_FOUND.format(selector)
    api.refused(404, "clusters_detail", text, rule_selector=selector, org_id=number, user_id=USER)


@profiles(DEPARTURES)
def test_an_organization_beyond_31_bits_has_none(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    selector = data.hit().selector
    text = NOT_FOUND.format(selector)
    for number in (2147483648, 4294967295):
        params: Params = {"rule_selector": selector, "org_id": number, "user_id": USER}
        api.refused(404, "clusters_detail", text, **params)


def test_clusters_of_other_organizations_are_not_shown(api: Api, data: Data) -> None:
    hit = data.hit()
    others = [one for one in data.organizations(2) if one.org_id != hit.org_id]
    theirs = [cluster.name for other in others for cluster in other.clusters]
    seen = sorted(set(names_in(rows_of(api, hit))) & set(theirs))
    equal(seen, [], f"clusters of other organizations among those of {hit.org_id}")
    text = NOT_FOUND.format(hit.selector)
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    api.refused(404, "clusters_detail", text, **params, body={"clusters": theirs or ["abc"]})


@profiles(DEPARTURES)
def test_a_name_is_a_name_and_nothing_else(api: Api, data: Data) -> None:
    hit = data.hit()
    text = NOT_FOUND.format(hit.selector)
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    for name in ("it's", "x') OR (1=1) --", "%"):
        api.refused(404, "clusters_detail", text, **params, body={"clusters": [name]})


@profiles(DEPARTURES)
def test_a_chunked_body_limits_the_clusters(api: Api, data: Data) -> None:
    hit = crowded(data)
    found = rows_of(api, hit, body={"clusters": [hit.cluster]}, chunked=True)
    equal(names_in(found), [hit.cluster], "clusters limited by a chunked body")


def test_improper_parameters_are_refused(api: Api, data: Data) -> None:
    hit = data.hit()
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    for value, text in improper_organizations("org_id").items():
        api.refused(400, "clusters_detail", text, **{**params, "org_id": value})
    for value, text in improper_selectors().items():
        api.refused(400, "clusters_detail", text, **{**params, "rule_selector": value})
    api.refused(400, "clusters_detail", NO_USER, **{**params, "user_id": BLANK})


def test_the_organization_is_looked_at_first(api: Api, data: Data) -> None:
    number, (value, text) = data.organization().org_id, next(iter(improper_selectors().items()))
    org, refusal = next(iter(improper_organizations("org_id").items()))
    params: Params = {"rule_selector": value, "user_id": BLANK, "body": []}
    api.refused(400, "clusters_detail", refusal, **params, org_id=org)
    api.refused(400, "clusters_detail", text, **params, org_id=number)
    params["rule_selector"] = "a.b|KEY"
    api.refused(400, "clusters_detail", NO_USER, **params, org_id=number)


def test_a_body_of_another_kind_is_refused(api: Api, data: Data) -> None:
    hit = data.hit()
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    for body in WRONG_TYPES:
        api.refused(400, "clusters_detail", BAD_TYPE, **params, body=body)
    api.refused(400, "clusters_detail", **params, body=b"hello")


def test_other_methods_are_not_allowed(api: Api, data: Data) -> None:
    hit = data.hit()
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        exchange = api.call("clusters_detail", **params, method=method)
        equal(exchange.status, 405, exchange.place)
        equal(exchange.text, "", f"{exchange.place}: body")
