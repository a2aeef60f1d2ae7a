"""Splits a batch into rounds in which a cluster occurs once, to keep the order of its reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from ..model import ClusterId


class _OfCluster(Protocol):
    @property
    def cluster(self) -> ClusterId: ...


T = TypeVar("T", bound=_OfCluster)


def rounds(reports: Sequence[T]) -> Iterator[list[tuple[int, T]]]:
    """Yield lists of (position, report): the n-th list has the n-th report of each cluster.

    A list is sorted by cluster, the order in which all writers lock rows.
    """
    cut: list[list[tuple[int, T]]] = []
    seen: dict[ClusterId, int] = {}
    for position, report in enumerate(reports):
        turn = seen.get(report.cluster, 0)
        seen[report.cluster] = turn + 1
        if turn == len(cut):
            cut.append([])
        cut[turn].append((position, report))
    for entries in cut:
        yield sorted(entries, key=lambda item: item[1].cluster)
