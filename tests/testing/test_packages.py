"""A production installation has no packages of the extra `testing`, and commands say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import aggregator

PACKAGES = Path(aggregator.__file__).parents[1]
INSTALL = "pip install 'insights-results-aggregator[testing]'"
# a module that is None in sys.modules cannot be imported
WITHOUT = "import sys; sys.modules.update(requests=None, confluent_kafka=None); "


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code where the packages of the extra are not to be imported."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code],
        cwd=folder,
        env={"PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def module(name: str, *arguments: str) -> str:
    """Return code that runs a module as `python -m` does."""
    return (
        f"import runpy; sys.argv[1:] = {list(arguments)!r}; "
        f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "status", "package"),
    [
        ("testing.rest_suite", ("--url", "http://localhost:1"), 2, "requests"),
        ("testing.generate", ("--clusters", "1", "--out", "kafka://localhost:1/topic"), 1,
         "confluent-kafka"),
        ("aggregator", ("dev", "--port", "0"), 1, "confluent-kafka"),
    ],
)  # fmt: skip
def test_a_command_that_needs_a_package_says_what_to_install(
    tmp_path: Path, name: str, arguments: tuple[str, ...], status: int, package: str
) -> None:
    ended = run(tmp_path, module(name, *arguments))
    complaints = [line for line in (ended.stdout + ended.stderr).splitlines() if line]
    assert ended.returncode == status
    assert len(complaints) == 1
    assert complaints[0].endswith(f"the package {package} is not installed: {INSTALL}")


def test_messages_over_kafka_need_a_package(tmp_path: Path) -> None:
    code = (
        "from testing.rest_suite.probe import UsageError\n"
        "from testing.rest_suite.sources.kafka import _send\n"
        "try: _send('localhost:1', 'topic', [{}])\n"
        "except UsageError as error: print(error)"
    )
    # the suite itself is installed here: only Kafka's client is missing
    ended = run(tmp_path, f"del sys.modules['requests']\n{code}")
    text = f"--data kafka://: the package confluent-kafka is not installed: {INSTALL}\n"
    assert (ended.returncode, ended.stdout) == (0, text)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("testing.generate", ("--clusters", "2")),
        ("testing.mocks.server", ("--help",)),
        ("aggregator", ("print-version-info",)),
    ],
)
def test_what_does_not_need_them_works_without(
    tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    ended = run(tmp_path, module(name, *arguments))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def test_no_module_of_the_service_needs_them(tmp_path: Path) -> None:
    code = (
        "import pkgutil, importlib, aggregator\n"
        "names = [m.name for m in pkgutil.walk_packages(aggregator.__path__, 'aggregator.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name)\n"
        "print(len(names))"
    )
    ended = run(tmp_path, code)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 100


def test_another_missing_package_is_not_hidden(tmp_path: Path) -> None:
    code = "from testing.packages import of_testing\nwith of_testing(): import no_such_package"
    ended = run(tmp_path, code)
    assert ended.returncode == 1
    assert "ModuleNotFoundError: No module named 'no_such_package'" in ended.stderr


def test_the_packages_are_in_the_extra_only(tmp_path: Path) -> None:
    """Ask setup.py as pip does, not what happens to be installed here."""
    root = Path(__file__).parents[2]
    pytest.importorskip("setuptools")
    code = (
        "import json, os, setuptools, runpy\n"
        f"os.chdir({str(root)!r})\n"
        "setuptools.setup = lambda **found: print(json.dumps(found['install_requires']))\n"
        "runpy.run_path('setup.py')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "tornado" in ended.stdout
    for package in ("requests", "confluent"):
        assert package not in ended.stdout
