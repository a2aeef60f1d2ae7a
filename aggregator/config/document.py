"""The configuration as a document: documented names, plain values, and the origin of each."""

from __future__ import annotations

import typing
from dataclasses import fields
from typing import Any

from ..masking import MASK, mask_text
from . import pg_params
from .options import SECRETS, Config, section_names
from .parsing import Duration, Seconds

DEFAULT, IMPLIED = "default", "implied by other options"

# by section and key
Document = dict[str, dict[str, Any]]


def values(config: Config) -> Document:
    """Return all values as a YAML file may have them; durations are text (`30s`)."""
    return {section: _section(getattr(config, section)) for section in section_names()}


def masked(document: Document) -> Document:
    """Return the document without secrets."""
    return {
        section: {key: _masked(key, value) for key, value in pairs.items()}
        for section, pairs in document.items()
    }


def origins(config: Config) -> dict[str, dict[str, str]]:
    """Return where each value comes from: default, a file, a variable, Clowder, or implied."""
    given, default, found = dict(config.origins), values(Config()), values(config)
    return {
        section: {
            key: given.get(f"{section}.{key}")
            or (DEFAULT if value == default[section][key] else IMPLIED)
            for key, value in pairs.items()
        }
        for section, pairs in found.items()
    }


def given(config: Config) -> Document:
    """Return the values that are not defaults by omission; loading them gives the same again."""
    from_where = origins(config)
    document = {
        section: {key: value for key, value in pairs.items() if from_where[section][key] != DEFAULT}
        for section, pairs in values(config).items()
    }
    return {section: pairs for section, pairs in document.items() if pairs}


def _section(options: Any) -> dict[str, Any]:
    kinds = typing.get_type_hints(type(options), include_extras=True)
    return {
        one.name: _plain(kinds[one.name], getattr(options, one.name)) for one in fields(options)
    }


def _plain(kind: Any, value: Any) -> Any:
    if kind in (Duration, Seconds):
        # not by a bare number, which is nanoseconds in one and seconds in the other
        return f"{value:.9f}".rstrip("0").rstrip(".") + "s"
    return list(value) if isinstance(value, tuple) else value


def _masked(key: str, value: Any) -> Any:
    if key in SECRETS:
        return MASK if value else ""
    if key == "pg_params":
        return mask_text(pg_params.masked(value))
    if isinstance(value, list):
        return [mask_text(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value
