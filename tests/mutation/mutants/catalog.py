"""The catalog of all mutants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..middleware import Mutant
from . import caching, fields, lists, responses, state, subtle


def all_mutants() -> list[Mutant]:
    """Return all mutants; their names are unique."""
    groups: Iterable[Iterator[Mutant]] = (
        responses.mutants(), lists.rows(), fields.fields(), state.lost(), state.allowed(),
        caching.caches(), subtle.subtle(),
    )  # fmt: skip
    return [mutant for group in groups for mutant in group]
