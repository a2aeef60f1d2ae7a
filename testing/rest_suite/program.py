"""The program: probe the instance, find data, run pytest with the cases, report."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from . import fuzz, latency, reports
from . import options as command_line
from .api import Api, Session
from .checks import CheckFailed
from .compare_data import same_data
from .connect import connected
from .data import Inventory
from .plugin import COLLECTION, NAME, SuitePlugin
from .probe import Unreachable, UsageError
from .progress import Display
from .reports import text
from .result import Outcome, Result
from .sources import kafka, seed_file
from .sources.discovery import discover
from .summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSED, FAILURES, USAGE, UNREACHABLE, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130
HERE = Path(__file__).parent
CASES = HERE / "cases"
# options of pytest that show something themselves; without them the report says it all
_SHOWING = (
    "-v", "--verbose", "-q", "--quiet", "-s", "--capture", "-r", "-l", "--showlocals", "--tb",
    "--co", "--collect-only", "--durations", "--setup-", "--fixtures", "--markers", "--pdb",
    "--trace", "--color", "--no-header", "--no-summary", "-W", "--disable-warnings",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    console = Console(stderr=True, highlight=False)
    try:
        options, rest = command_line.parse(sys.argv[1:] if argv is None else argv)
        if options.list:
            return _list(options, rest)
        _demand_known(rest)
        return _test(options, rest, console, argv)
    except UsageError as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return USAGE
    except (Unreachable, CheckFailed) as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return UNREACHABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _list(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Print the selected cases."""
    plugin = SuitePlugin(options, None, Inventory())
    status = _run(plugin, options, ["--collect-only", "-p", "no:terminal", *rest])
    _demand_collected(plugin)
    try:
        for case in plugin.cases:
            print(f"{case.id:60} {case.sentence}")
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has closed the pipe, and nothing may be flushed to it any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if status is pytest.ExitCode.USAGE_ERROR:
        return USAGE
    return PASSED if plugin.cases else NOTHING


def _test(
    options: argparse.Namespace, rest: list[str], console: Console, argv: Sequence[str] | None
) -> int:
    budgets = latency.chosen(options.budget)
    reports.demand_writable(options.report)
    if options.fuzz:
        fuzz.program()
    moment, start = datetime.now().astimezone(), time.monotonic()
    if _collects_only(rest):
        plugin = SuitePlugin(options, None, Inventory())
        return _status_of_collection(_run(plugin, options, rest))
    session = connected(options)
    inventory = _inventory(options, session)
    data = _compared_data(session, inventory)

    def judge(results: Sequence[Result]) -> Sequence[Result]:
        return _judged(options, session, budgets, results, data)

    with _shared_folder(options, rest) as folder, Display(console) as display:
        plugin = SuitePlugin(
            options, session, inventory,
            folder=folder, finished=display.finished, judge=judge,
        )  # fmt: skip
        status = _run(plugin, options, [*_quiet(rest), *rest])
    _demand_collected(plugin)
    if status == pytest.ExitCode.USAGE_ERROR:
        return USAGE
    summary = Summary(
        url=session.client.connection.url,
        instance=session.instance,
        data=str(inventory),
        moment=moment,
        seconds=time.monotonic() - start,
        results=plugin.results,
        latencies=_latencies(plugin.results),
        interrupted=plugin.interrupted,
        command=_command(sys.argv[1:] if argv is None else argv),
    )
    if not summary.results:
        console.print("rest_suite: no case fits the selection (see --list)")
        return INTERRUPTED if summary.interrupted else NOTHING
    text.show(summary, console)
    if options.coverage:
        text.show_coverage(summary, console)
    reports.write(options.report, summary)
    return _status(summary)


