"""The requests of the REST measurements: many different ones for each endpoint, and a mix."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.dataset import Sample

REQUESTS = 2_000
USERS = 50
REPORTS = 10
LISTED = 100
# organizations of this size are what the list of clusters is asked for
SMALL, LARGE = 50, 500
MIX = {"report": 60, "report/info": 15, "reports (10)": 10, "list (100)": 10, "vote": 5}


@dataclass(frozen=True)
class Request:
    """One request; `path` is below the API prefix."""

    method: str
    path: str
    body: str = ""


def requests(sample: Sample, seed: int = 1) -> dict[str, list[Request]]:
    """Return the requests by endpoint, the same for the same data and seed."""
    chance = random.Random(seed)
    found = {name: [make(sample, chance) for _ in range(REQUESTS)] for name, make in _MAKE.items()}
    names = chance.choices(list(MIX), list(MIX.values()), k=REQUESTS)
    found["mix"] = [chance.choice(found[name]) for name in names]
    return found


def _user(chance: random.Random) -> str:
    return f"user{chance.randrange(USERS)}"


def _cluster(sample: Sample, chance: random.Random) -> tuple[int, str]:
    org, cluster, _, _ = chance.choice(sample.hits)
    return org, cluster


def _organization(sample: Sample, chance: random.Random, least: int, most: int) -> int:
    fitting = [org for org, names in sample.clusters.items() if least <= len(names) <= most]
    return chance.choice(fitting or list(sample.clusters))


def _main(_sample: Sample, _chance: random.Random) -> Request:
    return Request("GET", "")


def _info(_sample: Sample, _chance: random.Random) -> Request:
    return Request("GET", "info")


def _report(sample: Sample, chance: random.Random) -> Request:
    org, cluster = _cluster(sample, chance)
    path = f"organizations/{org}/clusters/{cluster}/users/{_user(chance)}/report"
    return Request("GET", path)


def _report_info(sample: Sample, chance: random.Random) -> Request:
    report = _report(sample, chance)
    return Request("GET", f"{report.path}/info")


def _reports(sample: Sample, chance: random.Random) -> Request:
    org = _organization(sample, chance, REPORTS, len(sample.hits))
    names = sample.clusters[org]
    chosen = chance.sample(names, min(REPORTS, len(names)))
    return Request("GET", f"organizations/{org}/clusters/{','.join(chosen)}/reports")


def _list(sample: Sample, chance: random.Random) -> Request:
    org = _organization(sample, chance, LISTED, len(sample.hits))
    names = sample.clusters[org]
    chosen = chance.sample(names, min(LISTED, len(names)))
    path = f"recommendations/organizations/{org}/users/{_user(chance)}/list"
    return Request("POST", path, json.dumps(chosen))


def _vote(sample: Sample, chance: random.Random) -> Request:
    org, cluster, rule, key = chance.choice(sample.hits)
    user = _user(chance)
    return Request(
        "PUT",
        f"clusters/{cluster}/rules/{rule}/error_key/{key}/organizations/{org}/users/{user}/like",
    )


def _clusters(sample: Sample, chance: random.Random) -> Request:
    return Request("GET", f"organizations/{_organization(sample, chance, SMALL, LARGE)}/clusters")


_MAKE: dict[str, Callable[[Sample, random.Random], Request]] = {
    "main": _main,
    "info": _info,
    "report": _report,
    "report/info": _report_info,
    "reports (10)": _reports,
    "list (100)": _list,
    "vote": _vote,
    "clusters": _clusters,
}
