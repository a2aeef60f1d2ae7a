"""Batches cut into waves in which every cluster occurs once, so that order keeps its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from ..model import ClusterId


class _OfCluster(Protocol):
    @property
    def cluster(self) -> ClusterId: ...


T = TypeVar("T", bound=_OfCluster)


def waves(reports: Sequence[T]) -> Iterator[list[tuple[int, T]]]:
    """Yield lists of (position, report): the n-th list has the n-th report of each cluster.

    Within a list the reports come by cluster, the one order in which all writers lock rows.
    """
    cut: list[list[tuple[int, T]]] = []
    seen: dict[ClusterId, int] = {}
    for position, report in enumerate(reports):
        turn = seen.get(report.cluster, 0)
        seen[report.cluster] = turn + 1
        if turn == len(cut):
            cut.append([])
        cut[turn].append((position, report))
    for wave in cut:
        yield sorted(wave, key=lambda item: item[1].cluster)
