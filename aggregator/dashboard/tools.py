"""What only `dev` gives the dashboard: sample messages and a reader of stored rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

# organization and cluster -> rows by table, as JSON can carry them
RowReader = Callable[[int, str], Awaitable[dict[str, list[dict[str, Any]]]]]


@dataclass(frozen=True, slots=True)
class Tools:
    """With them the page is at `/` too, and may write. Samples are by `kind/name`."""

    samples: Mapping[str, bytes]
    rows: RowReader
