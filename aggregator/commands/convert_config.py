"""`convert-config`: writes a configuration as YAML, or for the Go service as TOML or variables."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import document, loading
from ..config.document import Document
from ..config.options import Config
from ..errors import AggregatorError
from . import arguments, terminal
from .print_config import NAMES, SECTIONS, yaml_line

OWNER_ONLY = 0o600


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Write the configuration in another form: a config.toml or the environment of the Go "
        "service as YAML with today's names, or back, for the Go service. YAML has the values "
        "that were given; TOML and environment have every option that the Go service knows, "
        "because its defaults are others. Passwords are written as they are.",
        "convert-config config.toml --output config.yaml",
        "convert-config config.yaml --to toml --output config.toml",
        "convert-config --to env",
    )
    add = parser.add_argument
    add("file", nargs="?", default="",
        help="the file to convert (default: the configuration of this process: file and "
        "environment; Clowder's part stays Clowder's)")  # fmt: skip
    add("--to", choices=("yaml", "toml", "env"), default="yaml",
        help="yaml, or for the Go service toml or env (for a shell) (default: yaml)")  # fmt: skip
    add("--output", default="", metavar="FILE",
        help="write here, readable by the owner only (default: standard output)")  # fmt: skip


def run(_config: Config, options: argparse.Namespace) -> int:
    """Convert; what has no counterpart goes to standard error."""
    config = loading.load_own(options.file)
    for line in (*config.warnings, *config.retired):
        terminal.say(f"left out: {line}")
    if options.to == "yaml":
        text = to_yaml(document.given(config))
    else:
        for line in lost(config):
            terminal.say(f"left out: {line}")
        text = (to_toml if options.to == "toml" else to_env)(of_go_service(config))
    if options.output:
        _write(Path(options.output), text)
    else:
        print(text, end="")
    return 0


def to_yaml(values: Document) -> str:
    """Return a YAML document."""
    lines = []
    for section, pairs in values.items():
        lines += [f"{section}:", *(f"  {yaml_line(key, value)}" for key, value in pairs.items())]
    return "".join(f"{line}\n" for line in lines)


def to_toml(values: Document) -> str:
    """Return a TOML document; JSON's strings, numbers and booleans are TOML's as well."""
    blocks = []
    for section, pairs in values.items():
        # but TOML wants this one control character escaped
        lines = (f"{key} = {json.dumps(value)}".replace("\x7f", "\\u007f")
                 for key, value in pairs.items())  # fmt: skip
        blocks.append("".join(f"{line}\n" for line in (f"[{section}]", *lines)))
    return "\n".join(blocks)


def to_env(values: Document) -> str:
    """Return lines NAME=VALUE for a shell; the Go service ignores empty values."""
    lines = []
    for section, pairs in values.items():
        for key, value in pairs.items():
            text = json.dumps(value) if isinstance(value, bool) else str(value)
            if text:
                name = loading.PREFIX + f"{section}__{key}".upper()
                lines.append(f"{name}={shlex.quote(text)}\n")
    return "".join(lines)


def of_go_service(config: Config) -> Document:
    """Return all options that the Go service has, with the values in effect."""
    values = document.values(config)
    return {
        section: {key: _of_go(values[section][key]) for key in _keys(section)}
        for section in SECTIONS
    }


def lost(config: Config) -> Iterator[str]:
    """Yield what the Go service has no counterpart for: our options, and values it refuses."""
    for section, pairs in document.given(config).items():
        known = _keys(section)
        for key in pairs:
            if key not in known:
                yield f"{section}.{key}: the Go service has no such option"
    for name in loading.STORAGES:
        storage = getattr(config, name)
        if storage.type == "sql" and storage.db_driver != "postgres":
            yield f"{name}.db_driver: the Go service supports PostgreSQL only"
    if len(config.storage_backend.use) > 1:
        yield "storage_backend.use: the Go service takes one backend a process"


def _keys(section: str) -> list[str]:
    names = NAMES["storage" if section.endswith("_storage") else section]
    return [option for option, _, _ in (pair.partition(":") for pair in names.split()) if option]


def _of_go(value: Any) -> Any:
    return ",".join(value) if isinstance(value, list) else value


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        # an existing file may be readable by others
        path.chmod(OWNER_ONLY)
    except OSError as error:
        raise AggregatorError(f"cannot write '{path}': {error.strerror}") from error
