"""`healthcheck`: asks the running service whether it is ready; for probes of containers."""

from __future__ import annotations

import argparse
import http.client
import json
from urllib.parse import urlsplit

from ..config import loading
from ..config.options import Config
from ..escaping import printable
from . import arguments

HEALTHY, UNHEALTHY = 0, 1
TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 100_000
# what a service listens on when it listens on all addresses
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Ask the service on this machine for /readyz (or /livez) and end with a status that a "
        "container's health check understands. The port is that of server.address; Clowder is "
        "not read.",
        "healthcheck",
        "healthcheck --live --timeout 2",
        "healthcheck --url http://10.0.0.7:8080",
        status="Exit status: 0 healthy, 1 not, or no answer, 2 wrong usage or configuration.",
    )
    add = parser.add_argument
    add("--live", action="store_true", help="ask for /livez: whether the process answers at all")
    add("--url", default="", help="another service: http://HOST:PORT (default: server.address)")
    add("--timeout", type=arguments.seconds, default=TIMEOUT_SECONDS, metavar="SECONDS",
        help=f"for the whole answer (default: {TIMEOUT_SECONDS:g})")  # fmt: skip
    arguments.add_json(parser)


def run(_config: Config, options: argparse.Namespace) -> int:
    """Ask, print the answer, and return 0 or 1."""
    path = "/livez" if options.live else "/readyz"
    address = _address(options.url) if options.url else _own_address()
    try:
        status, answer = _ask(address, path, options.timeout)
    except (OSError, http.client.HTTPException) as error:
        status, answer = None, str(error) or type(error).__name__
    url = f"http://{address}{path}"
    if options.json:
        print(json.dumps({"url": url, "status": status, "answer": answer}))
    else:
        print(printable(f"{url}: {'no answer' if status is None else status}: {answer.strip()}"))
    return HEALTHY if status == http.client.OK else UNHEALTHY


def _own_address() -> str:
    # without Clowder, which writes certificates to files, and this runs every few seconds
    host, _, port = loading.load_own().server.address.rpartition(":")
    if port == "0":
        raise arguments.UsageError("server.address has port 0, so --url is needed")
    return f"{_EVERYWHERE.get(host, host)}:{port}"


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.netloc:
        raise arguments.UsageError(f"--url: http://HOST:PORT expected, not '{url}'")
    return parts.netloc


def _ask(address: str, path: str, seconds: float) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=seconds or None)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(LARGEST_ANSWER).decode(errors="replace")
    finally:
        connection.close()
