"""`replay`: dead letters back into the topic that they come from, as the messages they were."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition

from ..config.checks import kafka_name
from ..config.options import Config
from ..errors import AggregatorError, InvalidInput
from ..escaping import printable_json
from ..ingest.dead_letter import DeadLetter
from ..ingest.kafka import factory
from ..ingest.kafka.admin import Brokers, open_brokers
from ..ingest.kafka.producer import Outgoing, Sender
from . import arguments, replay_options, targets, terminal
from .replay_options import Choice, add_options

__all__ = ["add_options", "run"]

DONE, FAILED, INCOMPLETE, INTERRUPTED = 0, 1, 3, 130
# more are counted, not listed
LISTED = 10

OMITTED = "its value was too large for the dead-letter topic"
HOMELESS = "it does not tell its topic (--to names one)"
NAMELESS = "no topic can have the name that it tells (--to names one)"
MISSING = "topic '{}' does not exist, or may not be read (--to names another one)"
TOO_LARGE = "the topic takes no message as large"


@dataclass
class Account:
    """What has been done so far; `next` is where a later run may begin."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: list[tuple[DeadLetter, str]] = field(default_factory=list)
    next: dict[TopicPartition, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def chosen(self) -> int:
        """Return how many letters the choice has met."""
        return self.sent.total() + len(self.left)


class Topics:
    """The topics of the broker; each is looked up once, before anything is sent to it."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._known: dict[str, bool] = {}

    async def exists(self, name: str) -> bool:
        """Return True if messages can be sent to the topic."""
        if name not in self._known:
            try:
                self._known[name] = bool(await self._brokers.partitions(name))
            except InvalidInput:
                self._known[name] = False
        return self._known[name]


def run(config: Config, options: argparse.Namespace) -> int:
    """Send the chosen letters; return 0, 1 on failure, 3 when some cannot be sent, 130 on ^C."""
    config = arguments.with_broker(config, options)
    options.choice = replay_options.choice_of(options)
    terminal.hush()
    account = Account()
    try:
        topic = replay_options.source_of(config, options)
        to = options.to or "the topic of each dead letter"
        targets.name_broker(config.broker, dead_letters=topic, to=to)
        if not options.dry_run:
            terminal.confirm("send the selected dead letters again?", yes=options.yes)
        asyncio.run(_replay(config, topic, options, account))
    except AggregatorError as error:
        terminal.say(f"replay: {error}")
        if account.sent:
            _tell(options, account)
        return FAILED
    _tell(options, account)
    if account.interrupted:
        return INTERRUPTED
    return INCOMPLETE if account.left else DONE


async def _replay(
    config: Config, topic: str, options: argparse.Namespace, account: Account
) -> None:
    sender = None if options.dry_run else Sender(factory.producer(config.broker))
    try:
        async with open_brokers(config.broker) as brokers:
            if sender is not None:
                await sender.start()
            with terminal.until_interrupted() as interrupted:
                await _run(brokers, topic, options, sender, account, interrupted)
            account.interrupted = interrupted.is_set()
    finally:
        if sender is not None:
            await sender.stop()


async def _run(
    brokers: Brokers,
    topic: str,
    options: argparse.Namespace,
    sender: Sender | None,
    account: Account,
    interrupted: asyncio.Event,
) -> None:
    """Read the topic up to its present end; later dead letters are left for the next run."""
    first, ends = await brokers.bounds(await brokers.partitions(topic))
    topics = Topics(brokers)
    if options.to and not await topics.exists(options.to):
        raise InvalidInput(f"--to: topic '{options.to}' does not exist, or may not be read")
    for place in first:
        first[place] = max(first[place], options.choice.offsets.get(place.partition, 0))
    account.next = dict(first)
    with terminal.progress() as bar:
        task = bar.add_task(topic, total=sum(max(0, ends[at] - first[at]) for at in first))
        async for records in brokers.records(first, ends):
            await _handle(records, options, sender, account, topics)
            bar.update(task, completed=sum(account.next[at] - first[at] for at in first))
            if interrupted.is_set() or 0 < options.limit <= account.chosen:
                return
    account.next = {place: max(first[place], ends[place]) for place in first}


async def _handle(
    records: Sequence[ConsumerRecord],
    options: argparse.Namespace,
    sender: Sender | None,
    account: Account,
    topics: Topics,
) -> None:
    """Send what is chosen of the records; they count as read when it is acknowledged."""
    choice: Choice = options.choice
    room = options.limit - account.chosen if options.limit else len(records)
    chosen: list[DeadLetter] = []
    position = {}
    for record in records:
        if len(chosen) == room:
            break
        letter = DeadLetter.read(record)
        position[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if choice.takes(letter):
            chosen.append(letter)
    await _send(chosen, options.to, sender, account, topics)
    account.next |= position


async def _send(
    letters: Sequence[DeadLetter],
    to: str,
    sender: Sender | None,
    account: Account,
    topics: Topics,
) -> None:
    # one lane for what came from one partition: there it goes back to, in its order
    lanes: defaultdict[tuple[str, int], list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        topic = to or letter.origin.topic
        if letter.value_omitted or not topic or kafka_name(topic):
            named = NAMELESS if topic else HOMELESS
            account.left.append((letter, OMITTED if letter.value_omitted else named))
        elif not await topics.exists(topic):
            account.left.append((letter, MISSING.format(topic)))
        else:
            lanes[topic, letter.origin.partition or 0].append(letter)
    for (topic, lane), group in lanes.items():
        messages: list[Outgoing] = [letter.message() for letter in group]
        too_large = await sender.send(topic, messages, lane) if sender is not None else []
        account.left += [(group[at], TOO_LARGE) for at in too_large]
        refused = set(too_large)
        account.sent.update(
            (letter.kind, topic) for at, letter in enumerate(group) if at not in refused
        )


def _tell(options: argparse.Namespace, account: Account) -> None:
    """Print how many letters of which kind went where, and which did not."""
    if options.json:
        _print_json(options, account)
    else:
        _print_table(options, account)
    for letter, reason in account.left[:LISTED]:
        terminal.say(f"not sent: {_place(letter)}: {reason}")
    if len(account.left) > LISTED:
        terminal.say(f"not sent: {len(account.left) - LISTED} more")
    if account.interrupted:
        terminal.say("interrupted; nothing is half sent")
    if account.chosen and not options.dry_run:
        begin = " ".join(f"{at.partition}:{offset}" for at, offset in sorted(account.next.items()))
        terminal.say(f"to go on behind these the next time: --begin {begin}")


def _print_json(options: argparse.Namespace, account: Account) -> None:
    document = {
        "applied": not options.dry_run,
        "interrupted": account.interrupted,
        "dead_letters": [
            {"kind": kind, "topic": topic, "count": count}
            for (kind, topic), count in sorted(account.sent.items())
        ],
        "total": account.sent.total(),
        "not_sent": [
            {
                "partition": letter.record.partition,
                "offset": letter.record.offset,
                "reason": reason,
            }
            for letter, reason in account.left
        ],
    }
    print(printable_json(json.dumps(document, indent=2)))


def _print_table(options: argparse.Namespace, account: Account) -> None:
    title = "would be sent" if options.dry_run else "sent"
    shown = terminal.table(title, "error kind", "topic", "letters", numbers=("letters",))
    for (kind, topic), count in sorted(account.sent.items()):
        terminal.add_row(shown, kind or "not told", topic, str(count))
    terminal.add_row(shown, "total", "", str(account.sent.total()))
    terminal.show(shown)


def _place(letter: DeadLetter) -> str:
    record = letter.record
    origin = f" (was {letter.origin})" if letter.origin.topic else ""
    return f"letter {record.topic}/{record.partition}/{record.offset}{origin}"
