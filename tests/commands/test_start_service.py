"""The service as a process: why it does not start, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from aggregator.config.loading import FILE_VARIABLE, PREFIX
from tests.program import (
    ROOT,
    SECONDS,
    command,
    told,
)


@pytest.mark.parametrize(
    ("env", "status", "words"),
    [
        ({"SERVER__API_SPEC_FILE": "absent.json"}, 1, "server.api_spec_file: cannot read"),
        ({"SERVER__API_SPEC_FILE": "."}, 1, "server.api_spec_file: cannot read"),
        ({"SERVER__ADDRESS": "192.0.2.1:1"}, 1, "cannot listen on '192.0.2.1:1'"),
        (
            {"BROKER__ENABLED": "1", "BROKER__ENABLE_ORG_ALLOWLIST": "1"},
            1,
            "processing.org_allowlist_file: cannot read",
        ),
        (
            {"BROKER__ENABLED": "1", "BROKER__SECURITY_PROTOCOL": "SSL", "BROKER__CERT_PATH": "no"},
            1,
            "broker.cert_path: 'no' cannot be used",
        ),
        (
            {"BROKER__ENABLED": "1", "STORAGE_BACKEND__USE": "ocp"},
            1,
            "No backend storage or incompatible one selected. Exitting",
        ),
        (
            {"SERVER__AUTH": "1", "SERVER__AUTH_TYPE": "jwt", "SERVER__JWT_KEY_FILE": "no"},
            2,
            "configuration: server.jwt_key_file: cannot read",
        ),
        ({"STORAGE_BACKEND__USE": "ocp"}, 2, "storage_backend.use: ocp_recommendations or"),
        ({"OCP_RECOMMENDATIONS_STORAGE__TYPE": "other"}, 2, "noop expected, not 'other'"),
        ({"OCP_RECOMMENDATIONS_STORAGE__TYPE": "other"}, 2, "Unknown storage type 'other'"),
        (
            {"OCP_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": "/absent/a.db"},
            2,
            "database: unable to open database file: /absent/a.db",
        ),
        (
            {
                "OCP_RECOMMENDATIONS_STORAGE__PG_HOST": "127.0.0.1",
                "OCP_RECOMMENDATIONS_STORAGE__PG_PARAMS": "sslmode=verify-full&sslrootcert=/absent",
            },
            2,
            "sslrootcert: cannot use '/absent': No such file or directory",
        ),
    ],
)
def test_a_service_that_cannot_start_says_why_with_the_status_of_its_reason(
    tmp_path: Path, env: dict[str, str], status: int, words: str
) -> None:
    names = {PREFIX + key: value for key, value in env.items()}
    ended = command("start-service", folder=tmp_path, env=names)
    assert (ended.returncode, ended.stderr) == (status, "")
    assert any(words in text for text in told(ended))
    assert told(ended)[-1] == f"Service exited with non-zero code {status}"


@pytest.mark.parametrize(
    "use", ["", " ", ",", "ocp", "OCP_recommendations", "dvo_recommendations,x"]
)
def test_a_consumer_without_a_backend_ends_before_it_listens(tmp_path: Path, use: str) -> None:
    (tmp_path / "config.toml").write_text(
        f'[broker]\nenabled = true\n[storage_backend]\nuse = "{use}"\n'
        '[server]\naddress = "192.0.2.1:1"\n'
    )
    env = {FILE_VARIABLE: str(tmp_path / "config.toml")}
    ended = command("start-service", folder=tmp_path, env=env)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert any(
        text.startswith("no backend storage or incompatible selected: storage_backend.use is '")
        for text in told(ended)
    )
    assert "No backend storage or incompatible one selected. Exitting" in told(ended)
    assert not any("preparation" in text or "listen" in text for text in told(ended))


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"SERVER__WORKERS": "2"}, "server.workers: 2 processes"),
        ({"SERVER__AUTH": "1", "SERVER__AUTH_TYPE": "jwt"}, "server.jwt_key_file"),
    ],
)
def test_a_wrong_setting_that_is_found_late_does_not_blame_the_database(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    ended = command(folder=tmp_path, env={PREFIX + key: value for key, value in env.items()})
    assert ended.returncode == 2
    assert words in told(ended)[-2]
    assert "database preparation" not in ended.stdout


def test_a_service_refuses_a_database_at_an_old_version(
    tmp_path: Path,
) -> None:
    env = {f"{PREFIX}OCP_RECOMMENDATIONS_STORAGE__SQLITE_DATASOURCE": str(tmp_path / "a.db")}
    command("migration", "31", folder=tmp_path, env=env)
    ended = command(folder=tmp_path, env=env)
    assert ended.returncode == 2
    assert "database preparation exited with error code 2" in told(ended)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a service that was started without an argument and answers."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), f"{PREFIX}SERVER__ADDRESS": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.url = f"http://{address}/livez"  # type: ignore[attr-defined]
    deadline = time.monotonic() + SECONDS
    while not answers(f"http://{address}/livez"):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    process.kill()
    process.communicate()


def answers(url: str) -> bool:
    """Say whether there is an answer."""
    try:
        with urlopen(url, timeout=SECONDS) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_order(
    service: subprocess.Popen[str], number: signal.Signals
) -> None:
    service.send_signal(number)
    said, complaints = service.communicate(timeout=SECONDS)
    assert (service.returncode, complaints) == (0, "")
    assert "Version: v" in said
    assert "SIGINT or SIGTERM was sent, stopping the service..." in said


def test_a_signal_ends_a_service_whose_output_nobody_reads(
    service: subprocess.Popen[str],
) -> None:
    assert service.stdout
    service.stdout.close()
    service.terminate()
    assert service.wait(timeout=SECONDS) == 0


def test_requests_are_answered_when_the_reader_of_the_log_has_ended(
    service: subprocess.Popen[str],
) -> None:
    assert service.stdout
    assert service.stderr
    service.stdout.close()
    assert all(answers(service.url) for _ in range(5))  # type: ignore[attr-defined]
    service.terminate()
    assert service.wait(timeout=SECONDS) == 0
    assert service.stderr.read() == ""


def read_until(service: subprocess.Popen[str], words: str) -> list[str]:
    """Return the messages that are logged up to the first one with these words."""
    messages: list[str] = []
    assert service.stdout
    for line in service.stdout:
        messages.append(json.loads(line).get("message", "") if line.startswith("{") else line)
        if words in messages[-1]:
            return messages
    pytest.fail(f"{words!r} was not logged: {messages}")


def test_the_start_says_what_is_up(service: subprocess.Popen[str]) -> None:
    messages = read_until(service, "workers: ")[-6:]
    port = service.url.split(":")[2].partition("/")[0]  # type: ignore[attr-defined]
    assert messages == [
        "configuration: 1 environment variables",
        f"serving 127.0.0.1:{port}, prefix /api/v1/",
        "OCP storage: :memory: (SQLite), schema version 32",
        "DVO storage: :memory: (SQLite), schema version 4",
        "not consuming: broker.enabled is false",
        "workers: 1",
    ]


def test_sigusr1_switches_the_log_level_and_back(service: subprocess.Popen[str]) -> None:
    read_until(service, "workers: ")
    for message in ("log level: debug, until the next SIGUSR1", "log level: as configured"):
        service.send_signal(signal.SIGUSR1)
        assert read_until(service, "log level")[-1] == message
    service.terminate()
    said, _ = service.communicate(timeout=SECONDS)
    assert service.returncode == 0
    assert '"debug"' not in said


HUNG_LOOKUP = """
import socket, sys, threading
from aggregator.__main__ import main

