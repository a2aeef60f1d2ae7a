"""Command line options of `replay`: filter of dead letters, target topic."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..ingest.dead_letter import DeadLetter

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
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


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options, `choice` among them; a mistake ends the program with status 2."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.offset is not None and options.partition is None:
        parser.error("--offset needs --partition")
    options.choice = Choice(
        kinds=frozenset(options.kind),
        since=options.since,
        until=options.until,
        partition=options.partition,
        offset=options.offset,
        offsets=dict(options.begin),
    )
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="insights-results-aggregator replay",
        description="Send dead letters to the topic they come from: key, value and headers as "
        "they were, and x-replayed-from. A letter stays where it is, and may be sent again: an "
        "older or equal report changes nothing. Letters written after the start are not sent.",
        epilog="Status: 0 all chosen letters are sent, 1 failure, 2 wrong usage, 3 some letters "
        "cannot be sent, 130 interrupted.",
    )
    add = parser.add_argument
    add("--kind", action="append", default=[], metavar="KIND", help="of x-error-kind; repeatable")
    add("--since", type=moment, metavar="TIME", help="written at or after: ISO 8601, or 2h ago")
    add("--until", type=moment, metavar="TIME", help="written before")
    add("--partition", type=natural, metavar="N", help="the partition the message was in")
    add("--offset", type=natural, metavar="N", help="the offset the message had there")
    add("--limit", type=natural, default=0, metavar="N", help="this many letters at most")
    add("--begin", type=_begin, nargs="+", default=[], metavar="PARTITION:OFFSET",
        help="where to begin in the dead-letter topic, as an earlier run has told")  # fmt: skip
    add("--to", default="", metavar="TOPIC", help="where to, if not to the topic of each letter")
    add("--from", dest="source", default="", metavar="TOPIC",
        help="the dead-letter topic, if not broker.dead_letter_queue_topic")  # fmt: skip
    add("--dry-run", action="store_true", help="only show what would be sent")
    return parser


def natural(text: str) -> int:
    """Return a number that is not negative; raise ArgumentTypeError."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a whole number expected, not {text!r}")
    return int(text)


def moment(text: str) -> datetime:
    """Return the time, which is UTC if it tells no zone; raise ArgumentTypeError."""
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"a time expected (2026-03-01T10:00:00Z, or 90m, 2h, 7d for so long ago), not {text!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _begin(text: str) -> tuple[int, int]:
    found = _BEGIN.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"PARTITION:OFFSET expected, not {text!r}")
    return int(found[1]), int(found[2])
