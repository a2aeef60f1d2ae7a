"""Probes why a connection fails: compares the listener's protocol with the configured one."""

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

# settings of a client that apply to a single connection
_OF_CONNECTION = (
    "client_id", "request_timeout_ms", "security_protocol", "ssl_context",
    "sasl_mechanism", "sasl_plain_username", "sasl_plain_password",
)  # fmt: skip
CONNECT_SECONDS = 5.0
PROBE_SECONDS = 2.0


async def refusals(settings: Mapping[str, Any]) -> str:
    """Return the reason of each address; empty if one of them accepts a connection."""
    hosts = collect_hosts(settings["bootstrap_servers"], randomize=False)
    own = {name: settings[name] for name in _OF_CONNECTION if name in settings}
    reasons = await asyncio.gather(*(_refusal(host, port, own) for host, port, _ in hosts))
    return "; ".join(reasons) if all(reasons) else ""


async def _refusal(host: str, port: int, settings: dict[str, Any]) -> str:
    """Return why this address accepts no connection; empty if it does."""
    address = f"{host}:{port}"
    protocol = settings.get("security_protocol", "PLAINTEXT")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await create_conn(host, port, **settings)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except ssl.SSLCertVerificationError as error:
        why = f"certificate verify failed: {error.verify_message}"
        return f"{address} cannot be trusted: {why} (see broker.cert_path)"
    except UnsupportedSaslMechanismError:
        offered = await _mechanisms(host, port, settings) or "unknown ones"
        return (
            f"{address} refuses: UnsupportedSaslMechanism, it offers {offered}; "
            f"broker.sasl_mechanism is {settings['sasl_mechanism']}"
        )
    except TimeoutError:
        error_text = f"{address} does not answer"
    except KafkaError as error:
        error_text = f"{address} refuses: {reason(error)}"
    except OSError as error:
        error_text = f"{address} cannot be reached: {error.strerror or error}"
        if isinstance(error, ConnectionRefusedError):
            return error_text
    else:
        return ""
    found = await _speaks_other(host, port, settings)
    hint = f" ({found}; broker.security_protocol is {protocol})" if found else ""
    return error_text + hint


async def _speaks_other(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """Return the protocol that the listener expects, if it is another one; else empty."""
    protocol = settings.get("security_protocol", "PLAINTEXT")
    if protocol.endswith("SSL"):
        if await _speaks_plaintext(host, port):
            return "it does not speak TLS"
    elif await _speaks_tls(host, port):
        return "it expects TLS"
    if not protocol.startswith("SASL") and await _mechanisms(host, port, settings):
        return "it expects a login with SASL"
    return ""


async def _speaks_plaintext(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            (await create_conn(host, port)).close()
    except (KafkaError, OSError):
        return False
    return True


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.transport.abort()
    except OSError:
        return False
    return True


async def _mechanisms(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """Return the SASL mechanisms that the listener offers, empty without SASL."""
    protocol = settings.get("security_protocol", "PLAINTEXT").removeprefix("SASL_")
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            connection = await create_conn(
                host, port, security_protocol=protocol, ssl_context=settings.get("ssl_context")
            )
            try:
                # no broker supports this one, so the answer lists the supported ones
                answer = await connection.send(SaslHandShakeRequest("NONE"))
            finally:
                connection.close()
    except (KafkaError, OSError):
        return ""
    return ", ".join(answer.enabled_mechanisms)
