"""--data fixtures: what `fixtures/seed.json` holds is known to be there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...fixtures import fixtures_dir
from ..data import (
    Cluster,
    Hit,
    Inventory,
    Organization,
    Workload,
)
from ..probe import UsageError


def seeded(name: str = "", organization: int | None = None) -> Inventory:
    """Return what a seed file holds (the shipped one when no name is given).

    `organization` leaves the others out, when the token speaks for one only. Raises UsageError
    for a file that is not a seed.
    """
    file = Path(name) if name else fixtures_dir() / "seed.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        found = [_organization(entry) for entry in document["organizations"]]
    except (OSError, ValueError) as error:
        raise UsageError(f"--data: cannot read '{file}': {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"--data: '{file}' is no seed: {type(error).__name__} {error}") from None
    if organization is not None:
        found = [entry for entry in found if entry.org_id == organization]
        if not found:
            raise UsageError(f"--data: '{file}' has nothing of organization {organization}")
    return Inventory(tuple(found), f"seed {file.name}", certain=True)


def _organization(entry: dict[str, Any]) -> Organization:
    number = int(entry["org_id"])
    clusters = tuple(_cluster(number, item) for item in entry["clusters"])
    workloads = tuple(
        Workload(number, item["cluster"], namespace)
        for item in entry["clusters"]
        for namespace in item.get("namespaces", ())
    )
    return Organization(number, clusters, workloads)


def _cluster(number: int, item: dict[str, Any]) -> Cluster:
    name = str(item["cluster"])
    hits = tuple(Hit(number, name, hit["rule_id"], hit["error_key"]) for hit in item["hits"])
    # a seed may be older than the limit of the list of clusters
    return Cluster(number, name, hits, listed=False)
