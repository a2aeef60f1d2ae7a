"""The commands: one module each, with `run(config, argv) -> exit status`, imported on demand."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from importlib.util import find_spec


class Voice(enum.Enum):
    """How a command speaks: in log lines, in plain text, or to a person at a terminal."""

    LOG = enum.auto()
    TEXT = enum.auto()
    PERSON = enum.auto()


@dataclass(frozen=True, slots=True)
class Command:
    """A command; those of the reference are told in `help` in its words, ours by `summary`."""

    module: str
    voice: Voice
    summary: str = ""


_SERVICE = Command(".start_service", Voice.LOG)
_HELP = Command(".help", Voice.TEXT)
_MIGRATION = Command(".migration", Voice.LOG)

COMMANDS = {
    "": _SERVICE,
    "start-service": _SERVICE,
    "start-worker": Command(".start_worker", Voice.LOG),
    "help": _HELP,
    "print-help": _HELP,
    "print-config": Command(".print_config", Voice.TEXT),
    "print-env": Command(".print_env", Voice.TEXT),
    "print-version-info": Command(".print_version_info", Voice.LOG),
    "migration": _MIGRATION,
    "migrations": _MIGRATION,
    "migrate": _MIGRATION,
    "dev": Command(".dev", Voice.PERSON, "serves the API with sample data, no server needed"),
    "produce": Command(".produce", Voice.PERSON, "sends messages from files to the topic"),
    "replay": Command(".replay", Voice.PERSON, "sends dead letters to the topic again"),
    "cleanup": Command(".cleanup", Voice.PERSON, "shows, or deletes, what is older than an age"),
    "lag": Command(".lag", Voice.PERSON, "shows how far behind the consumer group is"),
}


def find(name: str) -> Command | None:
    """Return the command, nothing if there is none or this build does not have it."""
    command = COMMANDS.get(name)
    if command is None or find_spec(command.module, __name__) is None:
        return None
    return command
