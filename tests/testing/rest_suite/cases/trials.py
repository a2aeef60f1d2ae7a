"""The tables of mutants as pytest parameters: each case, each of its mutants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import pytest

from testing.rest_suite.case import Case, cases_of
from tests.mutation.operators import Make

# an operation ("" for the value of the case) and what is wrong with its answers
Mutant = tuple[str, Make]


def collected(module: ModuleType) -> list[Case]:
    """Return the cases of a module."""
    return list(cases_of(module.__name__.rpartition(".")[2], vars(module)))


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
