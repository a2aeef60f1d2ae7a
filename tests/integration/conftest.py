"""A PostgreSQL server with TLS, and an empty home directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers.postgres_tls import TlsServer, running_tls_server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with running_tls_server(tmp_path_factory.mktemp("tls")) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set $HOME to an empty directory, because clients of PostgreSQL read files in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
