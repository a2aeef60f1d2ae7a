"""A case: one thing that the contract demands, collected by its name from `cases/`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar

REFERENCE_2020 = "reference-2020"
REFERENCE_2026 = "reference-2026"
DEPARTURES = "departures"
PROFILES = (REFERENCE_2026, REFERENCE_2020, DEPARTURES)
CURRENT = (REFERENCE_2026, DEPARTURES)
LEGACY = (REFERENCE_2020, DEPARTURES)

READ, WRITE, DELETE = range(3)
PREFIX = "test_"
_MARKS = "rest_suite_marks"

Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Marks:
    """What a case needs, and the values it is run with."""

    kind: int = READ
    profiles: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One case; its group is its module, its name the rest of the function's name."""

    group: str
    name: str
    function: Callable[..., None]
    marks: Marks
    arguments: tuple[Any, ...] = ()

    @property
    def id(self) -> str:
        """Return the name under which it is selected and reported, as `votes.a_like_is_shown`."""
        return f"{self.group}.{self.name}"

    @property
    def sentence(self) -> str:
        """Return what it shows, for people: the docstring's first line or the name."""
        lines = (inspect.getdoc(self.function) or "").splitlines()
        return lines[0] if lines else self.name.replace("_", " ")

    def fits(self, pattern: str) -> bool:
        """Say whether a pattern of --only or --skip means this case."""
        plain = self.id.partition("[")[0]
        return pattern in (self.group, self.id, self.name) or any(
            fnmatchcase(text, pattern) for text in (self.group, self.id, plain)
        )


def writes(function: Function) -> Function:
    """Mark a case that votes, toggles, acks or rates: it runs with --allow-writes only."""
    return _mark(function, kind=WRITE)


def deletes(function: Function) -> Function:
    """Mark a case that deletes reports: it runs with --allow-deletes only, and alone."""
    return _mark(function, kind=DELETE)


def profiles(*names: str) -> Callable[[Function], Function]:
    """Mark a case that only these profiles demand."""
    unknown = set(names) - set(PROFILES)
    if unknown:
        raise ValueError(f"profiles: {', '.join(sorted(unknown))}")
    return lambda function: _mark(function, profiles=names)


def each(*values: Any) -> Callable[[Function], Function]:
    """Mark a case that is run once for each value, which is its third argument."""
    return lambda function: _mark(function, values=values)


def _mark(function: Function, **changes: Any) -> Function:
    setattr(function, _MARKS, replace(marks_of(function), **changes))
    return function


def marks_of(function: Callable[..., None]) -> Marks:
    """Return the marks of a function, the plain ones when it has none."""
    marks = getattr(function, _MARKS, None)
    return marks if isinstance(marks, Marks) else Marks()


def collect(package: str = f"{__package__}.cases") -> list[Case]:
    """Return all cases of a package's modules, by group and then in the order of the file."""
    found = importlib.import_module(package)
    return [
        case
        for name in sorted(module.name for module in pkgutil.iter_modules(found.__path__))
        for case in cases_of(name, vars(importlib.import_module(f"{package}.{name}")))
    ]


def cases_of(group: str, names: dict[str, Any]) -> Iterator[Case]:
    """Yield the cases among the names of a module."""
    for name, value in names.items():
        if name.startswith(PREFIX) and inspect.isfunction(value):
            marks = marks_of(value)
            title = name.removeprefix(PREFIX)
            if not marks.values:
                yield Case(group, title, value, marks)
            for item in marks.values:
                yield Case(group, f"{title}[{item}]", value, marks, (item,))


def select(cases: Iterable[Case], only: Sequence[str], skip: Sequence[str]) -> list[Case]:
    """Return the cases that fit any of `only` (all when it is empty) and none of `skip`."""
    return [
        case
        for case in cases
        if (not only or any(case.fits(pattern) for pattern in only))
        and not any(case.fits(pattern) for pattern in skip)
    ]
