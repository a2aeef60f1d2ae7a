"""Several processes on one port: they answer, are counted as one, come back, and end together."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.config.loading import FILE_VARIABLE
from aggregator.metrics import Metrics
from tests.integration.program import free_port
from tests.program import PACKAGES, command

SECONDS = 20
CONFIG = """
server: {{address: "127.0.0.1:{port}", api_prefix: /api/v1/, debug: true, workers: {workers}}}
ocp_recommendations_storage: {{db_driver: sqlite3, sqlite_datasource: "{database}"}}
dvo_recommendations_storage: {{type: noop}}
"""


class Running:
    """The service as a process, with workers on its port."""

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        database: Path | None = None,
        redirection: str = "",
        **environ: str,
    ) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}/api/v1/"
        file = folder / "config.yaml"
        database = database or folder / "own.db"
        file.write_text(CONFIG.format(port=port, workers=workers, database=database))
        env = {FILE_VARIABLE: str(file)}
        assert command("migration", "latest", folder=folder, env=env).returncode == 0
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("INSIGHTS_", "ACG"))}
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {sys.executable} -m aggregator start-service {redirection}"],
                cwd=folder, env={**clean, "PYTHONPATH": str(PACKAGES), **env, **environ},
                stdout=log, stderr=log,
            )  # fmt: skip

    def get(self, path: str = "", timeout: float = 5) -> str:
        """Ask on a connection of its own, which the system gives to any of the processes."""
        with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
            return str(answer.read().decode())

    def answers(self, path: str = "", timeout: float = 5) -> bool:
        """Say whether somebody answered."""
        try:
            self.get(path, timeout)
        except (OSError, urllib.error.URLError):
            return False
        return True

    def workers(self) -> list[int]:
        """Return the processes that this one has started, without ended ones."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == self.process.pid and state != "Z":
                found.append(int(stat.parent.name))
        return found

    def counted(self, timeout: float = 5) -> float:
        """Return how many requests to the main endpoint the page of metrics counts."""
        page = self.get("metrics", timeout)
        return float(re.findall(COUNTED, page)[0])

    def worker_answers(self) -> bool:
        """Say whether a request is answered while the first process stands still."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            return any(self.answers("organizations", 0.5) for _ in range(8))
        finally:
            self.process.send_signal(signal.SIGCONT)


COUNTED = r'api_endpoints_requests\{endpoint="/api/v1/"\} ([\d.e+]+)'


def until(seen: Callable[[], object]) -> None:
    """Wait for something to be seen."""
    end = time.monotonic() + SECONDS
    while not seen():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.05)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Return a service of two processes, both of which answer."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc to find the processes")
    one = Running(tmp_path)
    try:
        until(one.answers)
        until(one.worker_answers)
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def test_the_metrics_are_those_of_all_processes(running: Running) -> None:
    before = running.counted()
    for _ in range(40):
        running.get()
    assert [running.counted() for _ in range(6)] == [before + 40] * 6


def test_counters_never_decrease_while_workers_are_stopped_and_killed(tmp_path: Path) -> None:
    running = Running(tmp_path, workers=3)
    try:
        until(running.answers)
        until(lambda: len(running.workers()) == 2)
        until(running.worker_answers)
        for _ in range(60):
            running.get()
        total = running.counted()
        for worker in running.workers():
            os.kill(worker, signal.SIGSTOP)
            assert seen(running, scrapes=8) == {total}
            os.kill(worker, signal.SIGKILL)
            assert seen(running, scrapes=8) == {total}
            until(lambda dead=worker: len(set(running.workers()) - {dead}) == 2)
            until(running.worker_answers)
            for _ in range(10):
                running.get()
            # waiting for the workers has asked the main endpoint for nothing
            total += 10
            assert seen(running, scrapes=12) == {total}
        assert "worker 1 does not answer; its last metrics count" in running.log.read_text()
    finally:
        running.process.kill()
        running.process.wait()


def seen(running: Running, *, scrapes: int) -> set[float]:
    """Return what some scrapes count; those that the system gives to a stopped worker fail."""
    found = set()
    for _ in range(scrapes):
        with contextlib.suppress(OSError):
            found.add(running.counted(timeout=2.5))
    return found


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&- 2>&-", ">/dev/full 2>&1"])
def test_workers_serve_with_closed_or_full_standard_streams(
    tmp_path: Path, redirection: str
) -> None:
    """A worker inherits them; a socket in the place of one would get what it logs."""
    running = Running(tmp_path, redirection=redirection)
    try:
        until(running.answers)
        until(running.worker_answers)
        for _ in range(20):
            running.get()
        assert running.counted() >= 20
    finally:
        running.process.terminate()
        assert running.process.wait(SECONDS) == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert "Logging error" not in log


def test_workers_are_restarted_without_working_directory_and_configuration_file(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    running = Running(folder, database=tmp_path / "own.db", TMPDIR="/absent/" + "x" * 200)
    try:
        until(running.answers)
        until(running.worker_answers)
        running.log = running.log.rename(tmp_path / "log")
        (folder / "config.yaml").unlink()
        folder.rmdir()
        (old,) = running.workers()
        os.kill(old, signal.SIGKILL)
        until(lambda: [pid for pid in running.workers() if pid != old])
        until(running.worker_answers)
        assert "Traceback" not in running.log.read_text()
    finally:
        running.process.kill()
        running.process.wait()


def test_each_process_knows_the_readiness(running: Running) -> None:
    root = running.url.removesuffix("api/v1/")
    for _ in range(10):
        with urllib.request.urlopen(root + "readyz", timeout=5) as answer:
            assert answer.status == 200


def test_a_killed_worker_comes_back(running: Running) -> None:
    (old,) = running.workers()
    os.kill(old, signal.SIGKILL)
    until(lambda: [pid for pid in running.workers() if pid != old])
    until(running.worker_answers)
    assert all(running.answers() for _ in range(10))
    until(lambda: "\nworkers 2.0\n" in running.get("metrics"))
    assert "\nworker_restarts 1.0\n" in running.get("metrics")


def test_all_end_with_the_first(running: Running) -> None:
    running.process.terminate()
    assert running.process.wait(SECONDS) == 0
    assert not running.answers()


def test_no_worker_outlives_a_killed_service(running: Running) -> None:
    (worker,) = running.workers()
    running.process.kill()
    running.process.wait()
    until(lambda: not Path(f"/proc/{worker}").exists())
    assert not running.answers()


def test_a_port_that_another_service_has_is_not_shared(running: Running, tmp_path: Path) -> None:
    env = {FILE_VARIABLE: str(tmp_path / "config.yaml")}
    second = command("start-service", folder=tmp_path, env=env)
    assert second.returncode == 1
    assert "cannot listen on" in second.stdout


def test_samples_of_two_processes_are_added() -> None:
    first, second = Metrics(""), Metrics("")
    first.request_started("/a")
    second.request_started("/a")
    second.request_started("/b")
    text = first.render([second.snapshot()]).decode()
    assert 'api_endpoints_requests{endpoint="/a"} 2' in text
    assert 'api_endpoints_requests{endpoint="/b"} 1' in text
    assert text.count("# TYPE api_endpoints_requests counter") == 1