def _run(plugin: SuitePlugin, options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Run pytest with the cases of the suite and of --cases; return its exit status."""
    cache = Path(".pytest_cache").absolute()
    words = [
        "-c", str(HERE / "pytest.ini"), "--rootdir", str(CASES), "-o", f"cache_dir={cache}",
        "-p", f"{__package__}.plugin", "--junit-prefix", "rest_suite",
        *(f"--junitxml={name}" for form, name in options.report if form == "junit"),
        *(["-x"] if options.fail_fast else []),
        *(["-n", str(options.workers)] if options.workers > 1 else []),
        *arguments,
        *map(str, case_files()),
        *options.cases,
    ]  # fmt: skip
    return pytest.main(words, plugins=[_Named(plugin)])


class _Named:
    """Registers the plugin under its name, so that it is not registered twice."""

    def __init__(self, plugin: SuitePlugin) -> None:
        self._plugin = plugin

    def pytest_addoption(self, pluginmanager: pytest.PytestPluginManager) -> None:
        """Register it before the command line is parsed."""
        pluginmanager.register(self._plugin, NAME)


def case_files() -> list[Path]:
    """Return the modules with the cases of the suite."""
    return [file for file in sorted(CASES.glob("*.py")) if "\ndef test_" in file.read_text("utf-8")]


def _demand_known(rest: Sequence[str]) -> None:
    """Raise UsageError for options that pytest does not know, before anything is sent."""
    if not rest:
        return
    config = None
    try:
        words = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(CASES), *rest]
        config = pytest.Config.fromdictargs({}, words)
    except pytest.UsageError as error:
        lines = [line for line in str(error).splitlines() if "error:" in line] or [str(error)]
        raise UsageError(lines[0].partition("error:")[2].strip() or lines[0]) from None
    finally:
        if config is not None:
            config._ensure_unconfigure()


def _command(words: Sequence[str]) -> str:
    """Return the command line, without the values of headers, which may be secret."""
    shown = ["insights-results-rest-suite"]
    for before, word in zip(["", *words], words, strict=False):
        name, equals, _ = word.partition("=")
        hidden = "..." if before == "--header" else f"{name}{equals}..."
        secret = before == "--header" or (name == "--header" and equals)
        shown.append(hidden if secret else word)
    return shlex.join(shown)


def _collects_only(rest: Sequence[str]) -> bool:
    return any(word in ("--co", "--collect-only", "--fixtures", "--markers") for word in rest)


def _status_of_collection(status: int) -> int:
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        return NOTHING
    return PASSED if status == pytest.ExitCode.OK else USAGE


def _quiet(rest: Sequence[str]) -> list[str]:
    """Return what silences pytest's own output, unless some of it is asked for."""
    shown = any(word.startswith(_SHOWING) for word in rest)
    return [] if shown else ["-p", "no:terminal"]


@contextmanager
def _shared_folder(options: argparse.Namespace, rest: Sequence[str]) -> Iterator[Path | None]:
    """Give a folder to the processes of pytest-xdist, None when there is one process."""
    parallel = options.workers > 1 or any(
        word.startswith(("-n", "--numprocesses", "--dist", "--tx")) for word in rest
    )
    if not parallel:
        yield None
        return
    if find_spec("xdist") is None:
        raise UsageError("several processes need pytest-xdist: pip install pytest-xdist")
    if options.compare:
        raise UsageError("--compare needs one process: without --workers and -n")
    with tempfile.TemporaryDirectory(prefix="rest-suite-") as folder:
        yield Path(folder)


def _demand_collected(plugin: SuitePlugin) -> None:
    """Raise UsageError when a file with cases cannot be loaded."""
    for result in plugin.results:
        if result.group == COLLECTION:
            raise UsageError(f"cannot load {result.name}: {result.reason}")


def _judged(
    options: argparse.Namespace,
    session: Session,
    budgets: Sequence[latency.Budget],
    results: Sequence[Result],
    data: Result | None,
) -> list[Result]:
    """Return the results of budgets, comparison and generated requests."""
    found: list[Result] = []
    if any(result.outcome is not Outcome.SKIPPED for result in results):
        latencies = _latencies(results)
        found += latency.judged(budgets, latencies)
        given_up = latency.left(session.pace)
        names = {result.name for result in given_up}
        slow = latency.outliers(latencies) if budgets else []
        found += [*given_up, *(result for result in slow if result.name not in names)]
    found += session.mirror.results() if session.mirror else []
    found += [data] if data else []
    if options.fuzz:
        found.append(fuzz.fuzzed(session, options.fuzz))
    return found


def _compared_data(session: Session, inventory: Inventory) -> Result | None:
    """Return whether both instances of --compare hold the same data."""
    if session.mirror is None:
        return None
    alone = replace(session, mirror=None)
    other = replace(alone, client=session.mirror.client, instance=session.mirror.other)
    return same_data(Api(alone), Api(other), inventory)


def _latencies(results: Sequence[Result]) -> list[latency.Latency]:
    return latency.latencies(timing for result in results for timing in result.timings)


def _inventory(options: argparse.Namespace, session: Session) -> Inventory:
    """Return the data to test with; none of its requests go to the instance compared with."""
    api = Api(replace(session, mirror=None))
    organization = session.credentials.organization
    if options.data == "discover":
        return discover(api)
    if options.data == "fixtures":
        return seed_file.seeded(organization=organization)
    if options.data.startswith("kafka:"):
        return kafka.produced(api, kafka.parse(options.data))
    if options.data.endswith(".json"):
        return seed_file.seeded(options.data, organization)
    raise UsageError(f"--data: discover, fixtures or {kafka.FORM} expected, not '{options.data}'")


def _status(summary: Summary) -> int:
    if summary.interrupted:
        return INTERRUPTED
    if summary.failures:
        return FAILURES
    return PASSED if summary.counts[Outcome.PASSED] else NOTHING
