"""The Redis storage of the cache-writer: what a report says, for a day (contract storage 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..config import RedisConfig
from ..errors import ConfigError, RecordRejected, Unavailable
from ..model import REPORT_SUFFIX, Report, utc_now

TTL_SECONDS = 24 * 60 * 60
DATABASES = range(16)


def connect(config: RedisConfig) -> Redis:
    """Return a client; nothing is connected before the first command. Raise ConfigError."""
    host, _, port = config.endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"redis.endpoint: host:port expected, not '{config.endpoint}'")
    if config.database not in DATABASES:
        raise ConfigError(f"redis.database: 0 to 15 expected, not {config.database}")
    return Redis(
        host=host.strip("[]"),
        port=int(port),
        db=config.database,
        username=config.username or None,
        password=config.password or None,
        socket_timeout=config.timeout_seconds or None,
        socket_connect_timeout=5,
    )


class RedisReports:
    """Writes reports only; every message is kept, whatever its age."""

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
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            raise Unavailable(f"redis: {error}") from error
        except RedisError as error:
            raise RecordRejected(f"redis: {error}") from error
        return [True] * len(reports)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


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
