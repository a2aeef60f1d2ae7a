"""docs/operations.md and SECURITY.md name only what there is, and everything that they should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.commands import (
    COMMANDS,
    arguments,
    find,
)
from aggregator.config.options import SECRETS, Config, section_names, with_values
from aggregator.config.pg_params import parse
from aggregator.handlers.answers import ANSWERS
from aggregator.handlers.app import LIMITS
from aggregator.handlers.auth import LONGEST_TOKEN
from aggregator.handlers.base import SHORT_BODY
from aggregator.handlers.body import LONGEST_TOKEN as LONGEST_VALUE
from aggregator.handlers.body import MOST_CONTAINERS, MOST_VALUES
from aggregator.handlers.budgets import MOST_HEADS, MOST_UNREAD, PARSED_AT_ONCE
from aggregator.handlers.router import BODIES
from aggregator.handlers.server import MOST_CONNECTIONS
from aggregator.handlers.stream import MOST_HEAD_LINES
from aggregator.metrics import Metrics

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
CHECKLIST = PAGE.partition("## Hardening checklist")[2].partition("\n## ")[0]
# options of many commands
SHARED = {"--help", "--version", "--json", "--yes", "--broker"}
OPTION = re.compile(r"`([a-z]+(?:_[a-z]+)*)\.([a-z_]+)(?:: ([^`]+))?`")


def test_metrics_to_alert_on_exist() -> None:
    alerts = re.findall(
        r"^\| `([a-z_]+)` \|", PAGE.partition("## What to alert on")[2], re.MULTILINE
    )
    rendered = Metrics().render().decode()
    assert len(alerts) > 5
    assert [name for name in alerts if f"# HELP {name} " not in rendered] == []


def options_of(name: str) -> set[str]:
    """Return the options in the help of a command."""
    text = arguments.parser_of(name, COMMANDS[name]).format_help()
    return set(re.findall(r"^  (?:-[a-z], )?(--[a-z-]+)", text, re.MULTILINE)) - SHARED


def test_options_of_replay_are_told() -> None:
    options = options_of("replay")
    section = PAGE.partition("## replay")[2].partition("\n## ")[0]
    assert options == set(re.findall(r"`(--[a-z-]+)[ `]", section)) - SHARED


def test_options_of_cleanup_are_told() -> None:
    options = options_of("cleanup")
    section = PAGE.partition("## cleanup")[2].partition("\n## ")[0]
    assert options == set(re.findall(r"^\| `(--[a-z-]+)[ `]", section, re.MULTILINE)) - SHARED


def test_commands_for_operations_are_told() -> None:
    for name in ("replay", "lag", "produce", "cleanup"):
        assert find(name) is COMMANDS[name]
        assert f"\n## {name}: " in PAGE


def options_in(text: str) -> list[tuple[str, str, str]]:
    """Return section, key and value of each option that a page names."""
    files = ("json", "md", "yaml", "toml")
    return [found for found in OPTION.findall(text) if found[1] not in files]


@pytest.mark.parametrize("text", [SECURITY, CHECKLIST], ids=["SECURITY.md", "checklist"])
def test_options_named_for_security_exist_and_take_the_value(text: str) -> None:
    found = options_in(text)
    assert len(found) > 15
    for section, key, value in found:
        assert section in section_names(), section
        assert hasattr(getattr(Config(), section), key), f"{section}.{key}"
        if value:
            with_values(Config(), section, {key: value})


def test_every_secret_is_told() -> None:
    told = SECURITY.partition("**Secrets**")[2].partition("\n\n")[0]
    assert {key for _, key, _ in options_in(told)} == SECRETS


def test_every_limit_of_the_server_is_told() -> None:
    told = {f"{section}.{key}" for section, key, _ in options_in(SECURITY)}
    limits = {key for key in vars(Config().server) if key.startswith(("maximum_", "jwt_"))}
    assert {f"server.{key}" for key in limits} <= told


def test_the_parameters_of_postgresql_in_the_checklist_exist() -> None:
    written = re.findall(r"`(sslmode=[^`]+)`", CHECKLIST)
    assert [parse(one) for one in written] == [{"sslmode": "verify-full", "sslrootcert": "/ca.pem"}]


def test_fixed_limits_are_told_as_they_are() -> None:
    assert f"{MOST_HEAD_LINES:,} lines" in SECURITY
    assert f"a token {LONGEST_TOKEN // 1024} KiB" in SECURITY
    assert f"{MOST_VALUES:,} values, {MOST_CONTAINERS:,} objects" in SECURITY
    assert f"{BODIES // 1024**2} MiB of all bodies" in SECURITY
    assert f"{LONGEST_VALUE // 1024} KiB for one value" in SECURITY
    assert f"about {SHORT_BODY // 1024} KiB for others" in SECURITY
    assert f"{ANSWERS // 1024**2} MiB of all answers" in SECURITY
    assert f"{LIMITS.request} s to send a request, {LIMITS.idle} s without one" in SECURITY
    assert f"{LIMITS.headers // 1024} KiB, " in SECURITY
    assert f"{MOST_HEADS // 1024**2} MiB of all heads above" in SECURITY
    assert f"parsed {PARSED_AT_ONCE // 1024} KiB at a time" in SECURITY
    assert f"{MOST_UNREAD // 1024**2} MiB that clients do not read" in SECURITY
    assert f"(by default {MOST_CONNECTIONS:,}" in PAGE
