"""What a log line looks like, where it goes, and what happens when a sink cannot be had."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from aggregator import logs
from aggregator.config.options import (
    CloudWatchConfig,
    Config,
    LoggingConfig,
    SentryConfig,
)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged as JSON on standard output."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_begins_with_level_and_fields_and_ends_with_time_and_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup(Config())
    fields = {"topic": "ccx", "request ID": "missing", "offset": 3}
    logging.getLogger("aggregator.ingest").info("read %d", 1, extra={"fields": fields})
    written = capsys.readouterr().out
    assert re.fullmatch(
        r'\{"level":"info","topic":"ccx","request ID":"missing","offset":3,'
        r'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","message":"read 1"\}\n',
        written,
    )


def test_an_empty_message_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(Config())
    logging.getLogger("aggregator").info("", extra={"fields": {"OCP storage type": "sql"}})
    assert list(lines(capsys)[0]) == ["level", "OCP storage type", "time"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("debug", ["debug", "info", "warn", "error", "fatal"]),
        (" INFO ", ["info", "warn", "error", "fatal"]),
        ("warn", ["warn", "error", "fatal"]),
        ("Warning", ["warn", "error", "fatal"]),
        ("error", ["error", "fatal"]),
        ("fatal", ["fatal"]),
        ("", ["debug", "info", "warn", "error", "fatal"]),
        ("loud", ["debug", "info", "warn", "error", "fatal"]),
    ],
)
def test_levels_have_the_names_of_the_reference(
    capsys: pytest.CaptureFixture[str], wanted: str, expected: list[str]
) -> None:
    logs.setup(Config(logging=LoggingConfig(log_level=wanted)))
    log = logging.getLogger("aggregator.any")
    for write in (log.debug, log.info, log.warning, log.error, log.critical):
        write("text")
    assert [line["level"] for line in lines(capsys)] == expected


def test_an_exception_is_an_error_with_a_stack_and_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup(Config())
    try:
        raise ValueError("no number:\n'x'")
    except ValueError:
        logging.getLogger("aggregator").exception("cannot go on")
    (line,) = lines(capsys)
    assert line["error"] == "no number:\n'x'"
    assert line["stack"].startswith("Traceback")


def test_what_cannot_be_said_in_json_does_not_silence_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup(Config())
    fields = {
        "bytes": b"\xff",
        "surrogate": "\udcff",
        "large": 2**70,
        "object": ValueError("x"),
        3: {4: object},
    }
    logging.getLogger("aggregator").info("\ud800", extra={"fields": fields})
    (line,) = lines(capsys)
    assert (line["bytes"], line["large"], line["object"]) == ("\ufffd", 2**70, "x")
    assert line["message"] == "\ud800"


def test_libraries_are_named_and_their_chatter_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup(Config(logging=LoggingConfig(log_level="debug")))
    for name in ("aiokafka.cluster", "somelib.x"):
        log = logging.getLogger(name)
        for write in (log.debug, log.info, log.warning):
            write("text")
    told = [(line["package"], line["level"]) for line in lines(capsys)]
    assert told == [("aiokafka", "warn"), ("somelib", "info"), ("somelib", "warn")]


FORGED = "x\n10:00PM ERR forged\r\x1b[2J\x9b2J\u2028y\u202ez\x85\x7f\x00"


@pytest.mark.parametrize("debug", [True, False])
def test_foreign_text_cannot_forge_a_line_or_control_a_terminal(
    capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    logs.setup(Config(logging=LoggingConfig(debug=debug)))
    log = logging.getLogger("aggregator")
    log.info("read %s", FORGED, extra={"fields": {"cluster": FORGED, FORGED: FORGED}})
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.exception("failed: %s", FORGED, extra={"fields": {"bytes": FORGED.encode()}})
    written = capsys.readouterr().out
    ours = re.sub(r"\x1b\[[\d;]*m", "", written)
    assert not [one for one in ours if one != "\n" and (ord(one) < 32 or 126 < ord(one) < 0xA0)]
    assert "\u2028" not in ours
    assert "\u202e" not in ours
    if debug:
        records = [line for line in written.splitlines() if not line.startswith("    ")]
        assert len(records) == 2
        assert all("forged" not in line.partition(" ")[0] for line in records)
    else:
        first, second = [json.loads(line) for line in written.splitlines()]
        assert first["cluster"] == first[FORGED] == FORGED
        assert second["error"] == FORGED


class Broken(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error: OSError | None = error

    def flush(self) -> None:
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device")]
)
def test_a_line_that_cannot_be_written_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    stream = Broken(error)
    monkeypatch.setattr(sys, "stdout", stream)
    logs.setup(Config())
    log = logging.getLogger("aggregator")
    for _ in range(3):
        log.info("text")
    told = capsys.readouterr().err
    assert told == ("" if error.errno == 32 else f"log lines are lost: {error}\n")
    stream.error = None
    log.info("again")
    assert "again" in stream.getvalue()


def test_lines_go_to_standard_error_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(Config(logging=LoggingConfig(use_stderr=True)))
    logging.getLogger("aggregator").info("text")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["message"] == "text"


def test_setting_up_twice_does_not_write_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(Config())
    logs.setup(Config())
    logging.getLogger("aggregator").info("text")
    assert len(lines(capsys)) == 1


CLOUDWATCH = Config(
    logging=LoggingConfig(logging_to_cloud_watch_enabled=True),
    cloudwatch=CloudWatchConfig(
        aws_access_id="id", aws_secret_key="tshhh", log_group="group", stream_name="x-$HOSTNAME"
    ),
)


class Sink(logging.Handler):
    """Stands in for watchtower's handler."""

    made: dict[str, Any]
    taken: list[str]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        Sink.made, Sink.taken = options, []

    def emit(self, record: logging.LogRecord) -> None:
        Sink.taken.append(self.format(record))


