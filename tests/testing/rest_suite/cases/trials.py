"""The tables of mutants as pytest parameters: each case, each of its mutants."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from testing.rest_suite import cases
from testing.rest_suite.api import Api, Session
from testing.rest_suite.case import DELETE, PREFIX, READ, WRITE, Case, sentence_of
from testing.rest_suite.checks import Skipped
from testing.rest_suite.data import Data, Inventory
from testing.rest_suite.plugin import reason_of, unmet
from tests.mutation.operators import Make

# an operation ("" for the value of the case) and what is wrong with its answers
Mutant = tuple[str, Make]


@dataclass(frozen=True, slots=True)
class BoundCase(Case):
    """A case with its function, to be run without pytest: a run takes milliseconds."""

    function: Callable[..., None] = print
    arguments: tuple[Any, ...] = ()

    def run(self, session: Session, known: Inventory) -> tuple[str, str]:
        """Return the outcome and the reason."""
        if reason := unmet(self, session):
            return "skipped", reason
        api, data = Api(session), Data(known)
        outcome, reason = "passed", ""
        try:
            self.function(api, data, *self.arguments)
        except Skipped as skipped:
            outcome, reason = "skipped", str(skipped)
        except Exception as error:
            outcome, reason = "failed", reason_of(error)
        finally:
            problems = api.clean_up()
        return ("failed", "; ".join(problems)) if problems else (outcome, reason)


def cases_of(module: ModuleType) -> Iterator[BoundCase]:
    """Yield the cases of a module, each with each of its values."""
    group = module.__name__.rpartition(".")[2]
    for name, function in vars(module).items():
        if not name.startswith(PREFIX) or not inspect.isfunction(function):
            continue
        title = name.removeprefix(PREFIX)
        marks = {mark.name: mark for mark in getattr(function, "pytestmark", ())}
        kind = DELETE if "deletes" in marks else WRITE if "writes" in marks else READ
        profiles = marks["profiles"].args if "profiles" in marks else ()
        plain = (sentence_of(function, title), kind, tuple(profiles), function)
        if "parametrize" not in marks:
            yield BoundCase(group, title, *plain)
            continue
        for value in marks["parametrize"].args[1]:
            yield BoundCase(group, f"{title}[{value}]", *plain, (value,))


def collected(module: ModuleType) -> list[BoundCase]:
    """Return the cases of a module."""
    return list(cases_of(module))


def all_cases() -> list[BoundCase]:
    """Return the cases of the suite."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__))
    return [
        case
        for name in names
        for case in cases_of(importlib.import_module(f"{cases.__name__}.{name}"))
    ]


def trials(module: ModuleType, mutants: Mapping[str, Sequence[Mutant]]) -> list[Any]:
    """Return a parameter set (case, operation, make) for each mutant of each case."""
    return [
        pytest.param(case, operation or case.arguments[0], make, id=f"{case.name}-{number}")
        for case in collected(module)
        for number, (operation, make) in enumerate(mutants.get(case.name) or mutants[base(case)])
    ]


def base(case: Case) -> str:
    """Return the name of a case without its value."""
    return case.name.partition("[")[0]
