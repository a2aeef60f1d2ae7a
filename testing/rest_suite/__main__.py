"""The program: reach the instance, find data, run the cases, say how it went."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from . import options as command_line
from .api import Api, Session
from .case import DELETE, READ, WRITE, Case, collect, select
from .checks import CheckFailed
from .client import Client, Connection
from .data import Inventory
from .discovery import discover
from .facts import Unreachable, UsageError, find_out, split_url
from .runner import Outcome, Result, Run, count

PASSED, FAILURES, USAGE, UNREACHABLE, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    console = Console(stderr=True, highlight=False)
    try:
        options = command_line.parse(sys.argv[1:] if argv is None else argv)
        cases = select(collect(), options.only, options.skip)
        if options.list:
            _list(cases)
            return PASSED if cases else NOTHING
        return _test(options, cases, console)
    except UsageError as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return USAGE
    except (Unreachable, CheckFailed) as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return UNREACHABLE


def _list(cases: Sequence[Case]) -> None:
    for case in cases:
        print(f"{case.id:60} {case.sentence}")


def _test(options: argparse.Namespace, cases: Sequence[Case], console: Console) -> int:
    session = _session(options)
    inventory = _inventory(options, session)
    console.print(f"{options.url}: {session.facts}\n{inventory}", markup=False)
    run = Run(session, inventory, options.workers, options.fail_fast)
    results = run.all(cases, options.repeat)
    _show(results, console)
    return _status(run, results)


def _session(options: argparse.Namespace) -> Session:
    origin, path = split_url(options.url)
    client = Client(
        Connection(
            origin,
            command_line.headers(options),
            command_line.verification(options),
            options.timeout,
        )
    )
    credentials = command_line.credentials(options)
    facts = find_out(
        client,
        credentials,
        prefix=options.prefix or path,
        profile=options.profile,
        message_limit=options.message_limit,
    )
    allowed = {READ} | ({WRITE} if options.allow_writes else set())
    allowed |= {DELETE} if options.allow_deletes else set()
    return Session(client, credentials, facts, frozenset(allowed))


def _inventory(options: argparse.Namespace, session: Session) -> Inventory:
    api = Api(session)
    return discover(api, [options.org] if options.org else [])


def _show(results: Sequence[Result], console: Console) -> None:
    for result in results:
        if result.outcome is not Outcome.PASSED:
            line = f"{result.outcome:8} {result.id}: {result.reason}"
            console.print(line, markup=False, soft_wrap=True)
    numbers = count(results)
    console.print(", ".join(f"{number} {outcome}" for outcome, number in numbers.items()))


def _status(run: Run, results: Sequence[Result]) -> int:
    numbers = count(results)
    if run.interrupted:
        return INTERRUPTED
    if numbers[Outcome.FAILED]:
        return FAILURES
    return PASSED if numbers[Outcome.PASSED] else NOTHING


if __name__ == "__main__":
    sys.exit(main())
