"""`cleanup`: deletes rows older than an age, in chunks, while the service runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..config.options import Config, StorageConfig
from ..db.cleaner import Cleaner
from ..db.engine import Database
from ..db.retention import Retention
from ..db.storage import SqlHealth, databases
from ..errors import AggregatorError, ConfigError
from ..model import utc_now
from . import arguments, targets, terminal
from .cluster_list import ClusterList

DONE, FAILED, INTERRUPTED = 0, 1, 130
STATUS = """\
Exit status: 0 done, 1 failure or not confirmed, 2 wrong usage, 130 interrupted. What was deleted
before a failure stays deleted; the next run continues."""
CHUNK = 500
PAUSE_SECONDS = 0.1
BACKENDS = {"ocp_recommendations": "ocp", "dvo_recommendations": "dvo"}
_AGE = re.compile(r"(\d+) ?(h|hours?|d|days?|w|weeks?)")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass
class Account:
    """What is old, and what of it is deleted so far; rows by table."""

    old: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False
    clusters: ClusterList | None = None


class Work(Protocol):
    """The rows of one database to delete."""

    async def count(self) -> Counter[str]:
        """Return the rows by table."""

    def delete(self) -> AsyncIterator[Counter[str]]:
        """Delete them in chunks; yield the rows by table after each."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Count the rows that are older than an age, or delete them: reports with all that belongs "
        "to them, workloads, invalid messages, of the storages in storage_backend.use. The "
        "service may run meanwhile: what it refreshes stays. Toggles, disable feedback, "
        "acknowledgements and ratings are kept.",
        "cleanup --older-than 90d",
        "cleanup --older-than '90 days' --apply --yes",
        "cleanup --policy cleaner --clusters clusters.txt",
        status=STATUS,
    )
    add = parser.add_argument
    add("--older-than", type=_before, dest="before", metavar="AGE",
        help="90d, 12w, 36h, or '90 days'; needed unless --clusters is given")  # fmt: skip
    add("--policy", choices=("service", "cleaner"), default="service",
        help="what is old. service: clusters that have not reported, with all that belongs to "
        "them. cleaner: as the Go service's cleaner, table by table: rule_hit with its report, "
        "report, consumer_error, recommendation, dvo_report (default: service)")  # fmt: skip
    add("--clusters", default="", metavar="FILE|A,B",
        help="with --policy cleaner: instead of old rows all rows of these clusters, toggles and "
        "feedback too; a list, or a file with one a line")  # fmt: skip
    add("--apply", action="store_true", help="delete them; without this they are only counted")
    add("--chunk", type=arguments.positive, default=CHUNK, metavar="N",
        help=f"clusters, or invalid messages, a transaction (default: {CHUNK})")  # fmt: skip
    add("--pause", type=arguments.seconds, default=PAUSE_SECONDS, metavar="SECONDS",
        help=f"between two transactions (default: {PAUSE_SECONDS})")  # fmt: skip
    arguments.add_yes(parser)
    arguments.add_json(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    """Show or delete what is old; return 0, 1 on failure, 130 on ^C."""
    account = Account(clusters=_clusters(options))
    try:
        with asyncio.Runner() as runner:
            _clean(config, options, account, runner)
    except AggregatorError as error:
        terminal.say(f"cleanup: {error}")
        if account.deleted:
            _tell(options, account)
        return FAILED
    _tell(options, account)
    return INTERRUPTED if account.interrupted else DONE


def _before(text: str) -> datetime:
    """Return the time so long ago, UTC without zone; raise ArgumentTypeError."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"an age expected (90d, 12w, 36h, '90 days'; a month has no fixed length), not {text!r}"
        )
    if not int(found[1]):
        raise argparse.ArgumentTypeError("everything is older than that")
    try:
        return utc_now() - timedelta(**{_UNITS[found[2][0]]: int(found[1])})
    except OverflowError:
        raise argparse.ArgumentTypeError(f"nothing can be as old as {text!r}") from None


def _clean(
    config: Config, options: argparse.Namespace, account: Account, runner: asyncio.Runner
) -> None:
    """Count, ask, and delete; the question is outside of the loop, so that Ctrl-C ends it."""
    found = _databases(config)
    targets.name_databases(config, *config.storage_backend.use)
    try:
        work = runner.run(_count(found, options, account))
        if options.apply:
            rows = account.old.total()
            terminal.confirm(f"delete {rows} rows from this database?", yes=options.yes)
            runner.run(_delete(work, options, account))
    finally:
        runner.run(_close(found))


async def _count(
    found: dict[str, Database], options: argparse.Namespace, account: Account
) -> list[Work]:
    await SqlHealth(found).require_latest()
    work = [
        _work(database, found, options, account.clusters)
        for database in dict.fromkeys(found.values())
    ]
    for each in work:
        account.old.update(await each.count())
    return work


def _work(
    database: Database,
    found: dict[str, Database],
    options: argparse.Namespace,
    clusters: ClusterList | None,
) -> Work:
    kind = Retention if options.policy == "service" else Cleaner
    policy = kind(database, ocp=database is found.get("ocp"), dvo=database is found.get("dvo"))
    if clusters is not None and isinstance(policy, Cleaner):
        return _Listed(policy, clusters.proper, options.chunk)
    return _Old(policy, options.before, options.chunk)


@dataclass(frozen=True, slots=True)
class _Old:
    """The rows that are older than a time."""

    policy: Retention | Cleaner
    before: datetime
    chunk: int

    async def count(self) -> Counter[str]:
        return await self.policy.count(self.before)

    def delete(self) -> AsyncIterator[Counter[str]]:
        return self.policy.delete(self.before, self.chunk)


@dataclass(frozen=True, slots=True)
class _Listed:
    """The rows of clusters that are listed."""

    policy: Cleaner
    clusters: tuple[str, ...]
    chunk: int

    async def count(self) -> Counter[str]:
        return await self.policy.count_of(self.clusters)

    def delete(self) -> AsyncIterator[Counter[str]]:
        return self.policy.delete_of(self.clusters, self.chunk)


def _clusters(options: argparse.Namespace) -> ClusterList | None:
    """Return the clusters of --clusters; raise UsageError for options that exclude each other."""
    if not options.clusters:
        if options.before is None:
            raise arguments.UsageError("--older-than AGE is needed")
        return None
    if options.policy != "cleaner":
        raise arguments.UsageError("--clusters needs --policy cleaner")
    if options.before is not None:
        raise arguments.UsageError("--clusters and --older-than exclude each other")
    return ClusterList.read(options.clusters)


async def _close(found: dict[str, Database]) -> None:
    for database in found.values():
        await database.close()


def _databases(config: Config) -> dict[str, Database]:
    """Return those of `storage_backend.use`; raise ConfigError where that is no SQL storage."""
    sections = dict.fromkeys(BACKENDS.values(), StorageConfig(type="noop"))
    for use in config.storage_backend.use or ("",):
        section = getattr(config, f"{use}_storage", None)
        if use not in BACKENDS or section is None or section.type != "sql":
            raise ConfigError(f"storage_backend.use is '{use}', which is no SQL storage")
        sections[BACKENDS[use]] = section
    found = databases(sections["ocp"], sections["dvo"])
    if any(database.in_memory for database in found.values()):
        raise ConfigError("the database is in memory, so nothing in it is old")
    return found


async def _delete(work: Sequence[Work], options: argparse.Namespace, account: Account) -> None:
    with terminal.until_interrupted() as interrupted, terminal.progress() as bar:
        task = bar.add_task("deleting rows", total=account.old.total())
        for each in work:
            async for rows in each.delete():
                account.deleted.update(rows)
                bar.update(task, completed=account.deleted.total())
                with suppress(TimeoutError):
                    await asyncio.wait_for(interrupted.wait(), options.pause)
                if interrupted.is_set():
                    account.interrupted = True
                    return


def _tell(options: argparse.Namespace, account: Account) -> None:
    """Print the rows by table, with their sum."""
    rows = account.deleted if options.apply else account.old
    shown = {name: rows[name] for name in account.old}
    before = f"{options.before:%Y-%m-%dT%H:%M:%SZ}" if options.before else None
    clusters = account.clusters
    if options.json:
        told: dict[str, Any] = {"before": before, "policy": options.policy}
        told |= {"applied": options.apply, "interrupted": account.interrupted}
        if clusters is not None:
            told |= {"proper_clusters": len(clusters.proper)}
            told |= {"improper_clusters": list(clusters.improper)}
        print(json.dumps({**told, "tables": shown, "rows": rows.total()}, indent=2))
    elif clusters is not None:
        _print_summary(clusters, shown, applied=options.apply)
    else:
        number = "rows deleted" if options.apply else "rows to delete"
        table = terminal.table(f"before {before}", "table", number, numbers=(number,))
        for name, count in shown.items():
            terminal.add_row(table, name, str(count))
        terminal.add_row(table, "total", str(rows.total()))
        terminal.show(table)
    if account.interrupted:
        terminal.say("interrupted; what is left is for the next run")
    elif not options.apply:
        terminal.say("nothing is deleted without --apply")


def _print_summary(clusters: ClusterList, rows: Mapping[str, int], *, applied: bool) -> None:
    """Print the table of the Go service's cleaner (contract storage 11)."""
    table = terminal.table(None, "Summary", "Count", numbers=("Count",))
    terminal.add_row(table, "Proper cluster entries", str(len(clusters.proper)))
    terminal.add_row(table, "Improper cluster entries", str(len(clusters.improper)))
    terminal.add_row(table, "", "")
    done = "Deletions" if applied else "Rows to delete"
    for name, count in rows.items():
        terminal.add_row(table, f"{done} from table '{name}'", str(count))
    terminal.add_row(table, f"Total {done.lower()}", str(sum(rows.values())))
    terminal.show(table)
    for entry in clusters.improper:
        terminal.say(f"no cluster: '{entry}'")
