"""Command line options that select dead letters, and those of `replay`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..config.options import Config
from ..errors import ConfigError
from ..ingest.dead_letter import KINDS, DeadLetter
from .arguments import UsageError, add_broker, add_json, add_yes, describe, moment, natural

STATUS = """\
Exit status: 0 all selected dead letters are sent, 1 failure, 2 wrong usage, 3 some dead letters
cannot be sent, 130 interrupted."""
_BEGIN = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters: all conditions must hold; `since` is included, `until` is not.

    `offsets` are those of the dead-letter topic to begin at, by partition.
    """

    kinds: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    offset: int | None = None
    offsets: Mapping[int, int] = field(default_factory=dict)

    def takes(self, letter: DeadLetter) -> bool:
        """Return True if the letter is chosen."""
        return (
            (not self.kinds or letter.kind in self.kinds)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
            and (self.partition is None or letter.origin.partition == self.partition)
            and (self.offset is None or letter.origin.offset == self.offset)
        )


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that select dead letters."""
    add = parser.add_argument
    add("--kind", action="append", default=[], choices=KINDS, metavar="KIND",
        help=f"only of this kind (x-error-kind); repeatable: {', '.join(KINDS)}")  # fmt: skip
    add("--since", type=moment, metavar="TIME",
        help="written at or after: ISO 8601 (UTC without a zone), or 90m, 2h, 7d ago")  # fmt: skip
    add("--until", type=moment, metavar="TIME", help="written before")
    add("--partition", type=natural, metavar="N", help="the partition the message was in")
    add("--offset", type=natural, metavar="N",
        help="the offset the message had there; needs --partition")  # fmt: skip
    add("--limit", type=natural, default=0, metavar="N", help="this many at most (0: all)")
    add("--begin", type=_begin, nargs="+", default=[], metavar="PARTITION:OFFSET",
        help="where to begin in the dead-letter topic, as an earlier run has printed")  # fmt: skip
    add_source(parser)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add `--from`, the topic of dead letters."""
    parser.add_argument(
        "--from", dest="source", default="", metavar="TOPIC",
        help="the dead-letter topic (default: broker.dead_letter_queue_topic)",
    )  # fmt: skip


def choice_of(options: argparse.Namespace) -> Choice:
    """Return what the options select; raise UsageError."""
    if options.offset is not None and options.partition is None:
        raise UsageError("--offset needs --partition")
    return Choice(
        kinds=frozenset(options.kind),
        since=options.since,
        until=options.until,
        partition=options.partition,
        offset=options.offset,
        offsets=dict(options.begin),
    )


def source_of(config: Config, options: argparse.Namespace) -> str:
    """Return the dead-letter topic; raise ConfigError without one."""
    topic: str = options.source or config.broker.dead_letter_queue_topic
    if not topic:
        raise ConfigError("broker.dead_letter_queue_topic is empty, and there is no --from")
    return topic


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `replay`."""
    describe(
        parser,
        "Send dead letters to the topic they come from: key, value and headers as they were, and "
        "x-replayed-from. A dead letter stays where it is and may be sent again: an older or "
        "equal report changes nothing. Dead letters written after the start are not sent.",
        "replay --dry-run --since 2h",
        "replay --kind allow_list --since 2026-03-01T10:00:00Z --yes",
        status=STATUS,
    )
    add_choice(parser)
    add = parser.add_argument
    add("--to", default="", metavar="TOPIC", help="send here (default: each one's own topic)")
    add("--dry-run", action="store_true", help="only show what would be sent")
    add_broker(parser)
    add_yes(parser)
    add_json(parser)


def place_of(text: str) -> tuple[int, int]:
    """Return partition and offset of `PARTITION:OFFSET`; raise ArgumentTypeError."""
    return _begin(text)


def _begin(text: str) -> tuple[int, int]:
    found = _BEGIN.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"PARTITION:OFFSET expected, not {text!r}")
    return int(found[1]), int(found[2])
