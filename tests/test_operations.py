"""docs/operations.md names only what there is, and everything that it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.commands import (
    COMMANDS,
    cleanup,
    find,
    replay_options,
)
from aggregator.config.options import Config
from aggregator.metrics import Metrics

PAGE = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")


def test_metrics_to_alert_on_exist() -> None:
    alerts = re.findall(
        r"^\| `([a-z_]+)` \|", PAGE.partition("## What to alert on")[2], re.MULTILINE
    )
    rendered = Metrics().render().decode()
    assert len(alerts) > 5
    assert [name for name in alerts if f"# HELP {name} " not in rendered] == []


def test_options_of_replay_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        replay_options.parse(["--help"])
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    section = PAGE.partition("## replay")[2].partition("\n## ")[0]
    assert options == set(re.findall(r"`(--[a-z-]+)[ `]", section))


def test_options_of_cleanup_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cleanup.run(Config(), ["--help"])
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    section = PAGE.partition("## cleanup")[2].partition("\n## ")[0]
    assert options == set(re.findall(r"^\| `(--[a-z-]+)[ `]", section, re.MULTILINE))


def test_commands_for_operations_are_told() -> None:
    for name in ("replay", "lag", "produce", "cleanup"):
        assert find(name) is COMMANDS[name]
        assert f"\n## {name}: " in PAGE
