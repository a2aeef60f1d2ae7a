"""`python -m testing.generate` writes to every place, and says what is wrong in a line."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from testing.fixtures import DataSet, fixtures_dir
from testing.generate import main, parsed
from testing.mocks.broker import Broker

TIMES = ["--start", "now", "--step", "60"]
SHIPPED = ["--seed", "2026", "--kind", "both", "--organizations", "4", "--clusters", "30",
           "--first-organization", "2001"]  # fmt: skip


def _lines(capfdbinary: pytest.CaptureFixture[bytes], *options: str) -> list[bytes]:
    assert main(options) == 0
    return capfdbinary.readouterr().out.splitlines()


def test_standard_output_gets_a_message_a_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = _lines(capfdbinary, "--clusters", "40", "--bad", "100%", "--seed", "5")
    made = list(DataSet(seed=5, clusters=40, bad=1.0))
    assert lines == [one.value for one in made]


def test_a_folder_gets_files_that_say_what_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "messages"
    assert main(["--clusters", "2", "--bad", "50%", "--out", str(folder)]) == 0
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["0000001-ocp.json", "0000002-ocp.json", "0000003-ocp-bad-account_is_text.json"]
    assert json.loads((folder / names[2]).read_bytes())["AccountNumber"] == "42"


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("mine")
    assert main(["--clusters", "2", "--out", str(tmp_path)]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as running:
        running.create_topic("ocp", partitions=3)
        running.create_topic("dvo", partitions=1)
        yield running


def _read(broker: Broker, topic: str, count: int) -> list[tuple[int, bytes | None]]:
    """Return partition and value of the topic's messages."""
    settings = {
        "bootstrap.servers": broker.address,
        "group.id": f"reader-of-{topic}",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    try:
        found = consumer.consume(count, timeout=20)
        assert not consumer.poll(0.2)
        return [(message.partition(), message.value()) for message in found]
    finally:
        consumer.close()


def test_a_topic_gets_messages_that_keep_the_order_of_their_cluster(broker: Broker) -> None:
    out = f"kafka://{broker.address}/ocp"
    assert main(["--clusters", "20", "--rounds", "3", "--out", out]) == 0
    found = [(at, json.loads(value or b"")) for at, value in _read(broker, "ocp", 60)]
    places = {(message["ClusterName"], partition) for partition, message in found}
    assert len(places) == 20
    assert len({partition for _, partition in places}) == 3
    for name, _ in places:
        times = [one["LastChecked"] for _, one in found if one["ClusterName"] == name]
        assert times == sorted(times)
        assert len(times) == 3


def test_two_topics_get_both_kinds(broker: Broker) -> None:
    out = f"kafka://{broker.address}/ocp?dvo=dvo"
    assert main(["--clusters", "5", "--kind", "both", "--out", out]) == 0
    assert all(b'"Report"' in (value or b"") for _, value in _read(broker, "ocp", 5))
    assert all(b'"Metrics"' in (value or b"") for _, value in _read(broker, "dvo", 5))


def test_nothing_is_sent_as_a_tombstone(broker: Broker) -> None:
    options = ["--clusters", "1", "--bad", "100%", "--bad-kinds", "nothing"]
    assert main([*options, "--out", f"kafka://{broker.address}/dvo"]) == 0
    assert [value for _, value in _read(broker, "dvo", 2)][1] is None


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("kafka://localhost", "expected, not 'kafka://localhost'"),
        ("kafka://localhost:1/topic?ocp=x", "expected, not"),
        ("mysql://u:secret@host/db", "a URL of postgresql or sqlite is expected"),
        ("postgresql://u:secret@127.0.0.1:1/db", "postgresql+asyncpg://u:***@127.0.0.1:1/db: "),
    ],
)
def test_a_place_that_cannot_be_is_named(
    out: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--clusters", "1", "--out", out]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1
    assert "secret" not in told


def test_a_broker_that_is_away_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("testing.writers.CONNECT_SECONDS", 0.5)
    assert main(["--clusters", "1", "--out", "kafka://127.0.0.1:1/topic"]) == 1
    assert "generate: kafka://127.0.0.1:1/topic: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--bad", "200%"], "0% to 100% expected, not '200%'"),
        (["--bad", "0.02"], "0% to 100% expected, not '0.02'"),
        (["--clusters", "0"], "a whole number from 1 expected, not '0'"),
        (["--start", "yesterday"], "a time or 'now' expected, not 'yesterday'"),
        (["--step", "-1"], "seconds expected, not '-1'"),
        (["--bad-kinds", "cut_short,typo"], "'typo' is none of account_is_text, "),
        (["--copy", "--out", "sqlite:///x"], "--copy needs --out postgresql://"),
        (["--from-seed", "--bad", "1%"], "no --bad, no --rounds"),
    ],
)
def test_a_wrong_option_is_a_matter_of_usage(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_last_cluster_is_checked_now(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = _lines(capfdbinary, "--clusters", "5", *TIMES)
    times = [datetime.fromisoformat(json.loads(line)["LastChecked"]) for line in lines]
    now = datetime.now(UTC)
    assert now - timedelta(minutes=3) < times[-1] <= now
    assert times[-1] - times[0] == timedelta(minutes=4)


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = (
        f"{sys.executable} -m testing.generate --clusters 3000 | head -1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines()[1] == "0"
    assert "Error" not in done.stderr


def test_the_shipped_seed_is_what_the_generator_makes(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "seed.json"
    _lines(capfdbinary, *SHIPPED, "--write-seed", str(file))
    assert file.read_bytes() == (fixtures_dir() / "seed.json").read_bytes()


def test_a_seed_makes_messages_that_make_the_seed(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "seed.json"
    lines = _lines(capfdbinary, "--from-seed", "--write-seed", str(file))
    assert file.read_bytes() == (fixtures_dir() / "seed.json").read_bytes()
    assert {"Report", "Metrics"} <= {name for line in lines for name in json.loads(line)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [(None, "No such file"), ("{", "cannot read"), ('{"organizations": [{}]}', "is no seed")],
)
def test_a_file_that_is_no_seed_is_named(
    text: str | None, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "seed.json"
    if text is not None:
        file.write_text(text)
    assert main(["--from-seed", str(file)]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert str(file) in told.replace("\n", "")


PAGE = Path(__file__).parents[2] / "docs/testing.md"
EXAMPLES = [
    line
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("python -m testing.generate")
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_are_right(example: str) -> None:
    assert parsed(shlex.split(example.partition(" > ")[0])[3:]).kinds


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 5
