"""The mutation run: how many spoilings of an instance's answers does the suite notice?"""

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

from . import options as suite_options
from . import program as suite
from .case import DEPARTURES
from .client import Client, Connection
from .middleware import Spoiling
from .probe import (
    Facts,
    Unreachable,
    UsageError,
    find_out,
    split_url,
)
from .spoiler import Spoiler
from .spoilings import all_spoilings

ENOUGH, TOO_FEW, USAGE, NOT_CLEAN, INTERRUPTED = 0, 1, 2, 3, 130
BUDGET = "p95=500ms"
_FAILED = re.compile(r"^failed +(\S+): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a spoiling: `met` answers were spoiled; `by` is a case that failed."""

    name: str
    kind: str
    met: int
    status: int
    by: str
    seconds: float

    @property
    def noticed(self) -> bool:
        """Say whether the run did not pass."""
        return self.status in (suite.FAILURES, suite.UNREACHABLE, suite.NOTHING)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite clean, then once for each spoiling; return the exit status."""
    console = Console(highlight=False)
    try:
        ours, rest = _parser().parse_known_args(sys.argv[1:] if argv is None else argv)
        parsed = suite_options.parse([f"--url={ours.url}", *rest])
        facts = _facts(parsed)
    except (UsageError, Unreachable) as error:
        console.print(f"mutation: {error}", markup=False, soft_wrap=True)
        return USAGE
    arguments = [*rest, f"--profile={facts.profile}", f"--prefix={facts.prefix}"]
    chosen = list(_chosen(ours, parsed, facts))
    origin, _ = split_url(ours.url)
    verify = suite_options.verification(parsed) is True
    with Spoiler(origin, prefix=facts.prefix, verify=verify) as spoiler:
        # a run may take from the instance what the next one needs, as deletes do
        for _ in range(2):
            if (clean := attempt(spoiler, None, arguments)).status != suite.PASSED:
                return _not_clean(clean, "without spoilings", console)
        trials = _trials(spoiler, chosen, [*arguments, "--fail-fast"], console)
        clean = attempt(spoiler, None, arguments)
    _show(trials, console)
    if clean.status != suite.PASSED:
        return _not_clean(clean, "any more, so the trials say nothing", console)
    if ours.json:
        _write(ours.json, facts, trials)
    enough = share(trials) * 100 >= ours.least and len(trials) == len(chosen)
    return ENOUGH if enough else TOO_FEW


def _not_clean(run: Trial, when: str, console: Console) -> int:
    console.print(f"not clean {when}: {run.by}", markup=False)
    return INTERRUPTED if run.status == INTERRUPTED else NOT_CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testing.rest_suite.mutation",
        description="Tells how many spoilings the REST suite notices. All other options are the "
        "suite's; --allow-writes lets it notice most.",
    )
    parser.add_argument("--url", required=True, help="of a sound instance; a proxy spoils it")
    parser.add_argument(
        "--spoilings", action="append", default=[], metavar="PATTERN",
        help="kind or name, as row or 'report:*'; repeatable",
    )  # fmt: skip
    parser.add_argument("--sample", type=int, metavar="N", help="try only so many, of every kind")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--least", type=float, default=95.0, metavar="PERCENT")
    parser.add_argument("--json", metavar="FILE", help="write the outcome here")
    return parser


def _facts(options: argparse.Namespace) -> Facts:
    origin, path = split_url(options.url)
    connection = Connection(
        origin,
        suite_options.headers(options),
        suite_options.verification(options),
        options.timeout,
    )
    return find_out(
        Client(connection),
        suite_options.credentials(options),
        prefix=options.prefix or path,
        profile=options.profile,
    )


def _chosen(
    ours: argparse.Namespace, options: argparse.Namespace, facts: Facts
) -> Iterator[Spoiling]:
    """Yield the spoilings that can show with this instance and these permissions."""
    has = {
        "writes": options.allow_writes,
        "auth": facts.authenticated,
        "departures": facts.profile == DEPARTURES,
    }
    fitting = [
        spoiling
        for spoiling in all_spoilings()
        if all(has[need] for need in spoiling.needs) and _wanted(spoiling, ours.spoilings)
    ]
    yield from sample(fitting, ours.sample, ours.seed) if ours.sample else fitting


def _wanted(spoiling: Spoiling, patterns: Sequence[str]) -> bool:
    return not patterns or any(
        fnmatchcase(text, pattern)
        for pattern in patterns
        for text in (spoiling.name, spoiling.kind)
    )


def sample(spoilings: Sequence[Spoiling], size: int, seed: int) -> list[Spoiling]:
    """Return so many spoilings, the kinds in turn, drawn by a seed."""
    chance = random.Random(seed)
    kinds: dict[str, list[Spoiling]] = {}
    for spoiling in chance.sample(spoilings, len(spoilings)):
        kinds.setdefault(spoiling.kind, []).append(spoiling)
    drawn: list[Spoiling] = []
    while len(drawn) < min(size, len(spoilings)):
        drawn += [kind.pop() for kind in kinds.values() if kind]
    return drawn[:size]


def attempt(spoiler: Spoiler, spoiling: Spoiling | None, arguments: Sequence[str]) -> Trial:
    """Run the suite through the proxy while it spoils in this way."""
    spoiler.use(spoiling)
    said, start = io.StringIO(), time.monotonic()
    with redirect_stderr(said), redirect_stdout(said):
        status = suite.main([f"--url={spoiler.url}", *arguments])
    seconds, met = time.monotonic() - start, spoiler.met
    spoiler.use(None)
    spoiler.take_back()
    failed = _FAILED.search(said.getvalue())
    last = said.getvalue().strip().splitlines()[-1:] or [""]
    by = f"{failed[1]}: {failed[2]}" if failed else last[0]
    name, kind = (spoiling.name, spoiling.kind) if spoiling else ("", "")
    return Trial(name, kind, met, status, by, seconds)


def _trials(
    spoiler: Spoiler, spoilings: Sequence[Spoiling], arguments: Sequence[str], console: Console
) -> list[Trial]:
    trials: list[Trial] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(spoilings))
        for spoiling in spoilings:
            progress.update(task, description=spoiling.name)
            trial = attempt(spoiler, spoiling, arguments)
            if trial.status == INTERRUPTED:
                break
            trials.append(trial)
            progress.advance(task)
            if not trial.noticed:
                met = "" if trial.met else " (no answer met it)"
                progress.console.print(f"missed: {trial.kind}: {trial.name}{met}", markup=False)
    return trials


def share(trials: Sequence[Trial]) -> float:
    """Return the share that was noticed, from 0 to 1; of nothing it is 0."""
    return sum(trial.noticed for trial in trials) / len(trials) if trials else 0.0


def _show(trials: Sequence[Trial], console: Console) -> None:
    table = Table("kind", "spoilings", "noticed", "missed", title="Spoilings noticed by the suite")
    for kind in dict.fromkeys(trial.kind for trial in trials):
        those = [trial for trial in trials if trial.kind == kind]
        noticed = sum(trial.noticed for trial in those)
        table.add_row(kind, str(len(those)), f"{share(those):.0%}", str(len(those) - noticed))
    table.add_section()
    noticed = sum(trial.noticed for trial in trials)
    table.add_row("all", str(len(trials)), f"{share(trials):.1%}", str(len(trials) - noticed))
    console.print(table)


def _write(name: str, facts: Facts, trials: Sequence[Trial]) -> None:
    document = {
        "instance": asdict(facts),
        "share": share(trials),
        "trials": [{**asdict(trial), "noticed": trial.noticed} for trial in trials],
    }
    Path(name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
