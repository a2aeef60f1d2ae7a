"""Organizations and their clusters (contract rest-api 3.0 and 3.1)."""

from __future__ import annotations

from functools import partial

from ..api import Api
from ..case import CURRENT, each, profiles
from ..checks import (
    ascending,
    check,
    equal,
    skip,
)
from ..data import Data
from ..sources.discovery import spread
from .retry import retry_until_stable

SOME = 20
IMPROPER = {
    "abc": "unsigned integer expected",
    "-1": "unsigned integer expected",
    "+1": "unsigned integer expected",
    "1.0": "unsigned integer expected",
    "0x10": "unsigned integer expected",
    "99999999999999999999": "unsigned integer expected",
    "0": "positive value expected",
}


def clusters_of(api: Api, number: int) -> list[str]:
    """Return the clusters listed for an organization."""
    listed: list[str] = api.ok("clusters", organization=number)["clusters"]
    return listed


def test_what_finds_data_is_answered(api: Api, data: Data) -> None:
    if data.inventory.certain:
        skip("the data are known from elsewhere")
    equal(list(data.inventory.failed), [], "requests that failed while data were looked for")


def test_organizations_are_ascending(api: Api, data: Data) -> None:
    found = api.ok("organizations")["organizations"]
    equal(found, sorted(found), "organizations")


def test_organizations_have_those_with_clusters(api: Api, data: Data) -> None:
    if api.instance.conceals:
        skip("the instance lists the token's organization only")
    found = api.ok("organizations")["organizations"]
    for organization in data.organizations():
        if organization.clusters:
            number = organization.org_id
            check(number in found, f"organization {number} has clusters and is not in the list")


def test_clusters_are_ascending(api: Api, data: Data) -> None:
    for organization in data.organizations():
        found = clusters_of(api, organization.org_id)
        ascending(found, f"clusters of organization {organization.org_id}")


def test_clusters_are_those_of_the_organization(api: Api, data: Data) -> None:
    for organization in data.organizations():
        found = clusters_of(api, organization.org_id)
        for cluster in organization.clusters:
            if cluster.listed:
                check(cluster.name in found, f"{cluster.name} is missing in {organization.org_id}")


def test_listed_clusters_have_reports(api: Api, data: Data) -> None:
    for organization in data.organizations():
        number = organization.org_id

        def compare(listed: list[str], number: int = number) -> None:
            for name in spread(listed, SOME):
                found = api.call("report", org_id=number, cluster=name, user_id="rest-suite")
                equal(found.status, 200, f"{found.place}, listed for organization {number}")

        retry_until_stable(partial(clusters_of, api, number), compare)


@profiles(*CURRENT)
def test_clusters_that_reported_since_are_listed(api: Api, data: Data) -> None:
    """A listed cluster shows how far back the list goes; who reported later is listed, too."""
    clusters = data.clusters(2)[:SOME]
    org_id = clusters[0].org_id

    def stored(name: str) -> str:
        params = {"org_id": org_id, "cluster": name, "user_id": "rest-suite"}
        moment: str = api.ok("report_info", **params)["metainfo"]["stored_at"]
        return moment

    def compare(listed: list[str]) -> None:
        moments = {cluster.name: stored(cluster.name) for cluster in clusters}
        found = [moments[name] for name in moments if name in listed]
        if not found:
            skip("none of the clusters known has reported lately")
        for name, moment in moments.items():
            missing = name not in listed and moment >= min(found)
            check(not missing, f"{name}, stored at {moment}, is not listed; others are since then")

    retry_until_stable(partial(clusters_of, api, org_id), compare)


def test_no_cluster_belongs_to_two_organizations(api: Api, data: Data) -> None:
    owners: dict[str, int] = {}
    for organization in data.organizations(2):
        for name in clusters_of(api, organization.org_id):
            owner = owners.setdefault(name, organization.org_id)
            equal(owner, organization.org_id, f"organization of {name}")


def test_an_unknown_organization_has_no_clusters(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    number = data.unknown_organization()
    equal(clusters_of(api, number), [], f"clusters of {number}")


def test_leading_zeros_do_not_matter(api: Api, data: Data) -> None:
    number = data.organization().org_id
    plain = api.ok("clusters", organization=number)
    equal(api.ok("clusters", organization=f"00{number}"), plain, f"clusters of 00{number}")


@each(*IMPROPER)
def test_an_improper_organization_is_refused(api: Api, data: Data, text: str) -> None:
    word = (
        f"Error during parsing param 'organization' with value '{text}'. Error: '{IMPROPER[text]}'"
    )
    api.refused(400, "clusters", word, organization=text)


def test_an_organization_beyond_32_bits_is_refused(api: Api, data: Data) -> None:
    if not api.instance.behaviour.organizations_limited:
        skip(f"the service of {api.instance.profile} cuts organizations to 32 bits")
    text = "value 4294967296 out of range for uint32"
    api.refused(400, "clusters", text, organization=4294967296)
