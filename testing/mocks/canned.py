"""Canned clusters of the mock server: static, empty, changing and failing ones.

The names are those of the former mock service (insights-results-aggregator-mock):
`e` is for empty, `c` for changing, `f` for failing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from ..fixtures import GeneratedMessage
from ..seed import Seed, SeedCluster

ORGANIZATION = 11789772
# it is listed, and all requests for it are refused
FORBIDDEN_ORGANIZATION = 11940171
FORBIDDEN = "You have no permissions to get or change info about this organization"
# an organization is listed when it has a report
_FORBIDDEN_CLUSTER = "11940171-0000-4000-8000-000000000001"

STATIC: dict[int, tuple[str, ...]] = {
    ORGANIZATION: (
        *(f"34c3ecc5-624a-49a5-bab8-4fdc5e51a2{last}" for last in
          ("66", "67", "68", "69", "6a", "6b", "6c", "6d", "6e", "6f")),
        "74ae54aa-6577-4e80-85e7-697cb646ff37",
        "a7467445-8d6a-43cc-b82c-7007664bdf69",
        "ee7d2bf4-8933-4a3a-8634-3328fe806e08",
    ),
    1: (
        *(f"00000001-624a-49a5-bab8-4fdc5e51a2{last}" for last in
          ("66", "67", "68", "69", "6a", "6b", "6c", "6d", "6e", "6f")),
        "00000001-6577-4e80-85e7-697cb646ff37",
        "00000001-8933-4a3a-8634-3328fe806e08",
        "00000001-8d6a-43cc-b82c-7007664bdf69",
    ),
    2: (
        "00000002-624a-49a5-bab8-4fdc5e51a266",
        "00000002-6577-4e80-85e7-697cb646ff37",
        "00000002-8933-4a3a-8634-3328fe806e08",
    ),
    3: (
        "00000003-8933-4a3a-8634-3328fe806e08",
        "00000003-8d6a-43cc-b82c-7007664bdf69",
    ),
}  # fmt: skip
EMPTY: dict[int, str] = {
    ORGANIZATION: "eeeeeeee-eeee-eeee-eeee-000000000001",
    1: "00000001-eeee-eeee-eeee-000000000001",
    3: "00000003-eeee-eeee-eeee-000000000001",
}
_FIRST, _SECOND, _THIRD, _FOURTH = (
    STATIC[ORGANIZATION][0],
    *STATIC[ORGANIZATION][-3:],
)
# which clusters they are like in turn; the turn is told by the quarter of the hour
CHANGING: dict[str, tuple[str, str, str]] = {
    "cccccccc-cccc-cccc-cccc-000000000001": (_FIRST, _SECOND, _THIRD),
    "cccccccc-cccc-cccc-cccc-000000000002": (_SECOND, _THIRD, _FOURTH),
    "cccccccc-cccc-cccc-cccc-000000000003": (_FOURTH, _FOURTH, _FIRST),
    "cccccccc-cccc-cccc-cccc-000000000004": (EMPTY[ORGANIZATION], EMPTY[ORGANIZATION], _FIRST),
}
QUARTER = 15
_TUTORIAL = ("ccx_rules_ocm.tutorial_rule.report", "TUTORIAL_ERROR")
_INSTALLER = (
    "ccx_rules_ocp.external.rules.node_installer_degraded.report",
    "NODE_INSTALLER_DEGRADED",
)
_PROXY = (
    "ccx_rules_ocp.external.rules.cluster_wide_proxy_auth_check.report",
    "AUTH_OPERATOR_PROXY_ERROR",
)
_PROXY_BUG = ("ccx_rules_ocp.external.bug_rules.bug_1766907.report", "BUGZILLA_BUG_1766907")
_NODES = (
    "ccx_rules_ocp.external.rules.nodes_requirements_check.report",
    "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
)
_SAMPLES = (
    "ccx_rules_ocp.external.rules.samples_op_failed_image_import_check.report",
    "SAMPLES_FAILED_IMAGE_IMPORT_ERR",
)
_SCC_BUG = ("ccx_rules_ocp.external.bug_rules.bug_1821905.report", "BUGZILLA_BUG_1821905")
_ALL = (_INSTALLER, _TUTORIAL, _PROXY, _PROXY_BUG, _NODES, _SAMPLES, _SCC_BUG)
# the hits of a static cluster by its name after the first group: organizations have them alike
HITS: dict[str, tuple[tuple[str, str], ...]] = {
    "624a-49a5-bab8-4fdc5e51a266": _ALL,
    "624a-49a5-bab8-4fdc5e51a267": (_TUTORIAL, _PROXY, _PROXY_BUG, _NODES, _SAMPLES, _SCC_BUG),
    "624a-49a5-bab8-4fdc5e51a268": (_INSTALLER, _PROXY, _PROXY_BUG, _NODES, _SAMPLES, _SCC_BUG),
    "624a-49a5-bab8-4fdc5e51a269": (_INSTALLER, _TUTORIAL, _PROXY_BUG, _NODES, _SAMPLES, _SCC_BUG),
    "624a-49a5-bab8-4fdc5e51a26a": (_INSTALLER, _TUTORIAL, _PROXY, _PROXY_BUG, _SAMPLES, _SCC_BUG),
    "624a-49a5-bab8-4fdc5e51a26b": (_TUTORIAL, _PROXY, _PROXY_BUG, _NODES, _SAMPLES),
    "624a-49a5-bab8-4fdc5e51a26c": (_PROXY, _PROXY_BUG, _NODES, _SAMPLES),
    "624a-49a5-bab8-4fdc5e51a26d": (_PROXY_BUG, _NODES, _SAMPLES),
    "624a-49a5-bab8-4fdc5e51a26e": (_PROXY_BUG, _NODES),
    "624a-49a5-bab8-4fdc5e51a26f": (_NODES,),
    "6577-4e80-85e7-697cb646ff37": _ALL,
    "8d6a-43cc-b82c-7007664bdf69": _ALL,
    "8933-4a3a-8634-3328fe806e08": (_TUTORIAL,),
}
_FAILING = re.compile(r"ffffffff-ffff-ffff-ffff-000000000([2-5]\d\d)(?!\d)")
_FORBIDDEN_PATH = re.compile(rf"/organizations?/{FORBIDDEN_ORGANIZATION}(?=/|$)")


def demanded_status(path: str) -> int | None:
    """Return the status that a name in the path asks for (200 to 599), None if there is none."""
    if match := _FAILING.search(path):
        return int(match[1])
    return HTTPStatus.FORBIDDEN if is_forbidden(path) else None


def is_forbidden(path: str) -> bool:
    """Return True if a path is about the organization that nobody may ask about."""
    return not _FAILING.search(path) and bool(_FORBIDDEN_PATH.search(path))


def canned_clusters() -> Seed:
    """Return the static and the empty clusters; the changing ones are `changed`."""
    seed = Seed()
    for org, names in STATIC.items():
        for name in names:
            hits = sorted(HITS[name.partition("-")[2]])
            seed.clusters[name] = SeedCluster(org, hits, _namespaces(name))
    for org, name in EMPTY.items():
        seed.clusters[name] = SeedCluster(org)
    seed.clusters[_FORBIDDEN_CLUSTER] = SeedCluster(FORBIDDEN_ORGANIZATION)
    return seed


def quarter(now: datetime) -> datetime:
    """Return when the quarter of an hour began; `now` is naive UTC."""
    return now.replace(minute=now.minute // QUARTER * QUARTER, second=0, microsecond=0)


def changed(now: datetime) -> Iterator[GeneratedMessage]:
    """Yield the reports of the changing clusters in this quarter of the hour."""
    began = quarter(now)
    models = canned_clusters().clusters
    seed = Seed()
    for name, turns in CHANGING.items():
        model = models[turns[began.minute // QUARTER % len(turns)]]
        seed.clusters[name] = SeedCluster(ORGANIZATION, model.hits)
    yield from seed.messages(began.replace(tzinfo=UTC), timedelta(0))


def _namespaces(name: str) -> list[str]:
    return [f"{name[:8]}-0000-4000-8000-{number:012}" for number in (1, 2)]
