"""Which parser reads which path parameter."""

from __future__ import annotations

from collections.abc import Callable

from .. import model
from ..errors import InvalidInput
from ..model import ClusterId, OrgId

PARAMS: dict[str, Callable[[str], object]] = {
    "org_id": model.org_id,
    "organization": model.organization,
    "cluster": model.cluster_id,
    "user_id": model.user_id,
    "rule_id": model.rule_id,
    "error_key": model.error_key,
    "rule_selector": model.rule_selector,
    "namespace": model.namespace,
}


def orgs_list(text: str) -> list[OrgId]:
    """Return comma separated organizations; 0 is fine here (contract rest-api 3.0)."""
    items = text.split(",")
    for item in items:
        if not (item.isascii() and item.isdigit()) or int(item[-4000:]) > model.MAX_ORG_ID:
            raise model.improper("organizations", item, "integer array expected")
    return [OrgId(int(item)) for item in items]


def clusters_list(text: str) -> list[ClusterId]:
    """Return comma separated clusters, each a UUID, with the error of parameter `cluster`."""
    return [model.cluster_id(item) for item in text.split(",")]


def report_clusters(items: list[str]) -> list[ClusterId]:
    """Return the clusters of a request for several reports (contract rest-api 3.4)."""
    clusters = []
    for item in items:
        try:
            clusters.append(model.check_cluster(item))
        except InvalidInput as error:
            shown = item.encode(errors="replace").decode()
            raise InvalidInput(f"invalid cluster ID: '{shown}'. Error: {error}") from error
    return clusters
