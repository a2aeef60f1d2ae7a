"""Why an address takes no connection: what the client expects there, and what is there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError, UnsupportedSaslMechanismError
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from .errors import reason

# of the settings of a client, those that a single connection takes, too
_OF_CONNECTION = (
    "client_id", "request_timeout_ms", "security_protocol", "ssl_context",
    "sasl_mechanism", "sasl_plain_username", "sasl_plain_password",
)  # fmt: skip
PATIENCE = 5.0
SHORT = 2.0


async def refusals(settings: Mapping[str, Any]) -> str:
    """Return the reason of each address; nothing if one of them takes a connection."""
    hosts = collect_hosts(settings["bootstrap_servers"], randomize=False)
    own = {name: settings[name] for name in _OF_CONNECTION if name in settings}
    reasons = await asyncio.gather(*(_refusal(host, port, own) for host, port, _ in hosts))
    return "; ".join(reasons) if all(reasons) else ""


async def _refusal(host: str, port: int, settings: dict[str, Any]) -> str:
    """Return why this address takes no connection, or nothing if it takes one."""
    place = f"{host}:{port}"
    protocol = settings.get("security_protocol", "PLAINTEXT")
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await create_conn(host, port, **settings)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except ssl.SSLCertVerificationError as error:
        why = f"certificate verify failed: {error.verify_message}"
        return f"{place} cannot be trusted: {why} (see broker.cert_path)"
    except UnsupportedSaslMechanismError:
        offered = await _mechanisms(host, port, settings) or "unknown ones"
        return (
            f"{place} refuses: UnsupportedSaslMechanism, it offers {offered}; "
            f"broker.sasl_mechanism is {settings['sasl_mechanism']}"
        )
    except TimeoutError:
        told = f"{place} does not answer"
    except KafkaError as error:
        told = f"{place} refuses: {reason(error)}"
    except OSError as error:
        told = f"{place} cannot be reached: {error.strerror or error}"
        if isinstance(error, ConnectionRefusedError):
            return told
    else:
        return ""
    found = await _speaks_other(host, port, settings)
    return f"{told} ({found}; broker.security_protocol is {protocol})" if found else told


async def _speaks_other(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """Return what the listener is, if the protocol is not what it expects."""
    protocol = settings.get("security_protocol", "PLAINTEXT")
    if protocol.endswith("SSL"):
        if await _speaks_plaintext(host, port):
            return "it takes no TLS"
    elif await _speaks_tls(host, port):
        return "it expects TLS"
    if not protocol.startswith("SASL") and await _mechanisms(host, port, settings):
        return "it expects a login with SASL"
    return ""


async def _speaks_plaintext(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(SHORT):
            (await create_conn(host, port)).close()
    except (KafkaError, OSError):
        return False
    return True


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(SHORT):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.transport.abort()
    except OSError:
        return False
    return True


async def _mechanisms(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """Return the mechanisms that the listener offers for a login, nothing if it has no SASL."""
    protocol = settings.get("security_protocol", "PLAINTEXT").removeprefix("SASL_")
    try:
        async with asyncio.timeout(SHORT):
            connection = await create_conn(
                host, port, security_protocol=protocol, ssl_context=settings.get("ssl_context")
            )
            try:
                # no broker has this one, so the answer lists those that it has
                answer = await connection.send(SaslHandShakeRequest("NONE"))
            finally:
                connection.close()
    except (KafkaError, OSError):
        return ""
    return ", ".join(answer.enabled_mechanisms)
