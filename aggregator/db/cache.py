"""Redis storage of the cache-writer: report hashes that expire after a day (contract storage 7)."""

from __future__ import annotations

import ast
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisError

from ..config.options import RedisConfig
from ..errors import (
    AggregatorError,
    ConfigError,
    RecordRejected,
    Unavailable,
)
from ..model import REPORT_SUFFIX, Report, utc_now

TTL_SECONDS = 24 * 60 * 60
# what go-redis takes for a timeout of 0; every attempt has a limit
DEFAULT_TIMEOUT = 3.0
# The replies that the record itself can cause: a request ID that ends in `:reports` is the name
# of another request's hash, and a value may be larger than `proto-max-bulk-len`.
_FAULTS_OF_A_RECORD = ("WRONGTYPE ", "ERR string exceeds maximum allowed size")
# redis-py puts the command, which contains the message, before the tuple of replies
_REPLY = " of pipeline caused error: "


def connect(config: RedisConfig) -> Redis:
    """Return a Redis client, which connects on the first command. Raise ConfigError."""
    address = config.endpoint.rpartition("://")[2]
    host, _, port = address.rpartition(":")
    return Redis(
        host=host.strip("[]"),
        port=int(port),
        db=config.database,
        **_tls(config),
        username=config.username or None,
        password=config.password or None,
        socket_timeout=config.timeout_seconds or DEFAULT_TIMEOUT,
        socket_connect_timeout=5,
        socket_keepalive=True,
        # one retry, for a connection that the server closed while idle; ingest retries outages
        retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
    )


def _tls(config: RedisConfig) -> dict[str, Any]:
    """Return the client's TLS arguments; raise ConfigError for an unusable file.

    The certificate and the host's name are verified, against the system's authorities or those of
    the file.
    """
    if not config.encrypted:
        return {}
    files = {
        "ssl_ca_certs": ("cert_path", config.cert_path),
        "ssl_certfile": ("client_cert_path", config.client_cert_path),
        "ssl_keyfile": ("client_key_path", config.client_key_path),
    }
    given = {name: path for name, (_, path) in files.items() if path}
    for key, path in files.values():
        if path:
            _check_pem(f"redis.{key}", path, authority=key == "cert_path")
    return {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True, **given}


def _check_pem(key: str, path: str, *, authority: bool) -> None:
    try:
        if authority:
            ssl.create_default_context(cafile=path)
        else:
            Path(path).open("rb").close()
    except OSError as error:
        raise ConfigError(f"{key}: cannot use '{path}': {error.strerror or error}") from error


class RedisReports:
    """Writes reports only; an older message replaces a newer one."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Write the batch in one round trip; a hash and its expiry are set together."""
        now = utc_now().isoformat(timespec="microseconds")
        processed = now.rstrip("0").rstrip(".") + "Z"
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                for report in reports:
                    key = _key(report)
                    pipe.set(key, "", ex=TTL_SECONDS)
                    pipe.hset(f"{key}:reports", mapping=_fields(report, processed))
                    pipe.expire(f"{key}:reports", TTL_SECONDS)
                await pipe.execute()
        except (RedisError, OSError, UnicodeEncodeError) as error:
            raise _translated(error) from error
        return [True] * len(reports)

    async def check(self) -> None:
        """Return when Redis answers; else raise Unavailable."""
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            raise Unavailable(f"redis: {_reply(error)}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _translated(error: Exception) -> AggregatorError:
    """Return RecordRejected for errors that a record can cause, Unavailable for all others."""
    reply = _reply(error)
    if isinstance(error, DataError | UnicodeEncodeError) or reply.startswith(_FAULTS_OF_A_RECORD):
        return RecordRejected(f"redis: {reply}")
    return Unavailable(f"redis: {reply}")


def _reply(error: Exception) -> str:
    """Return the server's reply with its error code, which redis-py may have cut off."""
    text, annotated, arguments = str(error).rpartition(_REPLY)
    reply = str(ast.literal_eval(arguments)[0]) if annotated else text or arguments
    reply = reply or type(error).__name__
    code = getattr(error, "status_code", None)
    return f"{code} {reply}" if code and not reply.startswith(code) else reply


def _key(report: Report) -> str:
    return f"organization:{report.org}:cluster:{report.cluster}:request:{report.request_id}"


def _fields(report: Report, processed: str) -> dict[Any, Any]:
    hits = (f"{hit.rule_id.removesuffix(REPORT_SUFFIX)}|{hit.error_key}" for hit in report.hits)
    return {
        "request_id": report.request_id,
        "cluster_id": report.cluster,
        "org_id": str(report.org),
        "received_timestamp": report.gathered_text,
        "processed_timestamp": processed,
        "rule_hits": ",".join(hits),
    }
