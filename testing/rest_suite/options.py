"""The options of the command line, some of them from a YAML file."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .case import PROFILES
from .credentials import (
    Bearer,
    Credentials,
    IdentityHeader,
    Nobody,
    organization_of,
)
from .probe import UsageError

EPILOGUE = """\
exit status: 0 all passed, 1 failures, 2 usage, 3 instance not reachable, 4 nothing tested,
130 interrupted. Nothing is written without --allow-writes; what was written is undone.
All other options are pytest's, as -k EXPRESSION, -x, --lf, -n N, -v, --co, --junitxml FILE."""
LAST_ORGANIZATION = 4294967295
FILE, PROJECT, TABLE = "suite.yaml", "pyproject.toml", "insights-results-rest-suite"
# options of pytest that need no instance
COLLECTING = {"--co", "--collect-only", "--fixtures", "--markers"}
# what HTTP lets a header be called, and carry
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving, so that one place gives the exit status."""

    def error(self, message: str) -> Any:
        raise UsageError(message)


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options of the suite, and the others, which are pytest's.

    Options of a file hold where the command line has none: --config, or else `suite.yaml` or
    `[tool.insights-results-rest-suite]` of `pyproject.toml` in the working directory.
    """
    reader = parser()
    first, _ = reader.parse_known_args(argv)
    name, document = _document(first.config)
    if document:
        reader.set_defaults(**_from_document(reader, name, document))
    options, rest = reader.parse_known_args(argv)
    if not options.url and not options.list and not COLLECTING.intersection(rest):
        raise UsageError("--url is needed: the instance under test, as http://host:port")
    for folder in options.cases:
        if not Path(folder).exists():
            raise UsageError(f"--cases: there is no '{folder}'")
    return options, rest


def credentials(options: argparse.Namespace) -> Credentials:
    """Return who asks; raise UsageError when the options leave that open."""
    if options.auth == "xrh":
        return IdentityHeader(options.org, str(options.account), str(options.user))
    if options.auth == "jwt":
        if not options.token_file:
            raise UsageError("--auth jwt needs --token-file")
        try:
            token = Path(options.token_file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"--token-file: cannot read '{options.token_file}': {error}") from None
        if not _TOKEN.fullmatch(token):
            raise UsageError(f"--token-file: '{options.token_file}' holds no token")
        organization = options.org or organization_of(token)
        if organization is None:
            raise UsageError(
                f"--token-file: '{options.token_file}' names no organization: give --org"
            )
        return Bearer(token, organization)
    return Nobody(options.org)


def headers(options: argparse.Namespace) -> dict[str, str]:
    """Return the headers of --header."""
    found = {}
    for text in options.header:
        name, colon, value = text.partition(":")
        if not colon or not _HEADER.fullmatch(name.strip()) or not _VALUE.fullmatch(value.strip()):
            raise UsageError(f"--header: 'Name: value' expected, not '{text}'")
        found[name.strip()] = value.strip()
    return found


def verification(options: argparse.Namespace) -> bool | str:
    """Return what TLS certificates are checked against: False, True or a file."""
    if options.ca_file and not Path(options.ca_file).exists():
        raise UsageError(f"--ca-file: there is no '{options.ca_file}'")
    return False if options.insecure else options.ca_file or True


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    reader = _Parser(
        prog="python -m testing.rest_suite",
        description="Tests any instance of the results aggregator's REST API from outside.",
        epilog=EPILOGUE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _instance(reader.add_argument_group("instance"))
    _choice(reader.add_argument_group("what is tested"))
    _run(reader.add_argument_group("how it runs"))
    _output(reader.add_argument_group("what comes out"))
    return reader


def _instance(group: Any) -> None:
    group.add_argument("--url", help="of the instance; its path, if any, is the prefix")
    group.add_argument("--prefix", help="of the API (found out when not given)")
    group.add_argument("--auth", choices=("none", "xrh", "jwt"), default="none")
    group.add_argument("--org", type=_organization, metavar="N", help="the organization that asks")
    group.add_argument("--account", default="rest-suite", help="account number of the identity")
    group.add_argument("--user", default="rest-suite", help="user id of the identity")
    group.add_argument("--token-file", metavar="FILE", help="with a JWT")
    group.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'",
        help="sent with each request; repeatable",
    )  # fmt: skip
    group.add_argument("--insecure", action="store_true", help="accept any TLS certificate")
    group.add_argument("--ca-file", metavar="FILE", help="certificates to trust")
    group.add_argument("--timeout", type=_seconds, default=10.0, metavar="SECONDS")


