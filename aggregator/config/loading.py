"""Loads the configuration from a file, the environment and Clowder, in this order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from . import clowder
from .checks import alternatives
from .options import (
    LOG_LEVELS,
    Config,
    StorageConfig,
    check_together,
    section_names,
    with_values,
)

FILE_VARIABLE = "INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE"
PREFIX = "INSIGHTS_RESULTS_AGGREGATOR__"
# variables of OpenTelemetry, which our own override
STANDARD = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("tracing", "endpoint"),
    "OTEL_SERVICE_NAME": ("tracing", "service_name"),
}
EXTENSIONS = (".yaml", ".yml", ".toml", ".json")
STORAGES = ("ocp_recommendations_storage", "dvo_recommendations_storage")
# former names of options, of 2020 or of this service
ALIASES = {
    "broker.address": "addresses",
    "broker.refused_limit_share": "dead_letter_max_ratio",
    "broker.refused_limit_run": "dead_letter_max_consecutive",
    "broker.enable_org_whitelist": "enable_org_allowlist",
    "processing.org_whitelist_file": "org_allowlist_file",
}
# sections and keys of versions of the Go service without effect, and what replaces them
RETIRED = {
    "content": "rule content comes from the content service",
    "kafka_zerolog": "log lines are not sent to Kafka",
    "broker.org_allowlist_file": "use processing.org_allowlist_file",
    "broker.save_offset": "offsets are always committed",
    "cloudwatch.create_stream_if_not_exists": "a log stream is always created",
    "logging.logging_to_kafka_enabled": "log lines are not sent to Kafka",
    "metrics.enabled": "metrics are always served",
    "processing.org_filter": "use processing.org_allowlist_file",
    "storage.driver": "use db_driver of ocp_recommendations_storage",
    "storage.datasource": "use sqlite_datasource or pg_host of ocp_recommendations_storage",
}


def load(environ: Mapping[str, str], folder: Path) -> Config:
    """Return the configuration of this environment; raise ConfigError with one clear line."""
    path = _file(environ, folder)
    found = Names(str(path), lambda name: f"file {path}")
    values = found.known(_read(path)) if path else {}
    others = Names("environment", _variable)
    for section, overrides in others.known(_from_environment(environ)).items():
        values[section] = values.get(section, {}) | overrides
    config = Config()
    for section, chosen in _with_implied(values).items():
        config = with_values(config, section, chosen)
    before = _only_named_storages(config)
    config = clowder.apply(before, environ.get("ACG_CONFIG"))
    check_together(config)
    return replace(
        config,
        warnings=(*found.warnings, *others.warnings, *_advice(config)),
        retired=(*found.retired, *others.retired),
        origins=tuple((found.origins | others.origins | _from_clowder(before, config)).items()),
        backend_given="use" in values.get("storage_backend", {}),
    )


def _from_clowder(before: Config, after: Config) -> dict[str, str]:
    """Return the options that Clowder has changed."""
    return {
        f"{section}.{one.name}": "Clowder"
        for section in section_names()
        for one in fields(getattr(after, section))
        if getattr(getattr(after, section), one.name) != getattr(getattr(before, section), one.name)
    }


def _advice(config: Config) -> list[str]:
    level = config.logging.log_level
    if not level or level.strip().lower() in LOG_LEVELS:
        return []
    # as the Go service does
    expected = alternatives(LOG_LEVELS)
    return [f"logging.log_level: {expected} expected, not {level!r}; everything is logged"]


def load_here() -> Config:
    """Return the configuration of this process."""
    return load(os.environ, _working_directory())


def load_own(file: str = "") -> Config:
    """Return what a file says, or this process's configuration; in both cases without Clowder."""
    if file:
        return load({FILE_VARIABLE: file}, _working_directory())
    own = {name: value for name, value in os.environ.items() if name != "ACG_CONFIG"}
    return load(own, _working_directory())


def editor() -> str:
    """Return the command of the user's editor."""
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        # it was deleted
        return Path()


def _only_named_storages(config: Config) -> Config:
    """Disable the storage without a section if the other one has a section."""
    named = [name for name in STORAGES if getattr(config, name) != StorageConfig()]
    if len(named) != 1:
        return config
    (other,) = set(STORAGES) - set(named)
    return with_values(config, other, {"type": ""})