real = socket.getaddrinfo

def lookup(host, *arguments, **options):
    if host == "hung.example":
        print("lookup", flush=True)
        threading.Event().wait()
    return real(host, *arguments, **options)

socket.getaddrinfo = lookup
# it has its own lookups, in threads that nothing interrupts either
sys.modules["uvloop"] = None
sys.exit(main(["start-service"]))
"""


def test_a_name_lookup_that_never_ends_does_not_keep_the_service_from_ending(
    tmp_path: Path,
) -> None:
    values = {
        "SERVER__ADDRESS": "127.0.0.1:0",
        "BROKER__ENABLED": "true",
        "BROKER__ADDRESSES": "hung.example:9092",
        "OCP_RECOMMENDATIONS_STORAGE__TYPE": "noop",
        "DVO_RECOMMENDATIONS_STORAGE__TYPE": "noop",
    }
    env = {PREFIX + name: value for name, value in values.items()}
    with subprocess.Popen(
        [sys.executable, "-c", HUNG_LOOKUP],
        cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            seen = next(line for line in process.stdout if line == "lookup\n")
            process.send_signal(signal.SIGTERM)
            # without a limit it would never end
            rest, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert seen
    assert process.returncode == 0, rest
    assert "not stopped within 9.8 s, ending now" in rest
