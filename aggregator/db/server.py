"""Opens PostgreSQL connections: hosts, failover, credentials, TLS and timeouts of `pg_params`."""

from __future__ import annotations

import configparser
import getpass
import logging
import os
import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import asyncpg

from ..config import pg_params
from ..config.options import StorageConfig
from ..config.pg_params import Host
from ..errors import ConfigError
from . import tls

CONNECT_SECONDS = 5
SESSION = {"timezone": "UTC", "application_name": "insights-results-aggregator"}
_WRITABLE = ("read-write", "primary")
# connection options that the pool sets; host and credentials are not among them
_OF_POOL = ("command_timeout", "connection_class", "record_class", "statement_cache_size")
_SOCKET_OPTIONS = {
    "keepalives_idle": (socket.IPPROTO_TCP, "TCP_KEEPIDLE"),
    "keepalives_interval": (socket.IPPROTO_TCP, "TCP_KEEPINTVL"),
    "keepalives_count": (socket.IPPROTO_TCP, "TCP_KEEPCNT"),
    "tcp_user_timeout": (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT"),
}
# errors after which libpq tries the next host
_NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
# SQLSTATE of a rejected run-time parameter
_REFUSED_SETTINGS = (
    asyncpg.UndefinedObjectError,
    asyncpg.InvalidParameterValueError,
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.PostgresSyntaxError,
)
# ... and the same by message; the second is PgBouncer's, which forwards few parameters
_PERHAPS_REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.ProtocolViolationError)

log = logging.getLogger(__name__)


