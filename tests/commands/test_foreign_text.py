"""Commands print what others wrote as text: no markup, no control characters, no forged line."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import TopicPartition
from rich.console import Console

from aggregator.commands import terminal
from aggregator.commands.replay import FAILED, INCOMPLETE
from aggregator.ingest.kafka import admin
from testing.mocks.broker import Broker
from tests.commands.test_replay import Scene, letter
from tests.commands.topics import RESULTS, config
from tests.program import in_process

run_lag = in_process("lag")

HOSTILE = {
    "markup": "[/oops]",
    "open markup": "[bold red",
    "link": "[link=http://evil.test]here[/link]",
    "emoji": ":smile:",
    "escape": "\x1b[2J",
    "clipboard": "\x1b]52;c;cGF5bG9hZA==\x07",
    "c1": "\x9b31m\x85",
    "line feed": "a\nforged: all is well",
    "carriage return": "a\rforged",
    "backspace": "a\b\x7f",
    "bidi": "\u202egpj\u2066.exe\u2069",
    "separators": "a\u2028b\u2029c",
    "nothing": "\0",
    "long": "x" * 100_000,
}
SAFE_AFTER = set("\n")


def assert_harmless(printed: str) -> None:
    """Check that only line feeds of our own control what is printed."""
    unsafe = {
        character
        for character in set(printed) - SAFE_AFTER
        if not character.isprintable() and character != "\u00a0"
    }
    assert unsafe == set()
    assert not any(line.startswith("forged") for line in printed.splitlines())
    assert len(printed) < 10_000


@pytest.mark.parametrize("name", HOSTILE)
def test_replay_prints_kinds_of_others(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = HOSTILE[name]
    with Broker() as broker:
        scene = Scene(broker, [letter(b"a", text), letter(b"b", text, topic="")])
        for arguments in (("--dry-run",), ()):
            assert scene.replay(*arguments) == INCOMPLETE
            printed = capfd.readouterr()
            assert_harmless(printed.out)
            assert_harmless(printed.err)
        assert scene.values() == [b"a"]
    if name in ("markup", "open markup", "link", "emoji"):
        assert text in printed.out


@pytest.mark.parametrize("name", HOSTILE)
def test_a_letter_from_no_possible_topic_is_left_and_told(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Broker() as broker:
        letters = [letter(b"a", topic=HOSTILE[name][:1000]), letter(b"b")]
        scene = Scene(broker, letters)
        assert scene.replay() == INCOMPLETE
        printed = capfd.readouterr()
        assert "no topic can have the name" in printed.err
        assert_harmless(printed.out)
        assert_harmless(printed.err)
        assert scene.values() == [b"b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_lag_prints_members_of_others(
    name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def members(_self: Any, _group: str) -> dict[TopicPartition, str]:
        return {TopicPartition(RESULTS, 0): HOSTILE[name]}

    monkeypatch.setattr(admin.Brokers, "members", members)
    with Broker() as broker:
        broker.create_topic(RESULTS)
        assert run_lag(config(broker.address), []) == 0
        assert run_lag(config(broker.address), ["--group", HOSTILE[name][:200]]) in (0, FAILED)
    printed = capfd.readouterr()
    assert_harmless(printed.out)
    assert_harmless(printed.err)


@pytest.mark.parametrize(
    "encoded", [b"\0", b"\xff" * 40, b"\0\0\x7f\xff\xff\xff", b"no assignment"]
)
def test_a_member_with_an_assignment_of_its_own_form_has_no_partitions(encoded: bytes) -> None:
    assert admin._assigned(encoded) == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_whatever_a_table_has_it_is_shown(
    name: str, *, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()

    def console(**options: Any) -> Console:
        options = {"width": 400} | options
        return Console(file=out, force_terminal=is_terminal, color_system=None, **options)

    monkeypatch.setattr(terminal, "Console", console)
    made = terminal.table(None, "a", "b")
    terminal.add_row(made, HOSTILE[name], "[/]")
    terminal.show(made)
    assert_harmless(out.getvalue())


@pytest.mark.parametrize("speak", [terminal.say])
def test_what_is_said_is_one_line(
    speak: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    speak("".join(text for name, text in HOSTILE.items() if name != "long"))
    printed = capfd.readouterr().err
    assert_harmless(printed)
    assert printed.count("\n") == 1
