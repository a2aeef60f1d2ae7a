"""Runs the cases: readers beside each other, then writers, then those that delete, one by one."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from .api import Api, Interrupted, Session
from .case import (
    DELETE,
    READ,
    WRITE,
    Case,
)
from .checks import CheckFailed, Skipped
from .data import Claims, Data, Inventory
from .result import Outcome, Result, Timing

OPTIONS = {WRITE: "--allow-writes", DELETE: "--allow-deletes"}
LOOK_SECONDS = 0.2


@dataclass
class Run:
    """One run over all cases; `finished` is called with each result."""

    session: Session
    inventory: Inventory
    workers: int = 4
    fail_fast: bool = False
    finished: Callable[[Result], None] = lambda result: None
    results: list[Result] = field(default_factory=list)
    interrupted: bool = False

    def all(self, cases: Sequence[Case], repeat: int = 1) -> list[Result]:
        """Run the cases `repeat` times; on Ctrl-C clean up the running ones and stop."""
        # two instances that are compared come to the same by the same writes in the same order
        writers = 1 if self.session.mirror else self.workers
        for _ in range(repeat):
            for kind, workers in ((READ, self.workers), (WRITE, writers), (DELETE, 1)):
                self._phase([case for case in cases if case.marks.kind == kind], workers)
        return self.results

    def _phase(self, cases: Sequence[Case], workers: int) -> None:
        claims = Claims()
        with ThreadPoolExecutor(workers, "case") as pool:
            futures = {pool.submit(self.one, case, claims) for case in cases}
            try:
                self._gather(futures)
            except KeyboardInterrupt:
                self.interrupted = True
                self.session.stop.set()
                self._gather(futures)

    def _gather(self, futures: set[Future[Result]]) -> None:
        """Take results as they come; the short waits let Ctrl-C through."""
        while futures:
            done, _ = wait(futures, LOOK_SECONDS, "FIRST_COMPLETED")
            futures -= done
            for future in done:
                self._take(future.result())

    def _take(self, result: Result) -> None:
        self.results.append(result)
        self.finished(result)
        if self.fail_fast and result.outcome is Outcome.FAILED:
            self.session.stop.set()

    def one(self, case: Case, claims: Claims) -> Result:
        """Run one case and clean up after it, whatever happens."""
        api, data = Api(self.session), Data(self.inventory, claims)
        start = time.monotonic()
        try:
            outcome, reason = self._attempt(case, api, data)
        finally:
            decisive = len(api.exchanges)
            problems = api.clean_up()
            data.release()
        if problems:
            reason = "; ".join(filter(None, [reason, *problems]))
            decisive = decisive if outcome is Outcome.FAILED else len(api.exchanges)
            outcome = Outcome.FAILED
        return Result(
            group=case.group,
            name=case.name,
            sentence=case.sentence,
            outcome=outcome,
            reason=reason,
            seconds=time.monotonic() - start,
            timings=tuple(
                Timing(e.operation, e.status, e.seconds, len(e.body)) for e in api.exchanges
            ),
            exchanges=tuple(api.exchanges) if outcome is Outcome.FAILED else (),
            decisive=decisive,
        )

    def _attempt(self, case: Case, api: Api, data: Data) -> tuple[Outcome, str]:
        try:
            self._demand(case)
            case.function(api, data, *case.arguments)
        except Skipped as reason:
            return Outcome.SKIPPED, str(reason)
        except CheckFailed as failure:
            return Outcome.FAILED, str(failure)
        except Interrupted:
            return Outcome.INTERRUPTED, "the run was stopped"
        except Exception as error:
            return Outcome.FAILED, _unexpected(error)
        return Outcome.PASSED, ""

    def _demand(self, case: Case) -> None:
        """Skip a case that this run or this instance does not allow."""
        if self.session.stop.is_set():
            raise Interrupted
        kind, wanted = case.marks.kind, case.marks.profiles
        if kind not in self.session.allowed:
            raise Skipped(f"needs {OPTIONS[kind]}")
        for profile in self.session.profiles:
            if wanted and profile not in wanted:
                raise Skipped(f"demanded by {', '.join(wanted)}, not by {profile}")


def _unexpected(error: Exception) -> str:
    """Return what a case stumbled over, mostly an answer that has not what it looked for."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (line {last.lineno} of {last.name}: {last.line})"
