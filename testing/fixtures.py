"""Fixtures: the shipped messages, and data sets of any size generated from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from .invalid_messages import FAULTS, broken
from .messages import (
    FIRST_ORGANIZATION,
    START,
    STEP,
    dvo_messages,
    ocp_messages,
)

KINDS = ("ocp", "dvo")
# a larger fleet is generated in pieces, to limit memory
FLEET = 20_000


def fixtures_dir() -> Path:
    """Return the folder with `messages/`; it is data only, so an installed copy is a folder too."""
    here = Path(__file__).parent
    checkout = here.parent / "fixtures"
    return checkout if (checkout / "messages").is_dir() else here / "data"


def shipped_messages(kind: str) -> dict[str, bytes]:
    """Return the shipped messages of a kind (`ocp`, `dvo`, `bad`) by situation, in order."""
    files = sorted((fixtures_dir() / "messages" / kind).glob("*.json"))
    return {file.stem: file.read_bytes() for file in files}


@dataclass(frozen=True, slots=True)
class GeneratedMessage:
    """A message of a kind (`ocp`, `dvo`); `fault` names what is wrong with it, if something is."""

    kind: str
    value: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A generated data set: equal parameters give equal bytes.

    `rounds` is how often every cluster reports. `bad` is the share of broken messages, which come
    beside the good ones, evenly spread, their `faults` (all, when none is named) in turn.
    """

    seed: int = 1
    kinds: tuple[str, ...] = ("ocp",)
    organizations: int = 10
    clusters: int = 1000
    rounds: int = 1
    bad: float = 0.0
    faults: tuple[str, ...] = ()
    start: datetime = START
    step: timedelta = STEP
    first_organization: int = FIRST_ORGANIZATION

    def __post_init__(self) -> None:
        for fault in self.faults:
            if not any(fault in FAULTS[kind] for kind in self.kinds):
                raise ValueError(f"no message of kind {' or '.join(self.kinds)} has '{fault}'")

    def __len__(self) -> int:
        of_kind = self.clusters * self.rounds
        return len(self.kinds) * (of_kind + int(of_kind * self.bad))

    def __iter__(self) -> Iterator[GeneratedMessage]:
        """Yield the messages, one kind after the other."""
        for kind in self.kinds:
            yield from self._of_kind(kind)

    def _of_kind(self, kind: str) -> Iterator[GeneratedMessage]:
        wanted = [fault for fault in FAULTS[kind] if not self.faults or fault in self.faults]
        faults = cycle(wanted)
        for number, message in enumerate(self._good(kind)):
            yield GeneratedMessage(kind, message)
            if wanted and int((number + 1) * self.bad) > int(number * self.bad):
                fault = next(faults)
                yield GeneratedMessage(kind, broken(kind, fault, message), fault)

    def _good(self, kind: str) -> Iterator[bytes]:
        make = ocp_messages if kind == "ocp" else dvo_messages
        fleet = max(FLEET, self.organizations)
        for piece, begin in enumerate(range(0, self.clusters, fleet)):
            size = min(fleet, self.clusters - begin)
            messages = make(
                _seed_of_piece(self.seed, piece),
                clusters=size,
                organizations=self.organizations,
                start=self.start + self.step * begin * self.rounds,
                step=self.step,
                first_organization=self.first_organization,
            )
            yield from islice(messages, size * self.rounds)


def _seed_of_piece(seed: int, piece: int) -> int:
    """Return a seed for a piece of a fleet; the first one has the fleet's own.

    It is hashed, because `random` takes some numbers of several words for the same, as 2 and
    2 + 2**32.
    """
    if piece == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{piece}".encode()).digest()[:8])
