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
from .config import Config, StorageConfig, check_together, section_names, with_values
from .errors import ConfigError

FILE_VARIABLE = "INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE"
PREFIX = "INSIGHTS_RESULTS_AGGREGATOR__"
EXTENSIONS = (".yaml", ".yml", ".toml", ".json")
STORAGES = ("ocp_recommendations_storage", "dvo_recommendations_storage")
# names of 2020 and what they are called today
ALIASES = {
    "broker.address": "addresses",
    "broker.enable_org_whitelist": "enable_org_allowlist",
    "processing.org_whitelist_file": "org_allowlist_file",
}
# keys that files of the reference have and that mean nothing here
IGNORED = {"content", "broker.org_allowlist_file", "cloudwatch.create_stream_if_not_exists"}


def load(environ: Mapping[str, str], folder: Path) -> Config:
    """Return the configuration of this environment; raise ConfigError with one clear line."""
    warnings: list[str] = []
    path = _file(environ, folder)
    values = _known(_read(path), str(path), warnings) if path else {}
    for section, overrides in _known(_from_environment(environ), "environment", warnings).items():
        values[section] = values.get(section, {}) | overrides
    config = Config()
    for section, chosen in _with_implied(values).items():
        config = with_values(config, section, chosen)
    config = clowder.apply(_only_named_storages(config), environ.get("ACG_CONFIG"))
    check_together(config)
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
        document = _parse(path.suffix.lower(), path.read_text(encoding="utf-8"))
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
        # the library's own words quote the line, and a secret may be in it
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"no valid YAML{where}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables that name a key; an empty value overrides nothing."""
    document: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or not value or variable != variable.upper():
            continue
        section, separator, key = variable[len(PREFIX) :].lower().partition("__")
        if separator:
            document.setdefault(section, {})[key] = value
    return document


def _known(document: dict[str, Any], source: str, warnings: list[str]) -> dict[str, dict[str, Any]]:
    """Return the values under the names of today; add a warning for each name that is unknown."""
    # the one storage of 2020 is both of today's; what is said of one of them in particular wins
    for name in STORAGES if "storage" in document else ():
        document[name] = _keys("storage", document["storage"]) | _keys(name, document.get(name))
    known: dict[str, dict[str, Any]] = {}
    for section, values in document.items():
        if section in IGNORED or section == "storage":
            continue
        if section not in section_names():
            warnings.append(f"{source}: unknown section '{section}'")
            continue
        known[section] = _known_keys(section, _keys(section, values), source, warnings)
    return known


def _keys(section: str, values: Any) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{section}: keys expected, not {type(values).__name__}")
    return values


def _known_keys(
    section: str, values: dict[str, Any], source: str, warnings: list[str]
) -> dict[str, Any]:
    options = {one.name for one in fields(getattr(Config(), section))}
    known: dict[str, Any] = {}
    old: dict[str, Any] = {}
    for key, value in values.items():
        name = ALIASES.get(f"{section}.{key}", key)
        if name not in options:
            if f"{section}.{key}" not in IGNORED:
                warnings.append(f"{source}: unknown key '{section}.{key}'")
        elif value is not None:
            (known if name == key else old)[name] = value
    return old | known


def _with_ports(storage: dict[str, Any]) -> dict[str, Any]:
    """Let `pg_port` be a list, as libpq's `port` may: one port for each of several hosts."""
    ports = str(storage.get("pg_port", ""))
    if "," not in ports:
        return storage
    given = storage.get("pg_params") or ""
    rest = {name: value for name, value in storage.items() if name != "pg_port"}
    return rest | {"pg_params": f"port={ports}&{given}"}


def _with_implied(values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add what the reference's configurations leave out about storages."""
    implied = dict(values)
    named = [name for name in STORAGES if values.get(name)]
    for name in named:
        # with a PostgreSQL host it is PostgreSQL
        if values[name].get("pg_host"):
            implied[name] = {"db_driver": "postgres"} | values[name]
        implied[name] = _with_ports(implied[name])
    if len(named) == 1:
        # who names one storage has no other one
        (other,) = set(STORAGES) - set(named)
        implied[other] = {"type": ""}
    return implied
