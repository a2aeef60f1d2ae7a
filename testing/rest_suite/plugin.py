"""The suite as a pytest plugin: the fixtures `api` and `data`, order and selection of the cases.

`program` registers it in the process that it starts pytest in. Processes of pytest-xdist load this
module and get the instance, the data and the options from that one.
"""

from __future__ import annotations

import json
import traceback
from argparse import Namespace
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from ..packages import of_testing
from .api import Api, Session
from .case import MARKERS, OPTIONS, Case, case_of
from .checks import CheckFailed
from .connect import reconnected
from .coverage import operations_of
from .data import Claims, Data, Inventory
from .phases import Phases
from .probe import InstanceInfo
from .result import Outcome, Result, Timing

with of_testing():
    import pytest

NAME = "rest-suite"
# how much of an answer a failure shows
LONGEST = 2000
COLLECTION = "collection"
EXTRA = "rest_suite"


@dataclass
class Attempt:
    """What has become of a case so far."""

    api: Api | None = None
    outcome: Outcome = Outcome.PASSED
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
    decisive: int = 0


ATTEMPT = pytest.StashKey[Attempt]()


def _ignore(result: Result) -> None:
    """Show nothing."""


class SuitePlugin:
    """One run of the suite in this process; `finished` is called with each result.

    `judge` returns further results from those of the cases, when all have ended.
    """

    def __init__(
        self,
        options: Namespace,
        session: Session | None,
        inventory: Inventory,
        *,
        folder: Path | None = None,
        finished: Callable[[Result], None] = _ignore,
        judge: Callable[[Sequence[Result]], Sequence[Result]] = lambda results: (),
    ) -> None:
        self.results: list[Result] = []
        self.cases: list[Case] = []
        self.interrupted = False
        self._options = options
        self._session = session
        self._inventory = inventory
        self._folder = folder
        self._finished = finished
        self._judge = judge
        self._claims = Claims(folder)
        self._phases = Phases(folder)

    @pytest.fixture
    def data(self) -> Iterator[Data]:
        """What the instance is known to have: `hit()`, `cluster()`, `own_hit()` ..."""
        data = Data(self._inventory, self._claims)
        yield data
        data.release()

    @pytest.fixture
    def api(self, request: pytest.FixtureRequest, data: Data) -> Iterator[Api]:
        """Calls operations of the API; what was written is undone when the case ends."""
        if self._session is None:
            pytest.skip("no instance: --url")
        attempt = request.node.stash.setdefault(ATTEMPT, Attempt())
        attempt.api = api = Api(self._session)
        yield api
        if problems := api.clean_up():
            raise CheckFailed("; ".join(problems))

    def pytest_configure(self, config: pytest.Config) -> None:
        """Declare the markers."""
        for line in MARKERS:
            config.addinivalue_line("markers", line)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Collect each case several times with --repeat."""
        if self._options.repeat > 1:
            metafunc.fixturenames.append("repetition")
            metafunc.parametrize("repetition", range(1, self._options.repeat + 1), indirect=True)

    @pytest.fixture
    def repetition(self, request: pytest.FixtureRequest) -> Any:
        """Which of --repeat this is."""
        return request.param

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Select by --only and --skip; sort readers, writers, deleters."""
        chosen: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            fits = case_of(item).selected(self._options.only, self._options.skip)
            (chosen if fits else others).append(item)
        if others:
            config.hook.pytest_deselected(items=others)
        items[:] = sorted(chosen, key=lambda item: case_of(item).kind)
        self.cases = [case_of(item) for item in items]
        self._phases.expect(case.kind for case in self.cases)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a case when it is its turn."""
        with self._phases.case(case_of(item).kind, item.nodeid):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a case that this run or this instance does not allow."""
        if self._session is not None and (reason := unmet(case_of(item), self._session)):
            pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note how a step of a case went; the report of its last one carries the result."""
        report = yield
        attempt = item.stash.setdefault(ATTEMPT, Attempt())
        attempt.seconds += call.duration
        sent = len(attempt.api.exchanges) if attempt.api else 0
        if report.skipped and attempt.outcome is Outcome.PASSED:
            attempt.outcome = Outcome.SKIPPED
            attempt.reasons.append(_skip_reason(report))
        elif report.failed and call.excinfo is not None:
            if attempt.outcome is not Outcome.FAILED:
                attempt.decisive = sent
            attempt.outcome = Outcome.FAILED
            attempt.reasons.append(reason_of(call.excinfo.value))
            if isinstance(call.excinfo.value, CheckFailed):
                report.longrepr = _failure(attempt)
        if report.when == "teardown":
            result = _result(case_of(item), attempt, operations_named_by(item))
            setattr(report, EXTRA, msgspec.json.encode(result).decode())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result of a case; without one its process has crashed."""
        text = getattr(report, EXTRA, None)
        if text is not None:
            self._take(msgspec.json.decode(text, type=Result))
        elif report.failed and report.when not in ("setup", "call", "teardown"):
            group, _, name = report.nodeid.partition("::")
            self._take(Result(Path(group).stem, name, name, Outcome.FAILED, str(report.longrepr)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be loaded."""
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.strip()]
            reason = lines[-1].removeprefix("E").strip() if lines else "cannot be loaded"
            name = str(report.nodeid)
            self._take(Result(COLLECTION, name, name, Outcome.FAILED, reason))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run was interrupted."""
        self.interrupted = isinstance(excinfo.value, KeyboardInterrupt)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report what is judged from all results, before other plugins write their reports."""
        self._phases.stop()
        if hasattr(session.config, "workerinput"):
            return
        for result in self._judge(self.results):
            self._take(result)
            session.config.hook.pytest_runtest_logreport(report=_report(result))
            if result.outcome is Outcome.FAILED:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send a process of pytest-xdist what it needs for the same run."""
        session = self._session
        node.workerinput[EXTRA] = json.dumps(
            {
                "options": vars(self._options),
                "instance": session and msgspec.to_builtins(session.instance),
                "inventory": msgspec.json.encode(self._inventory).decode(),
                "folder": str(self._folder),
            }
        )

    def _take(self, result: Result) -> None:
        self.results.append(result)
        self._finished(result)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin of a process of pytest-xdist."""
    text = getattr(config, "workerinput", {}).get(EXTRA)
    if text is None or config.pluginmanager.has_plugin(NAME):
        return
    sent = json.loads(text)
    options = Namespace(**sent["options"])
    instance = sent["instance"] and msgspec.convert(sent["instance"], InstanceInfo)
    session = reconnected(options, instance) if instance else None
    inventory = msgspec.json.decode(sent["inventory"], type=Inventory)
    plugin = SuitePlugin(options, session, inventory, folder=Path(sent["folder"]))
    config.pluginmanager.register(plugin, NAME)


def unmet(case: Case, session: Session) -> str:
    """Return why this run or this instance does not allow a case, "" if it does."""
    if case.kind not in session.allowed:
        return f"needs {OPTIONS[case.kind]}"
    for profile in session.profiles:
        if case.profiles and profile not in case.profiles:
            return f"demanded by {', '.join(case.profiles)}, not by {profile}"
    return ""


def reason_of(error: BaseException) -> str:
    """Return why a case failed, in one line unless a check says more."""
    if isinstance(error, CheckFailed):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said} (line {last.lineno} of {last.name}: {last.line})"


def _skip_reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)


def _failure(attempt: Attempt) -> str:
    """Return what pytest and JUnit show of a failure: the reason, the request, the answer."""
    lines = [attempt.reasons[-1]]
    exchanges = attempt.api.exchanges[: attempt.decisive] if attempt.api else []
    for exchange in exchanges[-1:]:
        lines += ["", exchange.curl(), f"{exchange.status} {exchange.text[:LONGEST]}"]
    return "\n".join(lines)


def operations_named_by(item: pytest.Item) -> tuple[str, ...]:
    """Return the operations that a test is about."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return operations_of(getattr(item, "function", None), tuple(values))


def _result(case: Case, attempt: Attempt, operations: tuple[str, ...]) -> Result:
    exchanges = tuple(attempt.api.exchanges) if attempt.api else ()
    result = Result(
        group=case.group,
        name=case.name,
        sentence=case.sentence,
        outcome=attempt.outcome,
        reason="; ".join(attempt.reasons),
        seconds=attempt.seconds,
        timings=tuple(Timing(e.operation, e.status, e.seconds, len(e.body)) for e in exchanges),
        kind=case.kind,
        operations=operations,
        known=tuple(attempt.api.known) if attempt.api else (),
    )
    if attempt.outcome is Outcome.FAILED:
        return replace(result, exchanges=exchanges, decisive=attempt.decisive or len(exchanges))
    return result


def _report(result: Result) -> pytest.TestReport:
    """Return the result of a judgement as pytest's plugins take it."""
    return pytest.TestReport(
        nodeid=f"{result.group}::{result.name}",
        location=(result.group, None, result.name),
        keywords={},
        outcome=result.outcome.value,
        longrepr=("", 0, f"Skipped: {result.reason}")
        if result.outcome is Outcome.SKIPPED
        else result.reason or None,
        when="call",
    )
