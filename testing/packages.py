"""Packages of the extra `testing`, which a production installation does not have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXTRA = "insights-results-aggregator[testing]"
# the distributions of the extra, by what is imported of them
_DISTRIBUTIONS = {
    "confluent_kafka": "confluent-kafka",
    "pytest": "pytest",
    "requests": "requests",
}


class MissingPackage(ImportError):
    """A package is not installed; the text says which, and what to install."""


@contextmanager
def of_testing() -> Iterator[None]:
    """Translate the failure of an import made inside; raise MissingPackage."""
    try:
        yield
    except ModuleNotFoundError as error:
        distribution = _DISTRIBUTIONS.get(error.name or "")
        if distribution is None:
            raise
        raise MissingPackage(
            f"the package {distribution} is not installed: pip install '{EXTRA}'"
        ) from None
