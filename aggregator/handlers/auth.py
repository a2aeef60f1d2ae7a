"""Who is asking: the identity header or a JWT, read into an Identity (contract rest-api 1.5)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..config import ServerConfig
from ..errors import ConfigError, Unauthorized
from ..model import MAX_ORG_ID, OrgId
from .body import folded

MISSING = "Missing auth token"
MALFORMED = "Malformed authentication token"


@dataclass(frozen=True, slots=True)
class Identity:
    """The organization that a valid token speaks for."""

    org: OrgId


class Authenticator(Protocol):
    """One way to tell who is asking."""

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Return the identity; raise Unauthorized."""


class XrhAuthenticator:
    """Reads `x-rh-identity`, which the platform's gateway sets after its own checks."""

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Decode the header."""
        token = headers.get("x-rh-identity", "")
        if not token:
            raise Unauthorized(MISSING)
        try:
            document = json.loads(base64.b64decode(token, validate=True), object_pairs_hook=folded)
        except (binascii.Error, ValueError, RecursionError) as error:
            raise Unauthorized(MALFORMED) from error
        return _identity(document)


class JwtAuthenticator:
    """Reads `Authorization: Bearer`, with the signature verified against configured keys."""

    def __init__(self, config: ServerConfig) -> None:
        import jwt

        self._jwt = jwt
        self._algorithms = list(config.jwt_algorithms) or ["RS256"]
        self._key, self._keys = _load_keys(config)

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Verify the signature, then read the claims, which have the identity's shape."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if not scheme:
            raise Unauthorized(MISSING)
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized(MALFORMED)
        try:
            key = self._key_for(token.strip())
            claims = self._jwt.decode(
                token.strip(), key, algorithms=self._algorithms, options={"verify_aud": False}
            )
        except self._jwt.PyJWTError as error:
            raise Unauthorized(MALFORMED) from error
        document = json.loads(json.dumps(claims), object_pairs_hook=folded)
        return _identity(document)

    def _key_for(self, token: str) -> Any:
        if self._key is not None:
            return self._key
        wanted = self._jwt.get_unverified_header(token).get("kid")
        for key in self._keys:
            if wanted is None or key.key_id == wanted:
                return key
        raise self._jwt.InvalidKeyError("no key has the token's kid")


def authenticator(config: ServerConfig) -> Authenticator | None:
    """Return the configured way to authenticate, None when `server.auth` is off."""
    if not config.auth:
        return None
    if config.auth_type == "xrh":
        return XrhAuthenticator()
    if config.auth_type == "jwt":
        return JwtAuthenticator(config)
    raise ConfigError(f"server.auth_type: xrh or jwt expected, not '{config.auth_type}'")


def _load_keys(config: ServerConfig) -> tuple[Any, list[Any]]:
    """Return (single key, key set); files are read once at start."""
    import jwt

    name = config.jwt_key_file or config.jwt_jwks_file
    option = "server.jwt_key_file" if config.jwt_key_file else "server.jwt_jwks_file"
    if not name:
        raise ConfigError(
            "server.auth_type is jwt: server.jwt_key_file or server.jwt_jwks_file is needed"
        )
    try:
        text = Path(name).read_text()
        if config.jwt_key_file:
            return text.strip(), []
        return None, list(jwt.PyJWKSet.from_json(text).keys)
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise ConfigError(f"{option}: cannot read keys from '{name}': {error}") from error


def _object(document: Any, name: str) -> dict[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unauthorized(MALFORMED)
    return value


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unauthorized(MALFORMED)
    return value


def _identity(document: Any) -> Identity:
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise Unauthorized(MALFORMED)
    identity = _object(document, "identity")
    user = _object(identity, "user")
    account = _text(identity, "account_number")
    names = [_text(user, name) for name in ("username", "email", "user_id")]
    _check_unread(identity)
    source, least = identity, 1
    if identity.get("org_id") is None:
        # tokens of 2020 may be those of organization 0, which no path can name
        source, least = _object(identity, "internal"), 0
    if source.get("org_id") is not None:
        org = _organization(_text(source, "org_id"))
        if org >= least:
            return Identity(org)
    raise Unauthorized(
        f"error retrieving requester org_id from token. account_number [{account}], "
        f"user data [{{Username:{names[0]} Email:{names[1]} UserID:{names[2]}}}]"
    )


def _check_unread(identity: dict[str, Any]) -> None:
    """Refuse wrong types also where the value is of no use here, as the reference does."""
    _text(identity, "type")
    account = _object(identity, "service_account")
    for name in ("client_id", "username"):
        _text(account, name)


def _organization(text: str) -> OrgId:
    if not (text.isascii() and text.isdigit()) or int(text[-4000:]) > MAX_ORG_ID:
        raise Unauthorized(MALFORMED)
    return OrgId(int(text))
