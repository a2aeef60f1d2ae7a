"""`lag`: prints the lag of the consumer groups."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from aiokafka import TopicPartition

from ..config.options import Config
from ..errors import AggregatorError, ConfigError
from ..ingest.consumers import sources
from ..ingest.kafka.admin import Brokers, asking
from . import terminal

UNKNOWN, NOBODY = "?", "-"


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


def run(config: Config, argv: Sequence[str]) -> int:
    """Show the table; return 1 when the brokers cannot tell."""
    options = _options(argv)
    terminal.hush()
    wanted = _wanted(config, options.topic, options.group)
    try:
        if not all(wanted):
            raise ConfigError("broker.topic is empty, and there is no --topic")
        found = asyncio.run(_behind(config, wanted))
    except AggregatorError as error:
        terminal.say(f"lag: {error}")
        return 1
    if options.json:
        total = sum(each.lag for each in found)
        rows = [asdict(each) for each in found]
        print(json.dumps({"partitions": rows, "lag": total}, indent=2))
    else:
        _show(found)
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="insights-results-aggregator lag",
        description="Show how many messages of each partition the consumer group has yet to "
        "handle. Nothing is changed, and the group does not notice.",
    )
    parser.add_argument(
        "--topic", action="append", help="another topic than those of the configuration; repeatable"
    )
    parser.add_argument("--group", default="", help="another group than those of the configuration")
    parser.add_argument("--json", action="store_true", help="for programs instead of people")
    return parser.parse_args(argv)


def _wanted(config: Config, named: Sequence[str] | None, group: str) -> dict[str, str]:
    """Return the topics to look at, each with the group that reads it."""
    configured = dict(sources(config))
    return {
        topic: group or configured.get(topic, config.broker.group) for topic in named or configured
    }


async def _behind(config: Config, wanted: Mapping[str, str]) -> list[Behind]:
    from_start = config.broker.auto_offset_reset == "earliest"
    found = []
    async with asking(config.broker) as brokers:
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


def _show(found: Sequence[Behind]) -> None:
    numbers = ("partition", "committed", "end", "lag")
    shown = terminal.table(None, "group", "topic", *numbers, "member", numbers=numbers)
    for each in found:
        member = UNKNOWN if each.member is None else each.member or NOBODY
        committed = NOBODY if each.committed is None else str(each.committed)
        cells = (str(each.partition), committed, str(each.end), str(each.lag))
        terminal.add_row(shown, each.group, each.topic, *cells, member)
    terminal.add_row(shown, "total", "", "", "", "", str(sum(each.lag for each in found)), "")
    terminal.show(shown)
