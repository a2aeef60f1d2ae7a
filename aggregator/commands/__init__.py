"""CLI commands: one module each with `run(config, argv) -> exit status`, imported on demand."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from importlib.util import find_spec


class OutputMode(enum.Enum):
    """The output of a command: log lines, plain text, or text for a terminal."""

    LOG = enum.auto()
    TEXT = enum.auto()
    PERSON = enum.auto()


@dataclass(frozen=True, slots=True)
class Command:
    """A command; those of the Go service are told in `help` in its words, ours by `summary`."""

    module: str
    output: OutputMode
    summary: str = ""


_SERVICE = Command(".start_service", OutputMode.LOG)
_HELP = Command(".help", OutputMode.TEXT)
_MIGRATION = Command(".migration", OutputMode.LOG)

COMMANDS = {
    "": _SERVICE,
    "start-service": _SERVICE,
    "start-worker": Command(".start_worker", OutputMode.LOG),
    "help": _HELP,
    "print-help": _HELP,
    "print-config": Command(".print_config", OutputMode.TEXT),
    "print-env": Command(".print_env", OutputMode.TEXT),
    "print-version-info": Command(".print_version_info", OutputMode.LOG),
    "migration": _MIGRATION,
    "migrations": _MIGRATION,
    "migrate": _MIGRATION,
    "dev": Command(".dev", OutputMode.PERSON, "serves the API with sample data, no server needed"),
    "produce": Command(".produce", OutputMode.PERSON, "sends messages from files to the topic"),
    "replay": Command(".replay", OutputMode.PERSON, "sends dead letters to the topic again"),
    "cleanup": Command(
        ".cleanup", OutputMode.PERSON, "shows, or deletes, what is older than an age"
    ),
    "lag": Command(".lag", OutputMode.PERSON, "shows how far behind the consumer group is"),
}


def find(name: str) -> Command | None:
    """Return the command, nothing if there is none or this build does not have it."""
    command = COMMANDS.get(name)
    if command is None or find_spec(command.module, __name__) is None:
        return None
    return command