class Server:
    """One PostgreSQL, or several hosts of which one is chosen for each connection."""

    def __init__(self, config: StorageConfig, *, read_host: str = "") -> None:
        parameters = pg_params.parse(config.pg_params)
        self._parameters = parameters = _service(parameters) | parameters
        self.hosts = hosts(config, parameters, read_host)
        self.user = parameters.get("user") or config.pg_username
        _check_user(self.user)
        self.database = parameters.get("dbname") or config.pg_db_name
        password = parameters.get("password") or config.pg_password
        self._login = (self.user, password)
        decoded = (unquote(self.user), unquote(password))
        self._other_login = decoded if decoded != self._login else None
        wanted = parameters.get("target_session_attrs", "any")
        if read_host and wanted in _WRITABLE:
            wanted = "any"
        self._wanted = ("standby", "any") if wanted == "prefer-standby" else (wanted,)
        self._given = self._arguments()
        self._tls = [self._tls_of(host) for host in self.hosts]

    async def connect(self, **given: object) -> Any:
        """Return a connection to the first suitable host; raise the driver's error."""
        of_pool = {name: given[name] for name in _OF_POOL if name in given}
        places = list(zip(self.hosts, self._tls, strict=True))
        if self._parameters.get("load_balance_hosts") == "random":
            random.shuffle(places)
        reasons: list[str] = []
        for wanted in self._wanted:
            for host, encryption in places:
                try:
                    options = encryption | of_pool | {"target_session_attrs": wanted}
                    return await self._connect(host, options)
                except _NEXT_HOST as error:
                    if len(places) == len(self._wanted) == 1:
                        raise
                    text = str(error)
                    reasons.append(
                        text if host.name in text else f"{host.name}:{host.port}: {text}"
                    )
        raise OSError("; ".join(dict.fromkeys(reasons)))

    async def _connect(self, host: Host, options: dict[str, Any]) -> Any:
        try:
            connection = await self._log_in(host, options)
        except TimeoutError as error:
            raise TimeoutError(
                f"no connection to {host.name}:{host.port} in {self._given['timeout'] or 0:g} s"
            ) from error
        except socket.gaierror as error:
            raise OSError(f"host '{host.address}': {error.strerror}") from error
        except OSError as error:
            # uvloop's errors do not name the address
            kind = type(error) if isinstance(error, ConnectionError) else OSError
            raise kind(f"{host.name}:{host.port}: {error}") from error
        if not host.is_socket:
            self._keep_alive(connection)
        return connection

    async def _log_in(self, host: Host, options: dict[str, Any]) -> Any:
        login = self._login
        try:
            return await self._opened(host, login, options)
        except asyncpg.InvalidAuthorizationSpecificationError:
            # another connection may have determined the form meanwhile
            other = self._other_login or self._login
            if other == login:
                raise
            connection = await self._opened(host, other, options)
        if self._login != other:
            log.warning("pg_password: this database takes it percent-decoded; write it as it is")
            self._login, self._other_login = other, None
        return connection

    async def _opened(self, host: Host, login: tuple[str, str], options: dict[str, Any]) -> Any:
        user, password = login
        try:
            return await asyncpg.connect(
                host=host.address, port=host.port, user=user or None, password=password or None,
                **(self._given | options),
            )  # fmt: skip
        except _REFUSED_SETTINGS as error:
            raise ConfigError(f"pg_params: {error}") from error
        except _PERHAPS_REFUSED as error:
            if "parameter" in str(error):
                raise ConfigError(f"pg_params: {error}") from error
            raise

    def _arguments(self) -> dict[str, Any]:
        """Return the driver's arguments common to all hosts."""
        given = self._parameters
        seconds = int(given.get("connect_timeout", CONNECT_SECONDS))
        arguments: dict[str, Any] = {
            "database": self.database or None,
            # libpq: zero or less means no timeout
            "timeout": seconds if seconds > 0 else None,
            "server_settings": SESSION | pg_params.server_settings(given),
        }
        arguments |= {name: given[name] for name in ("krbsrvname", "gsslib") if name in given}
        if "passfile" in given:
            try:
                Path(given["passfile"]).open("rb").close()
            except OSError as error:
                raise ConfigError(
                    f"passfile: cannot read '{given['passfile']}': {error.strerror}"
                ) from error
            arguments["passfile"] = given["passfile"]
        if given.get("sslnegotiation") == "direct":
            arguments["direct_tls"] = True
        return arguments

    def _tls_of(self, host: Host) -> dict[str, Any]:
        """Return the driver's TLS arguments; raise ConfigError for a bad file."""
        mode = self._parameters.get("sslmode")
        if host.is_socket or mode == "disable":
            return {"ssl": False}
        if mode in ("require", "verify-ca", "verify-full"):
            name = host.name if host.name != host.address else ""
            return {"ssl": tls.context(self._parameters, name)}
        # the driver tries with and without TLS, and does not verify, as libpq
        files = tls.client_files(self._parameters)
        dsn = {"dsn": f"postgresql://?{urlencode(files)}"} if files else {}
        return dsn | ({"ssl": mode} if mode else {})

    def _keep_alive(self, connection: Any) -> None:
        given = self._parameters
        transport = connection._transport.get_extra_info("socket")
        # uvloop's object cannot set options
        with socket.socket(fileno=os.dup(transport.fileno())) as own:
            own.setsockopt(
                socket.SOL_SOCKET, socket.SO_KEEPALIVE, given.get("keepalives", "1") != "0"
            )
            for name, (level, option) in _SOCKET_OPTIONS.items():
                number = int(given.get(name, 0))
                if number > 0 and hasattr(socket, option):
                    own.setsockopt(level, getattr(socket, option), number)


def hosts(
    config: StorageConfig, parameters: Mapping[str, str], read_host: str = ""
) -> tuple[Host, ...]:
    """Return the hosts in order; those of `pg_params` take precedence, except for replicas."""
    names = read_host or parameters.get("host") or config.pg_host
    addresses = "" if read_host else parameters.get("hostaddr", "")
    return pg_params.hosts(names, parameters.get("port") or str(config.pg_port), addresses)


def _service(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the service file's parameters for `service`; raise ConfigError."""
    name = parameters.get("service")
    if name is None:
        return {}
    file = Path(parameters.get("servicefile", "~/.pg_service.conf")).expanduser()
    reader = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    try:
        reader.read_string(file.read_text(encoding="utf-8"))
        pairs = dict(reader[name])
    except KeyError:
        raise ConfigError(f"service: '{file}' has no section '{name}'") from None
    except (OSError, ValueError, configparser.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no service file"
        raise ConfigError(f"service: cannot read '{file}': {reason}") from error
    return pg_params.parse("&".join(f"{key}={quote(value)}" for key, value in pairs.items()))


def _check_user(user: str) -> None:
    """Raise ConfigError if neither the options nor the system provide a user name."""
    try:
        user or getpass.getuser()
    except (KeyError, OSError):
        raise ConfigError("pg_username: is missing, and this system has no user name") from None
