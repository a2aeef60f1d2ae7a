"""Builds the Tornado application and its HTTP server, and binds the address."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Mapping, Sequence
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from tornado.netutil import bind_sockets
from tornado.routing import Router

from ..config.options import Config, ServerConfig
from ..errors import UnusableFile
from ..metrics import Metrics
from ..storage import Storage
from .about import without_debug
from .auth import authenticator
from .base import Context, Instance
from .compression import Compression
from .router import ApiApplication, Route
from .routes import diagnostics, routes
from .server import HttpServer
from .stream import Limits

if TYPE_CHECKING:
    from ..tracing import Tracing

log = logging.getLogger(__name__)

LIMITS = Limits(
    # 7,000 clusters in a path; decoding a percent-encoded one takes 50 ms
    headers=256 * 1024,
    idle=75,
    request=60,
)
OPEN_TO_ALL = (
    "authentication is off (server.auth) and the server listens on all interfaces: "
    "anybody who can connect to the port can read and change all data"
)
# seconds that workers of a killed process may keep its port
CLAIM_SECONDS, CLAIM_PAUSE = 3.0, 0.1


def application(
    config: Config,
    storage: Storage,
    metrics: Metrics,
    info: Mapping[str, str],
    instance: Instance,
    kind: type[ApiApplication] = ApiApplication,
    further: Sequence[Route] = (),
    tracing: Tracing | None = None,
) -> ApiApplication:
    """Build the application; raise UnusableFile when a file it needs cannot be read.

    `further` routes are those of the dashboard.
    """
    context = Context(
        config=config,
        storage=storage,
        metrics=metrics,
        authenticator=authenticator(config.server),
        info=info,
        openapi=_description(config.server),
        instance=instance,
        tracing=tracing,
    )
    app = kind([*_routes(config.server), *further], context, log_function=_silent)
    if config.server.compression:
        app.add_transform(Compression)
    return app


def _routes(server: ServerConfig) -> list[Route]:
    found = routes(debug=server.debug) + (diagnostics() if server.debug else [])
    if server.debug or server.dashboard:
        # imported with the options only
        from .documentation import documentation

        found += documentation()
    return found


def _silent(_handler: object) -> None:
    """Log nothing: the base handler writes the one line of a request."""


def _description(server: ServerConfig) -> bytes:
    """Read the API description once: the packaged one unless another file is configured."""
    try:
        if server.api_spec_file:
            document = Path(server.api_spec_file).read_bytes()
        else:
            document = (files("aggregator") / "schemas" / "openapi.json").read_bytes()
        return document if server.debug else without_debug(document)
    except (OSError, ValueError, KeyError) as error:
        raise UnusableFile(
            f"server.api_spec_file: cannot read '{server.api_spec_file}': {error}"
        ) from error


async def claim(address: str) -> str:
    """Return the address with a free port, to be shared by workers; raise OSError.

    SO_REUSEPORT would also share a port with another service, so check that it is free.
    """
    host, _, port = address.rpartition(":")
    left = CLAIM_SECONDS
    while True:
        try:
            sockets = bind_sockets(int(port), address=host.strip("[]") or None)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or left <= 0:
                raise
        left -= CLAIM_PAUSE
        await asyncio.sleep(CLAIM_PAUSE)
    found = sockets[0].getsockname()[1]
    for one in sockets:
        one.close()
    return f"{host}:{found}"


async def listen(
    app: Router, server: ServerConfig, *, shared: bool = False, first: bool = True
) -> tuple[HttpServer, int]:
    """Bind the configured address, with SO_REUSEPORT if `shared`; return the server and its port.

    The `first` process warns of a server that is open to all. Raise OSError.
    """
    host, _, port = server.address.rpartition(":")
    http = HttpServer(app, LIMITS, server.maximum_connections)
    sockets = bind_sockets(int(port), address=host.strip("[]") or None, reuse_port=shared)
    await http.listen(sockets)
    names = [one.getsockname()[0] for one in sockets]
    if first and not server.auth and any(ip_address(one).is_unspecified for one in names):
        log.warning("%s", OPEN_TO_ALL)
    return http, int(sockets[0].getsockname()[1])