def _file(environ: Mapping[str, str], folder: Path) -> Path | None:
    named = environ.get(FILE_VARIABLE)
    if named is None:
        found = (folder / f"config{extension}" for extension in EXTENSIONS)
        return next((path for path in found if os.path.isfile(path)), None)
    path = folder / named
    if named and os.path.isfile(path):
        return path
    for extension in EXTENSIONS if named and path.name else ():
        if os.path.isfile(path.with_suffix(extension)):
            return path.with_suffix(extension)
    raise ConfigError(f"{FILE_VARIABLE}: there is no file '{named}'")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = _parse(path.suffix.lower(), path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
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
        # the message of PyYAML quotes the line, which may contain a secret
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"no valid YAML{where}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables that name a key; empty values are ignored."""
    document: dict[str, Any] = {}
    for standard, (section, key) in STANDARD.items():
        if value := environ.get(standard):
            document.setdefault(section, {})[key] = value
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or not value or variable != variable.upper():
            continue
        section, separator, key = variable[len(PREFIX) :].lower().partition("__")
        if separator:
            document.setdefault(section, {})[key] = value
    return document


def _variable(name: str) -> str:
    """Return the environment variable of `section.key`."""
    return PREFIX + name.upper().replace(".", "__")


class Names:
    """Translates sections and keys of one source to their current names."""

    def __init__(self, source: str, origin: Callable[[str], str]) -> None:
        self._source = source
        self._origin = origin
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []
        self.retired: list[str] = []

    def known(self, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the values by section and key; collect retired and unknown names."""
        known: dict[str, dict[str, Any]] = {}
        # section `storage` of 2020 applies to both storages; their own sections take precedence
        if "storage" in document:
            shared = self._keys("storage", document["storage"], STORAGES)
            known |= {name: dict(shared) for name in STORAGES}
        for section, values in document.items():
            if section == "storage" or self._is_retired(section):
                continue
            if section not in section_names():
                self.warnings.append(f"{self._source}: unknown section '{section}'")
                continue
            known[section] = known.get(section, {}) | self._keys(section, values)
        return known

    def _keys(self, section: str, values: Any, become: Sequence[str] = ()) -> dict[str, Any]:
        """Return the values by today's keys; `become` names the sections of today."""
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise ConfigError(f"{section}: keys expected, not {type(values).__name__}")
        kind = StorageConfig if section == "storage" else type(getattr(Config(), section))
        options = {one.name for one in fields(kind)}
        known: dict[str, Any] = {}
        old: dict[str, Any] = {}
        for key, value in values.items():
            name = ALIASES.get(f"{section}.{key}", key)
            if name in options:
                if value is not None:
                    (known if name == key else old)[name] = value
                    for today in become or (section,):
                        self.origins[f"{today}.{name}"] = self._origin(f"{section}.{key}")
            elif not self._is_retired(f"{section}.{key}"):
                self.warnings.append(f"{self._source}: unknown key '{section}.{key}'")
        return old | known

    def _is_retired(self, name: str) -> bool:
        reason = RETIRED.get(name)
        if reason:
            self.retired.append(f"{self._source}: '{name}' is retired: {reason}")
        return reason is not None


def _with_ports(storage: dict[str, Any]) -> dict[str, Any]:
    """Allow a list in `pg_port`, as libpq does in `port`: one port for each host."""
    ports = str(storage.get("pg_port", ""))
    if "," not in ports:
        return storage
    given = storage.get("pg_params") or ""
    rest = {name: value for name, value in storage.items() if name != "pg_port"}
    return rest | {"pg_params": f"port={ports}&{given}"}


def _with_implied(values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add the options of storages that configurations of the Go service omit."""
    implied = dict(values)
    named = [name for name in STORAGES if values.get(name)]
    for name in named:
        # a section with a PostgreSQL host is PostgreSQL
        if values[name].get("pg_host"):
            implied[name] = {"db_driver": "postgres"} | values[name]
        implied[name] = _with_ports(implied[name])
    if len(named) == 1:
        # if only one storage section is present, the other storage is disabled
        (other,) = set(STORAGES) - set(named)
        implied[other] = {"type": ""}
    return implied
