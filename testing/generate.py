"""`python -m testing.generate`: writes realistic messages to stdout, files, Kafka or a database."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .fixtures import (
    KINDS,
    DataSet,
    GeneratedMessage,
    fixtures_dir,
)
from .invalid_messages import FAULTS
from .messages import FIRST_ORGANIZATION, START
from .seed import Seed, SeedError
from .writers import (
    CannotWrite,
    KafkaWriter,
    check_kafka,
    to_folder,
    to_stream,
)

EPILOG = """\
The same options make the same bytes. Examples:
  python -m testing.generate --clusters 3                        to look at
  python -m testing.generate --bad 2% --out messages             a folder, a file each
  python -m testing.generate --out kafka://localhost:9092/ccx.ocp.results
  python -m testing.generate --kind both --out sqlite:///aggregator.db
  python -m testing.generate --clusters 1000000 --copy --out postgresql://user@host/aggregator
  python -m testing.generate --from-seed --out sqlite:///aggregator.db
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Generate what the arguments say; return the exit status."""
    options = parsed(argv)
    console = Console(stderr=True, highlight=False)
    seed, told = Seed(), _Told()
    try:
        messages, total = _messages(options)
        if options.write_seed:
            messages = seed.adding(messages)
        with _shown(told.passing(messages), total, options.out, console) as shown:
            _write(options, shown)
        if options.write_seed:
            seed.write(options.write_seed)
    except BrokenPipeError:
        # broken pipe: discard buffered output, so that the exit does not raise again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CannotWrite, SeedError, OSError) as error:
        console.print(f"generate: {error}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print(f"Interrupted: {told}.", markup=False)
        return 130
    console.print(f"{told} -> {_place(options.out)}", markup=False, soft_wrap=True)
    return 0


class _Told:
    """Counts messages that pass by."""

    def __init__(self) -> None:
        self._good = self._broken = 0

    def passing(self, messages: Iterable[GeneratedMessage]) -> Iterator[GeneratedMessage]:
        """Yield the messages, counting each."""
        for made in messages:
            yield made
            self._good += not made.fault
            self._broken += bool(made.fault)

    def __str__(self) -> str:
        broken = f", {self._broken} of them broken" if self._broken else ""
        return f"{self._good + self._broken} messages{broken}"


@contextmanager
def _shown(
    messages: Iterable[GeneratedMessage], total: int, out: str, console: Console
) -> Iterator[Iterable[GeneratedMessage]]:
    """Show progress to people while the messages pass by, unless these fill their screen."""
    if not console.is_terminal or (sys.stdout.isatty() and total < 1000):
        yield messages
        return
    columns = (
        TextColumn("Generating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress.track(messages, total=total)


def _messages(options: argparse.Namespace) -> tuple[Iterable[GeneratedMessage], int]:
    """Return the messages and how many they are."""
    step = timedelta(seconds=options.step)
    if options.from_seed:
        seed = Seed.read(options.from_seed)
        start = _start(options, len(seed.clusters))
        wanted = [made for made in seed.messages(start, step) if made.kind in options.kinds]
        return wanted, len(wanted)
    data = DataSet(
        seed=options.seed,
        kinds=options.kinds,
        organizations=options.organizations,
        clusters=options.clusters,
        rounds=options.rounds,
        bad=options.bad,
        faults=options.faults,
        start=_start(options, options.clusters * options.rounds),
        step=step,
        first_organization=options.first_organization,
    )
    return data, len(data)


def _start(options: argparse.Namespace, count: int) -> datetime:
    """Return when the first message is checked; `now` is when the last one is."""
    start: datetime | None = options.start
    return start or datetime.now(UTC) - timedelta(seconds=options.step) * count


def _write(options: argparse.Namespace, messages: Iterable[GeneratedMessage]) -> None:
    """Write the messages to where they are wanted; raise CannotWrite."""
    out = options.out
    if out == "-":
        to_stream(messages, sys.stdout.buffer)
    elif out.startswith("kafka://"):
        KafkaWriter(*check_kafka(out, options.kinds)).send(messages)
    elif "://" in out:
        asyncio.run(_to_database(options, messages))
    else:
        to_folder(messages, Path(out))


async def _to_database(options: argparse.Namespace, messages: Iterable[GeneratedMessage]) -> None:
    # only here the service itself is needed
    from .mocks import database

    url = database.location(options.out)
    await database.prepare(url)
    if options.copy:
        from .bulk import copy

        await copy(url.render_as_string(hide_password=False), messages)
    else:
        await database.fill(url, messages)


def _place(out: str) -> str:
    """Return where the messages went, without a password."""
    return "standard output" if out == "-" else re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", out)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; end the program where they are wrong."""
    parser = _parser()
    options = parser.parse_args(argv)
    kind = options.kind or ("both" if options.from_seed else "ocp")
    options.kinds = KINDS if kind == "both" else (kind,)
    options.faults = tuple(name for name in options.bad_kinds.split(",") if name)
    known = {fault for kind in options.kinds for fault in FAULTS[kind]}
    if unknown := [name for name in options.faults if name not in known]:
        parser.error(f"--bad-kinds: '{unknown[0]}' is none of {', '.join(sorted(known))}")
    postgres = re.match(r"postgres(ql)?(\+asyncpg)?://", options.out)
    if options.copy and (not postgres or options.bad or options.rounds > 1):
        parser.error("--copy needs --out postgresql://..., one round, and nothing broken")
    if options.from_seed and (options.bad or options.rounds > 1):
        parser.error("--from-seed has one good message a cluster: no --bad, no --rounds")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testing.generate",
        description="Make realistic messages of the rules engine from a number.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=_whole(0), default=1, metavar="N", help="the number; default 1")
    add("--kind", choices=(*KINDS, "both"), help="of messages; default ocp, of a seed both")
    add("--organizations", type=_whole(1), default=10, metavar="N", help="default 10")
    add("--clusters", type=_whole(1), default=1000, metavar="N", help="default 1000")
    add("--rounds", type=_whole(1), default=1, metavar="N",
        help="how often each cluster reports; default 1")  # fmt: skip
    add("--bad", type=_share, default=0.0, metavar="2%",
        help="broken messages beside the good ones, as a share of these; default none")  # fmt: skip
    add("--bad-kinds", default="", metavar="A,B", help="only these faults; default all, in turn")
    add("--start", type=_moment, default=START, metavar="TIME",
        help="when the first cluster was checked (2026-01-01T00:00:00Z is the default); "
        "now: the last one is checked now")  # fmt: skip
    add("--step", type=_seconds, default=1.0, metavar="SECONDS",
        help="between two clusters' checks; default 1")  # fmt: skip
    add("--first-organization", type=_whole(1), default=FIRST_ORGANIZATION, metavar="ID",
        help=f"the others follow it; default {FIRST_ORGANIZATION}")  # fmt: skip
    add("--from-seed", type=Path, nargs="?", const=fixtures_dir() / "seed.json", metavar="FILE",
        help="instead: what this seed file says; without a name the shipped one")  # fmt: skip
    add("--write-seed", type=Path, metavar="FILE",
        help="also write what a database holds then, for the REST suite's --data")  # fmt: skip
    add("--out", default="-", metavar="WHERE",
        help="-: a message a line; DIR; kafka://HOST:PORT/TOPIC[?dvo=TOPIC]; "
        "postgresql://... or sqlite:///FILE")  # fmt: skip
    add("--copy", action="store_true", help="into PostgreSQL by COPY: for millions of clusters")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number from {least} expected, not '{text}'")
        return int(text)

    return parse


def _share(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    share = float(match[1]) / 100 if match else -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"0% to 100% expected, not '{text}'")
    return share


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"seconds expected, not '{text}'")
    return seconds


def _moment(text: str) -> datetime | None:
    """Return the time, None for `now`."""
    if text == "now":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a time or 'now' expected, not '{text}'") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