def _choice(group: Any) -> None:
    group.add_argument(
        "--data", default="discover", metavar="SOURCE",
        help="discover (default), fixtures, FILE.json (a seed), or kafka://HOST:PORT/TOPIC[?dvo=TOPIC]",
    )  # fmt: skip
    group.add_argument(
        "--only", action="append", default=[], metavar="PATTERN",
        help="group or case, as votes or 'reports.*count*'; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--skip", action="append", default=[], metavar="PATTERN", help="as --only; repeatable"
    )
    group.add_argument(
        "--cases", action="append", default=[], metavar="DIR",
        help="folder or file with cases of your own; repeatable",
    )  # fmt: skip
    group.add_argument("--profile", choices=PROFILES, help="found out when not given")
    group.add_argument(
        "--allow-writes", action="store_true", help="also votes, toggles, acks, ratings"
    )
    group.add_argument(
        "--allow-deletes", action="store_true", help="also deletes clusters (debug endpoints)"
    )
    group.add_argument(
        "--message-limit", type=_positive, default=255, metavar="BYTES",
        help="maximum_feedback_message_length of the instance",
    )  # fmt: skip


def _run(group: Any) -> None:
    group.add_argument(
        "--workers", type=_positive, default=1, metavar="N", help="processes (pytest-xdist)"
    )
    group.add_argument("--repeat", type=_positive, default=1, metavar="N")
    group.add_argument("--fail-fast", action="store_true", help="end after the first failure (-x)")
    group.add_argument(
        "--fuzz", type=_positive, metavar="SECONDS", help="also generated requests (schemathesis)"
    )
    group.add_argument(
        "--config", metavar="FILE", help="YAML with these options by name (suite.yaml if it exists)"
    )


def _output(group: Any) -> None:
    group.add_argument("--list", action="store_true", help="show the cases and leave")
    group.add_argument(
        "--report", action="append", default=[], nargs=2, metavar=("FORM", "FILE"),
        help="text, junit, json or html into a file (- is the standard output); repeatable",
    )  # fmt: skip
    group.add_argument(
        "--coverage", action="store_true",
        help="show which aspects of each operation were tested, and why others were not",
    )  # fmt: skip
    group.add_argument(
        "--budget", action="append", default=[], metavar="[OPERATION:]p95=500ms",
        help="what operations may take: p50 ... p99 or max; repeatable (p95=1s; off: none)",
    )  # fmt: skip
    group.add_argument(
        "--compare", metavar="URL2", help="send the same to another instance, show differences"
    )


def _document(name: str | None) -> tuple[str, dict[str, Any]]:
    """Return the name of the configuration file and the options in it."""
    if name is None and not Path(FILE).exists():
        return PROJECT, _of_project(Path(PROJECT))
    file = name or FILE
    try:
        document = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"--config: cannot read '{file}': {reason}") from None
    if not isinstance(document, dict):
        raise UsageError(f"--config: '{file}' does not hold options by name")
    return file, document


def _of_project(file: Path) -> dict[str, Any]:
    """Return the options in a project's `pyproject.toml`, none if it has none."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read '{file}': {error}") from None
    found = document.get("tool", {}).get(TABLE, {})
    return found if isinstance(found, dict) else {}


def _from_document(
    reader: argparse.ArgumentParser, name: str, document: dict[str, Any]
) -> dict[str, Any]:
    """Return the options of a file, checked as those of the command line."""
    arguments = [word for key, value in document.items() for word in _words(str(key), value)]
    try:
        found = vars(reader.parse_args(arguments))
    except UsageError as error:
        raise UsageError(f"--config: '{name}': {error}") from None
    return {key: found[key] for key in (str(key).replace("-", "_") for key in document)}


def _words(key: str, value: Any) -> list[str]:
    """Return an option of the file as the command line would have it."""
    option = f"--{key.replace('_', '-')}"
    if isinstance(value, dict):
        return [word for name, item in value.items() for word in (option, str(name), str(item))]
    if isinstance(value, bool):
        return [option] if value else []
    values = value if isinstance(value, list) else [value]
    return [f"{option}={item}" for item in values]


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a positive number expected, not '{text}'")
    return int(text)


def _organization(text: str) -> int:
    number = _positive(text)
    if number > LAST_ORGANIZATION:
        raise argparse.ArgumentTypeError(f"a number up to {LAST_ORGANIZATION} expected")
    return number


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds expected, not '{text}'")
    return value
