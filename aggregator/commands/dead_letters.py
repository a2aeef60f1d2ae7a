"""`dead-letters`: lists, shows, exports and edits the messages of the dead-letter topic."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from ..config.checks import kafka_name
from ..config.options import Config
from ..errors import AggregatorError, InvalidInput
from ..escaping import printable_json
from ..export.places import Folder
from ..ingest.dead_letter import DeadLetter
from ..ingest.kafka import factory
from ..ingest.kafka.admin import Brokers, open_brokers
from ..ingest.kafka.producer import Outgoing, Sender
from . import arguments, letter_text, repair, replay_options, targets, terminal

DONE, FAILED, NOT_SENT, INTERRUPTED = 0, 1, 3, 130
LISTED = 100
STATUS = """\
Exit status: 0 done, 1 failure, 2 wrong usage, 3 the message was not sent because it is unchanged,
still invalid or old, 130 interrupted."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Look at the invalid messages in the dead-letter topic, save them, or repair one and send "
        "it again. `replay` sends many as they are.",
        "dead-letters list --kind json --since 2h",
        "dead-letters show 0:42",
        "dead-letters export ./letters --kind schema",
        "dead-letters edit 0:42",
        status=STATUS,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="list them: place, time, kind, origin, error")
    replay_options.add_choice(listed)
    listed.set_defaults(limit=LISTED)
    saved = actions.add_parser("export", help="save each as a file, with an index")
    saved.add_argument("target", metavar="DIR", help="this folder; it is created")
    replay_options.add_choice(saved)
    shown = actions.add_parser("show", help="show one: error, origin, headers, payload")
    _add_place(shown)
    shown.add_argument("--raw", action="store_true",
                       help="write only the value, byte for byte; not to a terminal")  # fmt: skip
    edited = actions.add_parser("edit", help="repair one in $VISUAL or $EDITOR and send it again")
    _add_place(edited)
    edited.add_argument("--file", default="", metavar="FILE", help="take the value from this file")
    edited.add_argument("--to", default="", metavar="TOPIC",
                        help="send here (default: the topic it came from)")  # fmt: skip
    edited.add_argument("--force", action="store_true",
                        help="send it although it is still invalid, or old")  # fmt: skip
    arguments.add_yes(edited)
    for action in (listed, saved, shown, edited):
        action.epilog = STATUS
        arguments.add_broker(action)
        arguments.add_json(action)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", type=replay_options.place_of, metavar="PARTITION:OFFSET",
                        help="where it is in the dead-letter topic")  # fmt: skip
    replay_options.add_source(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    config = arguments.with_broker(config, options)
    terminal.hush()
    if options.action in ("list", "export"):
        options.choice = replay_options.choice_of(options)
    elif options.action == "show" and options.raw and sys.stdout.isatty():
        raise arguments.UsageError("--raw is for a file or a pipe, not for a terminal")
    try:
        topic = replay_options.source_of(config, options)
        targets.name_broker(config.broker, dead_letters=topic)
        return _ACTIONS[options.action](config, topic, options)
    except AggregatorError as error:
        terminal.say(f"dead-letters: {error}")
        return FAILED


def _list(config: Config, topic: str, options: argparse.Namespace) -> int:
    letters, more = asyncio.run(_collect(config, topic, options))
    if options.json:
        print(printable_json(json.dumps([letter_text.summary(one) for one in letters], indent=2)))
    else:
        numbers = ("offset", "bytes")
        table = terminal.table(None, "partition", "offset", "written (UTC)", "kind", "origin",
                               "bytes", "error", numbers=numbers)  # fmt: skip
        for one in letters:
            record = one.record
            cells = (f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind or "-", letter_text.origin(one))
            size = str(len(record.value or b""))
            terminal.add_row(
                table, str(record.partition), str(record.offset), *cells, size, one.error
            )
        terminal.show(table)
    if more:
        terminal.say(f"only the first {options.limit} are listed (--limit)")
    return DONE


async def _collect(
    config: Config, topic: str, options: argparse.Namespace
) -> tuple[list[DeadLetter], bool]:
    """Return the selected dead letters, and whether there are more than the limit."""
    found: list[DeadLetter] = []
    async with aclosing(_selected(config, topic, options)) as letters:
        async for letter in letters:
            if 0 < options.limit == len(found):
                return found, True
            found.append(letter)
    return found, False


async def _selected(
    config: Config, topic: str, options: argparse.Namespace
) -> AsyncGenerator[DeadLetter, None]:
    async with open_brokers(config.broker) as brokers:
        first, ends = await brokers.bounds(await brokers.partitions(topic))
        for place in first:
            first[place] = max(first[place], options.choice.offsets.get(place.partition, 0))
        async for records in brokers.records(first, ends):
            for letter in map(DeadLetter.read, records):
                if options.choice.takes(letter):
                    yield letter


def _export(config: Config, topic: str, options: argparse.Namespace) -> int:
    count = asyncio.run(_save(config, topic, options))
    if options.json:
        print(json.dumps({"folder": options.target, "dead_letters": count}))
    else:
        print(f"{count} dead letters saved, index.jsonl lists them")
    return DONE


async def _save(config: Config, topic: str, options: argparse.Namespace) -> int:
    folder, count = Folder(Path(options.target)), 0
    selected = _selected(config, topic, options)
    async with aclosing(selected) as letters:
        with folder.create("index.jsonl") as index:
            async for letter in letters:
                if 0 < options.limit == count:
                    break
                index.write(json.dumps(_save_one(folder, letter)).encode() + b"\n")
                count += 1
    return count


def _save_one(folder: Folder, letter: DeadLetter) -> dict[str, Any]:
    """Save the value, and return what the index says of it."""
    name = f"{letter.record.partition}-{letter.record.offset}.json"
    if letter.record.value is None:
        return letter_text.summary(letter) | {"file": None}
    with folder.create(name) as stream:
        stream.write(letter.record.value)
    return letter_text.summary(letter) | {"file": name}


def _show(config: Config, topic: str, options: argparse.Namespace) -> int:
    letter = asyncio.run(_fetch(config, topic, options.place))
    maximum = config.broker.maximum_unpacked_size
    if options.raw:
        sys.stdout.buffer.write(letter.record.value or b"")
    elif options.json:
        document = letter_text.summary(letter) | {
            "headers": letter_text.headers(letter),
            "value": letter_text.payload(letter.record.value, maximum),
        }
        print(printable_json(json.dumps(document, indent=2)))
    else:
        print(letter_text.whole(letter, maximum))
    return DONE


async def _fetch(config: Config, topic: str, place: tuple[int, int]) -> DeadLetter:
    """Return the dead letter at this place; raise InvalidInput without one."""
    async with open_brokers(config.broker) as brokers:
        partitions = await brokers.partitions(topic)
        record = await _record(brokers, partitions, TopicPartition(topic, place[0]), place[1])
    return DeadLetter.read(record)


async def _record(
    brokers: Brokers, partitions: Sequence[TopicPartition], at: TopicPartition, offset: int
) -> Any:
    if at in partitions:
        first, ends = await brokers.bounds([at])
        if first[at] <= offset < ends[at]:
            found = [
                record
                async for records in brokers.records({at: offset}, {at: offset + 1})
                for record in records
                if record.offset == offset
            ]
            if found:
                return found[0]
    raise InvalidInput(f"there is no dead letter {at.topic}/{at.partition}/{offset}")


def _edit(config: Config, topic: str, options: argparse.Namespace) -> int:
    letter = asyncio.run(_fetch(config, topic, options.place))
    to = options.to or letter.origin.topic
    if not to or kafka_name(to):
        raise InvalidInput("it names no topic to send it to (--to names one)")
    offered = letter_text.editable(letter.record.value, config.broker.maximum_unpacked_size)
    file = Path(options.file) if options.file else repair.edited(offered)
    try:
        value = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"--file: cannot read '{file}': {error.strerror}") from None
    if not options.file and value == offered:
        file.unlink()
        terminal.say("the message is unchanged, so it was not sent")
        return NOT_SENT
    try:
        reason = asyncio.run(repair.reason_not_to_send(config, to, value))
        if reason and not options.force:
            terminal.say(f"not sent: {reason} (--force sends it)")
            _keep(file, options)
            return NOT_SENT
        if reason:
            terminal.say(f"sent although: {reason}")
        terminal.confirm(f"send it to topic {to}?", yes=options.yes)
        asyncio.run(_send(config, to, letter, value))
    except BaseException:
        _keep(file, options)
        raise
    if not options.file:
        file.unlink()
    print(json.dumps({"topic": to, "bytes": len(value)}) if options.json else f"sent to {to}")
    return DONE


def _keep(file: Path, options: argparse.Namespace) -> None:
    if not options.file:
        terminal.say(f"the edited message is kept: --file {file}")


async def _send(config: Config, to: str, letter: DeadLetter, value: bytes) -> None:
    sender = Sender(factory.producer(config.broker))
    original = letter.message()
    message = Outgoing(value, original.key, original.headers)
    try:
        await sender.start()
        if await sender.send(to, [message], letter.origin.partition or 0):
            raise AggregatorError(f"topic {to} takes no message of {len(value)} bytes")
    finally:
        await sender.stop()


_ACTIONS = {"list": _list, "export": _export, "show": _show, "edit": _edit}
