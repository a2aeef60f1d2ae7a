"""`produce`: sends messages from files, folders or standard input to the topic."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AggregatorError, ConfigError
from ..escaping import printable
from ..ingest.kafka.factory import producer
from ..ingest.kafka.producer import Outgoing, Sender
from . import arguments, targets, terminal

if TYPE_CHECKING:
    from ..config.options import Config

LANES = 64
AT_ONCE = 1000
IN_FOLDERS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_CLUSTER = re.compile(rb'"ClusterName"\s*:\s*"([^"]*)"')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Send messages from files, folders or standard input to the topic, byte for byte. "
        "Messages of a cluster go to one partition, in order. The broker is that of the "
        "configuration, also beside a running `dev`, which prints the --broker of its own.",
        "produce fixtures/messages/ocp",
        "produce --broker 127.0.0.1:41913 message.json more.jsonl.gz",
        "produce --topic ccx.ocp.results - < messages.jsonl",
    )
    parser.add_argument("--topic", default="", help="the topic (default: broker.topic)")
    arguments.add_broker(parser)
    arguments.add_json(parser)
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="FILE|DIR|-",
        help="a file is one message, or one a line if it is called .jsonl; of a folder, all *.json "
        "and *.jsonl; .gz files are decompressed; of standard input, every line",
    )


def run(config: Config, options: argparse.Namespace) -> int:
    """Produce what the arguments name; return the exit status."""
    config = arguments.with_broker(config, options)
    topic = options.topic or config.broker.topic
    terminal.hush()
    try:
        if not topic:
            raise ConfigError("broker.topic is empty, and there is no --topic")
        targets.name_broker(config.broker, topic=topic)
        messages = (message for source in options.sources for message in read(source))
        count = asyncio.run(_produce(config, topic, messages))
    except (AggregatorError, OSError) as error:
        terminal.say(f"produce: {error}")
        return 1
    if options.json:
        print(json.dumps({"topic": topic, "messages": count}))
    else:
        print(f"{count} message{'' if count == 1 else 's'} produced into {printable(topic)}")
    return 0


def read(source: str) -> Iterator[bytes]:
    """Yield the messages of a source, byte for byte. Raise OSError."""
    if source == "-":
        yield from _lines(sys.stdin.buffer)
        return
    path = Path(source)
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.name.endswith(IN_FOLDERS):
                yield from read(str(file))
        return
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            if ".jsonl" in path.suffixes[-2:]:
                yield from _lines(stream)
            else:
                yield stream.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(f"{source}: {error}") from error


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    return (line.rstrip(b"\r\n") for line in stream if line.strip())


async def _produce(config: Config, topic: str, messages: Iterator[bytes]) -> int:
    sender = Sender(producer(config.broker))
    count = 0
    try:
        await sender.start()
        with terminal.progress() as bar:
            task = bar.add_task(topic, total=None)
            while some := list(islice(messages, AT_ONCE)):
                await send(sender, topic, some)
                count += len(some)
                bar.update(task, completed=count)
    finally:
        await sender.stop()
    return count


async def send(sender: Sender, topic: str, messages: Iterable[bytes]) -> None:
    """Send the messages; those of one cluster go to one partition, so that they stay in order."""
    lanes: dict[int, list[Outgoing]] = {}
    for message in messages:
        name = _CLUSTER.search(message)
        lane = zlib.crc32(name[1]) % LANES if name else 0
        lanes.setdefault(lane, []).append(Outgoing(message))
    for lane, outgoing in lanes.items():
        if too_large := await sender.send(topic, outgoing, lane):
            raise AggregatorError(f"the broker takes no message as large as {len(too_large)} were")
