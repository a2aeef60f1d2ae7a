"""The mock server behind the mutating proxy: runs one case against one mutant of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from aggregator.config.options import ServerConfig
from testing.fixtures import fixtures_dir
from testing.mocks.server import mock_server
from testing.mocks.thread import in_thread
from testing.rest_suite.api import Session
from testing.rest_suite.case import DELETE, DEPARTURES, READ, WRITE
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.contract import DEFAULT_PREFIX
from testing.rest_suite.credentials import Credentials, IdentityHeader, Nobody
from testing.rest_suite.data import Inventory
from testing.rest_suite.probe import InstanceInfo
from testing.rest_suite.sources.seed_file import seeded
from testing.seed import Seed
from tests.mutation.middleware import Middleware, Mutant
from tests.mutation.operators import Make
from tests.mutation.proxy import MutatingProxy

from .trials import BoundCase

SEED = fixtures_dir() / "seed.json"
# the operation of requests that are none of the API
RAW = "raw"


class MockInstance:
    """An instance that mutants can be applied to; `known` is the data it has."""

    def __init__(
        self,
        proxy: MutatingProxy,
        known: Inventory,
        credentials: Credentials,
        instance: InstanceInfo,
    ) -> None:
        self.known = known
        self._proxy = proxy
        self._credentials = credentials
        self._instance = instance

    def outcome(
        self,
        case: BoundCase,
        operation: str = "*",
        make: Make | None = None,
        known: Inventory | None = None,
        *,
        credentials: Credentials | None = None,
        **instance: object,
    ) -> tuple[str, str]:
        """Run a case against a mutant of an operation's answers; return the outcome and why.

        `instance` changes what the suite takes the instance for, as `profile="reference-2020"`.
        """
        concerned = "" if operation == RAW else operation
        self._proxy.use(Mutant("", "", (concerned,), make) if make else None)
        session = Session(
            Client(Connection(self._proxy.url)),
            credentials or self._credentials,
            replace(self._instance, **instance),  # type: ignore[arg-type]
            frozenset({READ, WRITE, DELETE}),
        )
        try:
            return case.run(session, known or self.known)
        finally:
            self._proxy.undo_writes()


def fixed(middleware: Middleware) -> Make:
    """Return an operator that makes always the same middleware."""
    return lambda: middleware


@contextmanager
def mock_instance(
    seed: Seed | None = None,
    known: Inventory | None = None,
    *,
    server: ServerConfig | None = None,
    credentials: Credentials | None = None,
) -> Iterator[MockInstance]:
    """Run the mock server with a seed, the shipped one by default, behind a mutating proxy."""
    settings = server or ServerConfig(debug=True)
    instance = InstanceInfo(
        profile=DEPARTURES,
        debug=settings.debug,
        authenticated=settings.auth,
        strict=settings.auth and settings.organization_check == "strict",
    )
    asking = credentials or (IdentityHeader() if settings.auth else Nobody())
    with in_thread(mock_server(seed=seed or Seed.read(SEED), server=settings)) as url:
        parts = urlsplit(url)
        with MutatingProxy(f"http://127.0.0.1:{parts.port}", prefix=DEFAULT_PREFIX) as proxy:
            yield MockInstance(proxy, known or seeded(str(SEED)), asking, instance)


def organizations() -> list[int]:
    """Return the organizations of the seed."""
    return [one.org_id for one in seeded(str(SEED)).organizations]