def module(name: str, **content: Any) -> ModuleType:
    """Return a module with this content."""
    made = ModuleType(name)
    vars(made).update(content)
    return made


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give stand-ins for the packages of CloudWatch."""
    boto3 = module("boto3", client=lambda service, **options: (service, options))
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setitem(sys.modules, "watchtower", module("watchtower", CloudWatchLogHandler=Sink))
    return monkeypatch


def test_cloudwatch_gets_upper_case_keys(
    packages: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.setup(CLOUDWATCH)
    logging.getLogger("aggregator").info("text", extra={"fields": {"topic": "t"}})
    assert list(json.loads(Sink.taken[0])) == ["LEVEL", "TOPIC", "TIME", "MESSAGE"]
    assert Sink.made["log_group_name"] == "group"
    assert "$HOSTNAME" not in Sink.made["log_stream_name"]
    service, options = Sink.made["boto3_client"]
    assert (service, options["aws_secret_access_key"]) == ("logs", "tshhh")
    assert options["aws_session_token"] is None
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("broken", ["absent", "raising"])
def test_without_cloudwatch_the_service_goes_on_with_one_warning(
    packages: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no region")

    boto3 = None if broken == "absent" else module("boto3", client=refuse)
    packages.setitem(sys.modules, "boto3", boto3)
    logs.setup(CLOUDWATCH)
    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("warn", "nothing is logged to CloudWatch")
    assert ("sinks" if broken == "absent" else "no region") in line["error"]
    assert "tshhh" not in str(line)


def test_sentry_gets_errors_that_are_grouped_by_their_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {}
    integration = module("sentry_sdk.integrations.logging", LoggingIntegration=dict)
    for name in ("sentry_sdk", "sentry_sdk.integrations"):
        monkeypatch.setitem(sys.modules, name, module(name, init=given.update))
    monkeypatch.setitem(sys.modules, integration.__name__, integration)
    logs.setup(
        Config(
            logging=LoggingConfig(logging_to_sentry_enabled=True),
            sentry=SentryConfig(dsn="http://key@sentry/1", environment="stage"),
        )
    )
    assert (given["dsn"], given["environment"]) == ("http://key@sentry/1", "stage")
    assert given["integrations"][0]["event_level"] == logging.ERROR
    assert given["include_local_variables"] is False
    event = given["before_send"]({"logentry": {"message": "bad %d", "formatted": "bad 1"}}, {})
    assert event["fingerprint"] == ["bad 1"]
    assert given["before_send"]({}, {}) == {}
    assert len(logging.getLogger().handlers) == 1
    assert lines(capsys) == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_lines_for_people_have_date_and_seconds_and_colors_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    logs.setup(Config(logging=LoggingConfig(debug=True)))
    logging.getLogger("aggregator").warning("full\udcff", extra={"fields": {"disk": "a"}})
    written = out.getvalue()
    assert ("\033[" in written) == is_terminal
    plain = re.sub("\033\\[[0-9;]*m", "", written)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d WRN full\\udcff disk=a\n", plain)
