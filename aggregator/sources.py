"""Where a configuration comes from: a file, the environment, Clowder; in this order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from . import clowder
from .config import Config, StorageConfig, section_names, with_values
from .errors import ConfigError

FILE_VARIABLE = "INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE"
PREFIX = "INSIGHTS_RESULTS_AGGREGATOR__"
EXTENSIONS = (".yaml", ".yml", ".toml", ".json")
STORAGES = ("ocp_recommendations_storage", "dvo_recommendations_storage")
# names of 2020 and what they are called today
ALIASES = {
    ("broker", "address"): ("broker", "addresses"),
    ("broker", "enable_org_whitelist"): ("broker", "enable_org_allowlist"),
    ("processing", "org_whitelist_file"): ("processing", "org_allowlist_file"),
}
# keys that files of the reference have and that mean nothing here
IGNORED = {"content", "broker.org_allowlist_file", "cloudwatch.create_stream_if_not_exists"}


def load(environ: Mapping[str, str], folder: Path) -> Config:
    """Return the configuration of this environment; raise ConfigError with one clear line."""
    config = Config()
    path = _file(environ, folder)
    warnings: list[str] = []
    if path is not None:
        config = _apply(config, _read(path), str(path), warnings)
    config = _apply(config, _from_environment(environ), "environment", warnings)
    config = clowder.apply(_only_named_storages(config), environ.get("ACG_CONFIG"))
    _check(config)
    return replace(config, warnings=tuple(warnings))


def load_here() -> Config:
    """Return the configuration of this process."""
    return load(os.environ, Path.cwd())


def _only_named_storages(config: Config) -> Config:
    """Leave out the storage that a configuration does not name when it names the other one."""
    named = [name for name in STORAGES if getattr(config, name) != StorageConfig()]
    if len(named) != 1:
        return config
    (other,) = set(STORAGES) - set(named)
    return with_values(config, other, {"type": ""})


def _file(environ: Mapping[str, str], folder: Path) -> Path | None:
    named = environ.get(FILE_VARIABLE)
    if named is None:
        found = (folder / f"config{extension}" for extension in EXTENSIONS)
        return next((path for path in found if path.is_file()), None)
    path = folder / named
    if named and path.is_file():
        return path
    for extension in EXTENSIONS:
        if named and path.with_suffix(extension).is_file():
            return path.with_suffix(extension)
    raise ConfigError(f"{FILE_VARIABLE}: there is no file '{named}'")


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        document = _parse(path.suffix, text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read '{path}': {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"'{path}': sections with keys expected, not {type(document).__name__}")
    return document


def _parse(suffix: str, text: str) -> Any:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".json":
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables that name a key; an empty value overrides nothing."""
    document: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or not value:
            continue
        section, separator, key = variable[len(PREFIX) :].lower().partition("__")
        if separator:
            document.setdefault(section, {})[key] = value
    return document


def _apply(config: Config, document: dict[str, Any], source: str, warnings: list[str]) -> Config:
    for section, values in document.items():
        if section in IGNORED:
            continue
        if section == "storage":
            # the one storage of 2020 is both of today's
            config = _apply(config, dict.fromkeys(STORAGES, values), source, warnings)
        elif section not in section_names():
            warnings.append(f"{source}: unknown section '{section}'")
        elif not isinstance(values, dict):
            raise ConfigError(f"{section}: keys expected, not {values!r}")
        else:
            config = _apply_section(config, section, values, source, warnings)
    return config


def _apply_section(
    config: Config, section: str, values: dict[str, Any], source: str, warnings: list[str]
) -> Config:
    known = {one.name for one in fields(getattr(config, section))}
    taken = {}
    for given, value in values.items():
        key = ALIASES.get((section, given), (section, given))[1]
        if key in known:
            taken[key] = value
        elif f"{section}.{given}" not in IGNORED:
            warnings.append(f"{source}: unknown key '{section}.{given}'")
    return with_values(config, section, _implied(section, taken))


def _implied(section: str, values: dict[str, Any]) -> dict[str, Any]:
    """Add what the reference's files leave out: a storage with a PostgreSQL host is PostgreSQL."""
    if section in STORAGES and values.get("pg_host") and "db_driver" not in values:
        return {**values, "db_driver": "postgres"}
    return values


def _check(config: Config) -> None:
    prefix = config.server.api_prefix
    if not (prefix.startswith("/") and prefix.endswith("/")):
        raise ConfigError(f"server.api_prefix: must begin and end with '/', not '{prefix}'")
    _, separator, port = config.server.address.rpartition(":")
    if not separator or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(
            f"server.address: host:port or :port expected, not '{config.server.address}'"
        )
