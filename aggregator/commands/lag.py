"""`lag`: prints the lag of the consumer groups."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from aiokafka import TopicPartition
from rich.table import Table

from ..config.options import Config
from ..errors import AggregatorError, ConfigError
from ..ingest.consumers import sources
from ..ingest.kafka.admin import Brokers, open_brokers
from . import arguments, targets, terminal

UNKNOWN, NOBODY = "?", "-"
WATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Behind:
    """A partition: `committed` is None before the first commit, `member` None where not told."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    member: str | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Show how many messages of each partition the consumer group has yet to handle. Nothing "
        "is changed, and the group does not notice.",
        "lag",
        "lag --watch 5",
        "lag --topic ccx.ocp.results --group aggregator --json",
    )
    add = parser.add_argument
    add("--topic", action="append",
        help="this topic (default: those of the configuration); repeatable")  # fmt: skip
    add("--group", default="", help="this group (default: that of the configuration)")
    add("--watch", type=_interval, nargs="?", const=WATCH_SECONDS, metavar="SECONDS",
        help=f"show it again and again until Ctrl-C (every {WATCH_SECONDS:g} seconds if not "
        "given); with --json one line each time")  # fmt: skip
    arguments.add_broker(parser)
    arguments.add_json(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    """Show the table; return 1 when the brokers cannot tell."""
    config = arguments.with_broker(config, options)
    terminal.hush()
    wanted = _wanted(config, options.topic, options.group)
    try:
        if not all(wanted):
            raise ConfigError("broker.topic is empty, and there is no --topic")
        for topic, group in wanted.items():
            targets.name_broker(config.broker, topic=topic, group=group)
        asyncio.run(_run(config, options, wanted))
    except AggregatorError as error:
        terminal.say(f"lag: {error}")
        return 1
    return 0


def _wanted(config: Config, named: Sequence[str] | None, group: str) -> dict[str, str]:
    """Return the topics to look at, each with the group that reads it."""
    configured = dict(sources(config))
    return {
        topic: group or configured.get(topic, config.broker.group) for topic in named or configured
    }


def _interval(text: str) -> float:
    interval = arguments.seconds(text)
    if not interval:
        raise argparse.ArgumentTypeError("more than 0 seconds expected")
    return interval


async def _run(config: Config, options: argparse.Namespace, wanted: Mapping[str, str]) -> None:
    from_start = config.broker.auto_offset_reset == "earliest"
    async with open_brokers(config.broker) as brokers:
        found = await _behind(brokers, wanted, from_start=from_start)
        if options.watch is None:
            _print(found, options, indent=2)
            return
        with terminal.until_interrupted() as interrupted, terminal.live() as screen:
            while not interrupted.is_set():
                if screen is None:
                    _print(found, options, indent=None)
                    sys.stdout.flush()
                else:
                    screen.update(_table(found), refresh=True)
                with suppress(TimeoutError):
                    await asyncio.wait_for(interrupted.wait(), options.watch)
                    return
                found = await _behind(brokers, wanted, from_start=from_start)


async def _behind(brokers: Brokers, wanted: Mapping[str, str], *, from_start: bool) -> list[Behind]:
    found = []
    for topic, group in wanted.items():
        places = await brokers.partitions(topic)
        found += await _measure(brokers, places, group, from_start=from_start)
    return found


async def _measure(
    brokers: Brokers, places: Sequence[TopicPartition], group: str, *, from_start: bool
) -> list[Behind]:
    committed = await brokers.committed(group, places)
    members = await brokers.members(group)
    # asked for last, so that no lag is negative
    first, ends = await brokers.bounds(places)
    start = first if from_start else ends
    # what is no longer kept cannot be behind
    begin = {place: max(committed.get(place, start[place]), first[place]) for place in places}
    begin = await brokers.next_messages(begin, ends)
    found = []
    for place in places:
        found.append(
            Behind(
                group=group,
                topic=place.topic,
                partition=place.partition,
                committed=committed.get(place),
                end=ends[place],
                lag=max(0, ends[place] - begin[place]),
                member=None if members is None else members.get(place, ""),
            )
        )
    return found


def _print(found: Sequence[Behind], options: argparse.Namespace, *, indent: int | None) -> None:
    if options.json:
        total = sum(each.lag for each in found)
        rows = [asdict(each) for each in found]
        print(json.dumps({"partitions": rows, "lag": total}, indent=indent))
    else:
        terminal.show(_table(found))


def _table(found: Sequence[Behind]) -> Table:
    numbers = ("partition", "committed", "end", "lag")
    shown = terminal.table(None, "group", "topic", *numbers, "member", numbers=numbers)
    for each in found:
        member = UNKNOWN if each.member is None else each.member or NOBODY
        committed = NOBODY if each.committed is None else str(each.committed)
        cells = (str(each.partition), committed, str(each.end), str(each.lag))
        style = "yellow" if each.lag else ""
        terminal.add_row(shown, each.group, each.topic, *cells, member, style=style)
    terminal.add_row(shown, "total", "", "", "", "", str(sum(each.lag for each in found)), "")
    return shown
