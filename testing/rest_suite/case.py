"""A case: a test function of pytest with the fixtures `api` and `data`, and what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from ..packages import of_testing

with of_testing():
    import pytest

REFERENCE_2020 = "reference-2020"
REFERENCE_2026 = "reference-2026"
DEPARTURES = "departures"
PROFILES = (REFERENCE_2026, REFERENCE_2020, DEPARTURES)
CURRENT = (REFERENCE_2026, DEPARTURES)
LEGACY = (REFERENCE_2020, DEPARTURES)

READ, WRITE, DELETE = range(3)
# the option that allows what is more than reading
OPTIONS = {WRITE: "--allow-writes", DELETE: "--allow-deletes"}
PREFIX = "test_"
MARKERS = (
    "writes: votes, toggles, acks or rates; runs with --allow-writes only",
    "deletes: deletes reports; runs with --allow-deletes only, after all others",
    "profiles(*names): demanded by these profiles only",
)

# a case that votes, toggles, acks or rates
writes = pytest.mark.writes
# a case that deletes reports
deletes = pytest.mark.deletes

Function = TypeVar("Function", bound=Callable[..., None])


def profiles(*names: str) -> pytest.MarkDecorator:
    """Mark a case that only these profiles demand; raise ValueError for an unknown one."""
    unknown = set(names) - set(PROFILES)
    if unknown:
        raise ValueError(f"profiles: {', '.join(sorted(unknown))}")
    return pytest.mark.profiles(*names)


def each(*values: Any) -> Callable[[Function], Function]:
    """Parametrize the argument after `api` and `data`."""

    def decorate(function: Function) -> Function:
        name = list(inspect.signature(function).parameters)[2]
        marked: Function = pytest.mark.parametrize(name, values, ids=str)(function)
        return marked

    return decorate


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a test; its group is its module, its name that of the function."""

    group: str
    name: str
    sentence: str
    kind: int = READ
    profiles: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the name under which it is selected and reported, as `votes.a_vote_is_shown`."""
        return f"{self.group}.{self.name}"

    def fits(self, pattern: str) -> bool:
        """Return True if a pattern of --only or --skip selects this case."""
        plain = self.id.partition("[")[0]
        return pattern in (self.group, self.id, self.name) or any(
            fnmatchcase(text, pattern) for text in (self.group, self.id, plain)
        )

    def selected(self, only: Iterable[str], skip: Iterable[str]) -> bool:
        """Return True if any of `only` fits (all do when it is empty) and none of `skip`."""
        chosen = [self.fits(pattern) for pattern in only] or [True]
        return any(chosen) and not any(self.fits(pattern) for pattern in skip)


def case_of(item: pytest.Item) -> Case:
    """Return the case of a collected test."""
    kind = WRITE if item.get_closest_marker("writes") else READ
    demanding = item.get_closest_marker("profiles")
    return Case(
        item.path.stem.removeprefix(PREFIX),
        item.name.removeprefix(PREFIX),
        sentence_of(getattr(item, "function", None), item.name.removeprefix(PREFIX)),
        DELETE if item.get_closest_marker("deletes") else kind,
        tuple(demanding.args) if demanding else (),
    )


def sentence_of(function: object, name: str) -> str:
    """Return what a case shows, for people: the docstring's first line or the name."""
    lines = (inspect.getdoc(function) or "").splitlines()
    return lines[0] if lines else name.replace("_", " ")
