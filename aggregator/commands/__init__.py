"""CLI commands: one module each with `add_options(parser)` and `run(config, options)`.

Modules are imported on demand. `add_options` declares the arguments; `run` gets them parsed and
returns the exit status.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from importlib.util import find_spec

PROGRAM = "insights-results-aggregator"


class OutputMode(enum.Enum):
    """The output of a command: log lines, plain text, or text for a terminal."""

    LOG = enum.auto()
    TEXT = enum.auto()
    PERSON = enum.auto()


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `summary` is its line in `help`; the Go service's text has those of its own."""

    module: str
    output: OutputMode
    summary: str = ""
    # without a configuration: `run` gets the defaults
    configured: bool = True

    @property
    def of_go_service(self) -> bool:
        """Return True for a command of the Go service, which ignores unknown arguments."""
        return not self.summary


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
    "check-config": Command(
        ".check_config", OutputMode.PERSON, "connects to everything that is configured", False
    ),
    "db-status": Command(
        ".db_status", OutputMode.PERSON, "shows versions, sizes and settings of the databases"
    ),
    "healthcheck": Command(
        ".healthcheck", OutputMode.PERSON, "asks the running service if it is ready", False
    ),
    "convert-config": Command(
        ".convert_config", OutputMode.PERSON, "writes the configuration as YAML, TOML, env", False
    ),
    "completion": Command(
        ".completion", OutputMode.PERSON, "prints completions for bash, zsh, fish", False
    ),
    "dead-letters": Command(
        ".dead_letters", OutputMode.PERSON, "lists, shows, saves and repairs dead letters"
    ),
    "export": Command(".export", OutputMode.PERSON, "writes the tables to files or S3"),
    "lag": Command(".lag", OutputMode.PERSON, "shows how far behind the consumer group is"),
}
# not listed and not completed: started by the service itself
INTERNAL = ("", "start-worker")


def find(name: str) -> Command | None:
    """Return the command, nothing if there is none or this build does not have it."""
    command = COMMANDS.get(name)
    if command is None or find_spec(command.module, __name__) is None:
        return None
    return command
