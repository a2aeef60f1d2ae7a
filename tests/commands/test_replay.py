"""`replay` sends dead letters as the messages that they were."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.commands.arguments import UsageError
from aggregator.ingest.kafka.producer import Outgoing
from testing.mocks.broker import Broker
from tests.commands.topics import (
    LETTERS,
    RESULTS,
    Sent,
    config,
    read,
    write,
)
from tests.program import complaints, in_process

run = in_process("replay")

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z
HOUR = 3_600_000


def letter(
    value: bytes | None,
    kind: str = "json",
    *,
    topic: str = RESULTS,
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = b"k",
    at: int = NOON,
    before: tuple[tuple[str, bytes], ...] = (),
    more: tuple[tuple[str, bytes], ...] = (),
) -> Sent:
    headers = {
        "x-original-topic": topic,
        "x-original-partition": str(partition),
        "x-original-offset": str(offset),
        "x-original-timestamp": "1",
        "x-error": "no good",
        "x-error-kind": kind,
    }
    own = tuple((name, text.encode()) for name, text in headers.items())
    return Sent(Outgoing(value, key, (*before, *own, *more)), at=at)


class Scene:
    """A broker with dead letters; what `replay` sends into `results` can be read."""

    def __init__(self, broker: Broker, letters: list[Sent]) -> None:
        self._broker = broker
        self.address = broker.address
        for topic, partitions in ((RESULTS, 4), ("others", 1), (LETTERS, 1)):
            broker.create_topic(topic, partitions=partitions)
        write(broker, LETTERS, letters)

    def replay(self, *arguments: str) -> int:
        return run(config(self.address), arguments)

    def results(self) -> list[Any]:
        return read(self._broker, RESULTS, 4)

    def values(self) -> list[bytes]:
        return [record.value for record in self.results()]

    def others(self) -> list[Any]:
        return read(self._broker, "others")


def test_key_value_and_headers_are_as_they_were() -> None:
    before = (("trace", b"\xff1"), ("x-error", b"theirs"), ("trace", b"2"))
    with Broker() as broker:
        scene = Scene(
            broker,
            [
                letter(b'{"a": \x00\xff', key=b"\xfe", partition=3, before=before),
                letter(None, key=b"t", partition=1),
            ],
        )
        assert scene.replay() == 0
        tombstone, message = scene.results()
    assert (message.partition, message.key, message.value) == (3, b"\xfe", b'{"a": \x00\xff')
    assert message.headers == (*before, ("x-replayed-from", b"letters/0/0"))
    assert (tombstone.partition, tombstone.key, tombstone.value) == (1, b"t", None)
    assert tombstone.headers == (("x-replayed-from", b"letters/0/1"),)


def test_messages_of_a_partition_keep_their_order() -> None:
    letters = [letter(b"%d" % number, partition=number % 2) for number in range(50)]
    with Broker() as broker:
        scene = Scene(broker, letters)
        assert scene.replay() == 0
        got = [(record.partition, record.value) for record in scene.results()]
    numbers = [*range(0, 50, 2), *range(1, 50, 2)]
    assert got == [(number % 2, b"%d" % number) for number in numbers]


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ((), {b"a", b"b", b"c", b"d"}),
        (("--kind", "json"), {b"a", b"d"}),
        (("--kind", "json", "--kind", "schema"), {b"a", b"b", b"d"}),
        (("--since", "2026-03-01T12:00:00Z"), {b"b", b"c", b"d"}),
        (("--since", "2026-03-01 14:00:00+01:00"), {b"c", b"d"}),
        (("--until", "2026-03-01T13:00:00"), {b"a", b"b"}),
        (("--since", "3650d", "--until", "2026-03-01T11:30:00"), {b"a"}),
        (("--partition", "1"), {b"b", b"c"}),
        (("--partition", "1", "--offset", "8"), {b"c"}),
        (("--limit", "2"), {b"a", b"b"}),
        (("--begin", "0:2"), {b"c", b"d"}),
        (("--begin", "0:2", "--limit", "1"), {b"c"}),
        (("--kind", "nul"), set()),
    ],
)
def test_the_choice_is_what_is_sent(arguments: tuple[str, ...], chosen: set[bytes]) -> None:
    letters = [
        letter(b"a", "json", partition=0, offset=7, at=NOON - HOUR),
        letter(b"b", "schema", partition=1, offset=7, at=NOON),
        letter(b"c", "gzip", partition=1, offset=8, at=NOON + HOUR),
        letter(b"d", "json", partition=2, offset=7, at=NOON + 2 * HOUR),
    ]
    with Broker() as broker:
        scene = Scene(broker, letters)
        assert scene.replay(*arguments) == 0
        assert set(scene.values()) == chosen


def test_a_dry_run_sends_nothing_and_counts_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    letters = [letter(b"a"), letter(b"b"), letter(b"c", "schema"), letter(b"d", topic="others")]
    with Broker() as broker:
        scene = Scene(broker, letters)
        assert scene.replay("--dry-run") == 0
        assert scene.results() == []
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines()] == [
        ["would", "be", "sent"],
        ["error", "kind", "topic", "letters"],
        ["json", "others", "1"],
        ["json", RESULTS, "2"],
        ["schema", RESULTS, "1"],
        ["total", "4"],
    ]
    assert printed.err.startswith(f"broker {scene.address}, dead letters letters, to the topic of")
    assert complaints(printed.err) == []


def test_a_letter_goes_to_its_own_topic_unless_another_is_named() -> None:
    with Broker() as broker:
        scene = Scene(broker, [letter(b"a", topic="others"), letter(b"b")])
        assert scene.replay() == 0
        assert [record.value for record in scene.others()] == [b"a"]
        assert scene.values() == [b"b"]
        assert scene.replay("--to", "others") == 0
        assert [record.value for record in scene.others()] == [b"a", b"a", b"b"]


def test_what_has_no_value_any_more_is_told_and_not_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    omitted = (("x-value-omitted", b"3000001"),)
    with Broker() as broker:
        scene = Scene(broker, [letter(None, offset=42, more=omitted), letter(b"b")])
        assert scene.replay() == 3
        assert scene.values() == [b"b"]
    printed = capsys.readouterr()
    assert "not sent: letter letters/0/0 (was results/0/42): its value was too large" in printed.err
    assert printed.out.splitlines()[-1].split() == ["total", "1"]


def test_a_letter_of_another_service_is_sent_where_one_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Broker() as broker:
        scene = Scene(broker, [Sent(Outgoing(b"bare"))])
        assert scene.replay() == 3
        assert "letter letters/0/0: it does not tell its topic" in capsys.readouterr().err
        assert scene.replay("--to", RESULTS) == 0
        assert scene.values() == [b"bare"]


def test_letters_of_a_topic_that_does_not_exist_are_left_and_others_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Broker() as broker:
        scene = Scene(broker, [letter(b"a"), letter(b"b", topic="gone"), letter(b"c")])
        assert scene.replay() == 3
        assert scene.values() == [b"a", b"c"]
        told = "letter letters/0/1 (was gone/0/0): topic 'gone' does not exist"
        assert told in capsys.readouterr().err
        assert scene.replay("--dry-run") == 3


def test_nothing_is_sent_to_a_chosen_topic_that_does_not_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Broker() as broker:
        scene = Scene(broker, [letter(b"a")])
        assert scene.replay("--to", "gone") == 1
    assert "--to: topic 'gone' does not exist" in capsys.readouterr().err


def test_one_can_go_on_behind_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    with Broker() as broker:
        scene = Scene(broker, [letter(b"%d" % number) for number in range(5)])
        assert scene.replay("--limit", "3") == 0
        (told,) = complaints(capsys.readouterr().err)
        assert told == "to go on behind these the next time: --begin 0:3"
        assert scene.replay(*told.split()[-2:]) == 0
        assert scene.values() == [b"0", b"1", b"2", b"3", b"4"]
        assert capsys.readouterr().err.endswith("--begin 0:5\n")


def test_what_was_refused_again_tells_only_of_the_last_replay() -> None:
    before = (("x-replayed-from", b"letters/0/99"),)
    with Broker() as broker:
        scene = Scene(broker, [letter(b"a", before=before)])
        assert scene.replay("--from", LETTERS) == 0
        (message,) = scene.results()
    assert message.headers == (("x-replayed-from", b"letters/0/0"),)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"dead_letter_queue_topic": ""}, "broker.dead_letter_queue_topic is empty"),
        ({"dead_letter_queue_topic": "nosuch"}, "topic 'nosuch' does not exist"),
        ({"addresses": "127.0.0.1:1"}, "127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    values: dict[str, Any], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Broker() as broker:
        address = values.pop("addresses", broker.address)
        assert run(config(address, **values), []) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert complaint in printed.err
    assert len(complaints(printed.err)) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--since", "yesterday"], "--since: a time expected"),
        (["--since", "9999999999d"], "--since: a time expected"),
        (["--limit", "-1"], "--limit"),
        (["--begin", "3"], "PARTITION:OFFSET expected, not '3'"),
        (["--kind", "nonsense"], "invalid choice: 'nonsense' (choose from "),
    ],
)
def test_wrong_usage_is_status_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(config("127.0.0.1:1"), arguments)
    assert complaint in capsys.readouterr().err


def test_options_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UsageError, match="--offset needs --partition"):
        run(config("127.0.0.1:1"), ["--offset", "3"])
