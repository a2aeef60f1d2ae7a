"""Clusters that testers know by name: static, empty, changing and failing ones.

The names are those of the mock service that was there before (insights-results-aggregator-mock):
`e` is for empty, `c` for changing, `f` for failing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..fixtures import Made
from ..rules import RULES
from ..seed import Seed, SeedCluster

ORGANIZATION = 11789772
# whoever asks for it has no permission
FORBIDDEN_ORGANIZATION = 11940171

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
_FAILING = re.compile(r"ffffffff-ffff-ffff-ffff-000000000([2-5]\d\d)(?!\d)")
_FORBIDDEN = re.compile(rf"/organizations?/{FORBIDDEN_ORGANIZATION}(?=/|$)")


def demanded_status(path: str) -> int | None:
    """Return the status that a name in the path asks for (200 to 599), None if there is none."""
    if match := _FAILING.search(path):
        return int(match[1])
    return 403 if _FORBIDDEN.search(path) else None


def known_clusters() -> Seed:
    """Return the static and the empty clusters; the changing ones are `changed`."""
    seed = Seed()
    for org, names in STATIC.items():
        for name in names:
            seed.clusters[name] = SeedCluster(org, _hits(name), _namespaces(name))
    for org, name in EMPTY.items():
        seed.clusters[name] = SeedCluster(org)
    return seed


def quarter(now: datetime) -> datetime:
    """Return when the quarter of an hour began; `now` is naive UTC."""
    return now.replace(minute=now.minute // QUARTER * QUARTER, second=0, microsecond=0)


def changed(now: datetime) -> Iterator[Made]:
    """Yield the reports of the changing clusters in this quarter of the hour."""
    began = quarter(now)
    models = known_clusters().clusters
    seed = Seed()
    for name, turns in CHANGING.items():
        model = models[turns[began.minute // QUARTER % len(turns)]]
        seed.clusters[name] = SeedCluster(ORGANIZATION, model.hits)
    yield from seed.messages(began.replace(tzinfo=UTC), timedelta(0))


def _hits(name: str) -> list[tuple[str, str]]:
    """Return one to five hits, always the same of a name, and others of other names."""
    chance = random.Random(name)
    return sorted((rule.component, rule.key) for rule in chance.sample(RULES, chance.randint(1, 5)))


def _namespaces(name: str) -> list[str]:
    return [f"{name[:8]}-0000-4000-8000-{number:012}" for number in (1, 2)]
