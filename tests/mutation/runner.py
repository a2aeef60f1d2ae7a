"""The mutation run: how many mutants does the REST suite kill?"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from testing.rest_suite import options as suite_options
from testing.rest_suite import program as suite
from testing.rest_suite.case import DEPARTURES
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.probe import (
    InstanceInfo,
    Unreachable,
    UsageError,
    probe,
    split_url,
)

from .middleware import Mutant
from .mutants.catalog import all_mutants
from .proxy import MutatingProxy

PASSED, BELOW_THRESHOLD, USAGE, NOT_CLEAN, INTERRUPTED = 0, 1, 2, 3, 130
_FAILED = re.compile(r"^FAILED (\S+)\n +(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one mutant: `activated` answers were changed; case `by` failed."""

    name: str
    kind: str
    activated: int
    status: int
    by: str
    seconds: float

    @property
    def killed(self) -> bool:
        """Return True if the suite failed."""
        return self.status in (suite.FAILURES, suite.UNREACHABLE, suite.NOTHING)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite without mutants, then once per mutant; return the exit status."""
    console = Console(highlight=False)
    try:
        ours, rest = _parser().parse_known_args(sys.argv[1:] if argv is None else argv)
        parsed, _ = suite_options.parse([f"--url={ours.url}", *rest])
        instance = _probed(parsed)
    except (UsageError, Unreachable) as error:
        console.print(f"mutation: {error}", markup=False, soft_wrap=True)
        return USAGE
    arguments = [*rest, f"--profile={instance.profile}", f"--prefix={instance.prefix}"]
    chosen = list(_chosen(ours, parsed, instance))
    origin, _ = split_url(ours.url)
    verify = suite_options.verification(parsed) is True
    with MutatingProxy(origin, prefix=instance.prefix, verify=verify) as proxy:
        # a run that deletes data may break the next run
        for _ in range(2):
            if (clean := attempt(proxy, None, arguments)).status != suite.PASSED:
                return _not_clean(clean, "without a mutant", console)
        trials = _trials(proxy, chosen, [*arguments, "--fail-fast"], console)
        clean = attempt(proxy, None, arguments)
    _show(trials, console)
    if clean.status != suite.PASSED:
        return _not_clean(clean, "after the trials, so they prove nothing", console)
    if ours.json:
        _write(ours.json, instance, trials)
    reached = score(trials) * 100 >= ours.fail_under and len(trials) == len(chosen)
    return PASSED if reached else BELOW_THRESHOLD


def _not_clean(run: Trial, when: str, console: Console) -> int:
    console.print(f"not clean {when}: {run.by}", markup=False)
    return INTERRUPTED if run.status == INTERRUPTED else NOT_CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation.runner",
        description="Measures the mutation score of the REST suite. All other options are the "
        "suite's; --allow-writes kills most.",
    )
    parser.add_argument(
        "--url",
        required=True,
        help="of a correct instance; a proxy in front of it mutates its responses",
    )
    parser.add_argument(
        "--mutants", action="append", default=[], metavar="PATTERN",
        help="kind or name, as row or 'report:*'; repeatable",
    )  # fmt: skip
    parser.add_argument("--sample", type=int, metavar="N", help="run N mutants, of every kind")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--fail-under", type=float, default=95.0, metavar="PERCENT",
        help="the lowest mutation score that passes, 95 by default",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON")
    return parser


def _probed(options: argparse.Namespace) -> InstanceInfo:
    origin, path = split_url(options.url)
    connection = Connection(
        origin,
        suite_options.headers(options),
        suite_options.verification(options),
        options.timeout,
    )
    return probe(
        Client(connection),
        suite_options.credentials(options),
        prefix=options.prefix or path,
        profile=options.profile,
    )


def _chosen(
    ours: argparse.Namespace, options: argparse.Namespace, instance: InstanceInfo
) -> Iterator[Mutant]:
    """Yield the mutants that this instance and these permissions can activate."""
    has = {
        "writes": options.allow_writes,
        "auth": instance.authenticated,
        "departures": instance.profile == DEPARTURES,
    }
    fitting = [
        mutant
        for mutant in all_mutants()
        if all(has[need] for need in mutant.needs) and _wanted(mutant, ours.mutants)
    ]
    yield from sample(fitting, ours.sample, ours.seed) if ours.sample else fitting


def _wanted(mutant: Mutant, patterns: Sequence[str]) -> bool:
    return not patterns or any(
        fnmatchcase(text, pattern) for pattern in patterns for text in (mutant.name, mutant.kind)
    )


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return `size` random mutants, drawn round-robin from the kinds."""
    chance = random.Random(seed)
    kinds: dict[str, list[Mutant]] = {}
    for mutant in chance.sample(mutants, len(mutants)):
        kinds.setdefault(mutant.kind, []).append(mutant)
    drawn: list[Mutant] = []
    while len(drawn) < min(size, len(mutants)):
        drawn += [kind.pop() for kind in kinds.values() if kind]
    return drawn[:size]


def attempt(proxy: MutatingProxy, mutant: Mutant | None, arguments: Sequence[str]) -> Trial:
    """Run the suite through the proxy with this mutant."""
    proxy.use(mutant)
    output, start = io.StringIO(), time.monotonic()
    with redirect_stderr(output), redirect_stdout(output):
        status = suite.main([f"--url={proxy.url}", *arguments])
    seconds, activated = time.monotonic() - start, proxy.activated
    proxy.use(None)
    proxy.undo_writes()
    failed = _FAILED.search(output.getvalue())
    last = output.getvalue().strip().splitlines()[-1:] or [""]
    by = f"{failed[1]}: {failed[2]}" if failed else last[0]
    name, kind = (mutant.name, mutant.kind) if mutant else ("", "")
    return Trial(name, kind, activated, status, by, seconds)


def _trials(
    proxy: MutatingProxy, mutants: Sequence[Mutant], arguments: Sequence[str], console: Console
) -> list[Trial]:
    trials: list[Trial] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(mutants))
        for mutant in mutants:
            progress.update(task, description=mutant.name)
            trial = attempt(proxy, mutant, arguments)
            if trial.status == INTERRUPTED:
                break
            trials.append(trial)
            progress.advance(task)
            if not trial.killed:
                activated = "" if trial.activated else " (not activated)"
                progress.console.print(
                    f"survived: {trial.kind}: {trial.name}{activated}", markup=False
                )
    return trials


def score(trials: Sequence[Trial]) -> float:
    """Return the mutation score, from 0 to 1; 0 without trials."""
    return sum(trial.killed for trial in trials) / len(trials) if trials else 0.0


def _show(trials: Sequence[Trial], console: Console) -> None:
    table = Table("kind", "mutants", "killed", "survived", title="Mutation score of the suite")
    for kind in dict.fromkeys(trial.kind for trial in trials):
        of_kind = [trial for trial in trials if trial.kind == kind]
        killed = sum(trial.killed for trial in of_kind)
        table.add_row(kind, str(len(of_kind)), f"{score(of_kind):.0%}", str(len(of_kind) - killed))
    table.add_section()
    killed = sum(trial.killed for trial in trials)
    table.add_row("all", str(len(trials)), f"{score(trials):.1%}", str(len(trials) - killed))
    console.print(table)


def _write(name: str, instance: InstanceInfo, trials: Sequence[Trial]) -> None:
    document = {
        "instance": asdict(instance),
        "mutation_score": score(trials),
        "trials": [{**asdict(trial), "killed": trial.killed} for trial in trials],
    }
    Path(name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
