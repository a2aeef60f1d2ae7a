"""The suite against the service in the configurations that `dev` does not have."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aggregator.config.loading import FILE_VARIABLE
from testing.mocks.broker import Broker
from tests.integration.program import free_port

SECONDS = 300
START_SECONDS = 30.0
ORGANIZATION = 1_999_999_777
OCP, DVO = "ccx.ocp.results", "ccx.dvo.results"
MIGRATIONS = ("ocp_recommendations", "dvo_recommendations")
USE = "INSIGHTS_RESULTS_AGGREGATOR__STORAGE_BACKEND__USE"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a token; the key that it was signed with has its public half beside it."""
    folder = tmp_path_factory.mktemp("token")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pem").write_bytes(public)
    claims = {"identity": {"org_id": str(ORGANIZATION), "account_number": "12345"}}
    (folder / "token.jwt").write_text(jwt.encode(claims, key, algorithm="RS256"))
    return folder / "token.jwt"


@contextmanager
def served(folder: Path, **server: Any) -> Iterator[tuple[str, str]]:
    """Run the service on SQLite and a broker of its own; give its URL and where to send to."""
    port = free_port()
    with Broker() as broker:
        storage = {"db_driver": "sqlite3", "sqlite_datasource": str(folder / "aggregator.db")}
        config = {
            "broker": {
                "enabled": True, "addresses": broker.address, "topic": OCP, "dvo_topic": DVO,
            },
            "server": {"address": f"127.0.0.1:{port}", "debug": True, **server},
            "storage_backend": {"use": list(MIGRATIONS)},
            "ocp_recommendations_storage": storage,
            "dvo_recommendations_storage": storage,
            "logging": {"log_level": "error"},
        }  # fmt: skip
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        program = [sys.executable, "-m", "aggregator"]
        env = {**os.environ, FILE_VARIABLE: str(file)}
        for use in MIGRATIONS:
            subprocess.run([*program, "migration", "latest"], env={**env, USE: use}, check=True)
        process = subprocess.Popen([*program, "start-service"], env=env)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", process)
            where = f"kafka://{broker.address}/{OCP}?dvo={DVO}"
            yield f"http://127.0.0.1:{port}", where
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"{url} is not there, exit status {process.poll()}")


def suite(url: str, *options: str) -> tuple[int, str]:
    """Return exit status and output of the suite."""
    command = [sys.executable, "-m", "testing.rest_suite", "--url", url, "--budget", "off"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("check", "who"),
    [("strict", ()), ("legacy", ("--org", str(ORGANIZATION)))],
    ids=["anybody", "one"],
)
def test_everything_passes_with_identity_headers(
    tmp_path: Path, check: str, who: tuple[str, ...]
) -> None:
    with served(tmp_path, auth=True, auth_type="xrh", organization_check=check) as (url, where):
        options = ("--auth", "xrh", *who, "--allow-writes", "--allow-deletes")
        status, said = suite(url, "--data", where, *options)
        assert status == 0, said
        assert "authentication on" in said


def test_everything_passes_with_a_token(tmp_path: Path, token: Path) -> None:
    key = str(token.with_name("key.pem"))
    with served(tmp_path, auth=True, auth_type="jwt", jwt_key_file=key) as (url, where):
        options = ("--auth", "jwt", "--token-file", str(token), "--allow-writes")
        status, said = suite(url, "--data", where, *options)
        assert status == 0, said
        assert "authentication on" in said


def test_everything_passes_without_debug_behind_another_prefix(tmp_path: Path) -> None:
    with served(tmp_path, debug=False, api_prefix="/far/away/") as (url, where):
        options = ("--prefix", "far/away", "--org", str(ORGANIZATION), "--allow-writes")
        status, said = suite(url, "--data", where, *options)
        assert status == 0, said
        assert "without debug" in said
