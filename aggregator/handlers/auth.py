"""Authentication: reads x-rh-identity or a JWT into an Identity (contract rest-api 1.5)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ..config.options import ServerConfig
from ..errors import ConfigError, Unauthorized
from ..model import (
    MAX_ORG_ID,
    OrgId,
    well_formed,
    whole_number,
)
from .body import document
from .jwt_keys import KeyFile

MISSING = "Missing auth token"
MALFORMED = "Malformed authentication token"
# most bytes of a token; reading one of 1 MiB that nobody has signed takes 0.1 s
LONGEST_TOKEN = 64 * 1024

# what the JWT library raises on numbers and names that it does not expect
_UNEXPECTED = (ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Identity:
    """The organization that a valid token speaks for."""

    org: OrgId


class Authenticator(Protocol):
    """A method of authentication."""

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Return the identity; raise Unauthorized."""


class XrhAuthenticator:
    """Reads `x-rh-identity`, which the platform's gateway sets after its own checks."""

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Decode the header."""
        token = headers.get("x-rh-identity", "")
        if not token:
            raise Unauthorized(MISSING)
        if len(token) > LONGEST_TOKEN:
            raise Unauthorized(MALFORMED)
        try:
            found = document(base64.b64decode(token, validate=True))
        except (ValueError, RecursionError) as error:
            raise Unauthorized(MALFORMED) from error
        return _identity(found)


class JwtAuthenticator:
    """Reads `Authorization: Bearer`, with the signature verified against configured keys."""

    def __init__(self, config: ServerConfig) -> None:
        import jwt

        self._jwt = jwt
        self._algorithms = list(config.jwt_algorithms) or ["RS256"]
        self.keys = KeyFile(config)
        self._checks: dict[str, Any] = {
            "audience": config.jwt_audience or None,
            "issuer": config.jwt_issuer or None,
            "leeway": config.jwt_leeway,
            "options": {
                "verify_aud": bool(config.jwt_audience),
                "require": ["exp"] if config.jwt_require_exp else [],
            },
        }

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Verify the signature and what else is asked for, then read the claims."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if not scheme:
            raise Unauthorized(MISSING)
        if len(scheme) + len(token) > LONGEST_TOKEN:
            raise Unauthorized(MALFORMED)
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized(MALFORMED)
        try:
            claims = self._claims(token.strip())
        except (self._jwt.PyJWTError, *_UNEXPECTED) as error:
            raise Unauthorized(MALFORMED) from error
        # tokens of 2020 hold the identity's attributes themselves
        return _identity(claims if "identity" in claims else {"identity": claims})

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the verified claims, names without case."""
        kid = self._jwt.get_unverified_header(token).get("kid")
        claims: dict[str, Any] = document(json.dumps(self._verified(token, kid)).encode())
        return claims

    def _verified(self, token: str, kid: object) -> Any:
        """Return the claims if one of the keys that the token may mean has signed it."""
        *others, last = self.keys.candidates(kid)
        for key in others:
            with suppress(self._jwt.InvalidSignatureError):
                return self._jwt.decode(token, key, algorithms=self._algorithms, **self._checks)
        return self._jwt.decode(token, last, algorithms=self._algorithms, **self._checks)


def authenticator(config: ServerConfig) -> Authenticator | None:
    """Return the configured way to authenticate, None when `server.auth` is off."""
    if not config.auth:
        return None
    if config.auth_type == "xrh":
        return XrhAuthenticator()
    if config.auth_type == "jwt":
        return JwtAuthenticator(config)
    raise ConfigError(f"server.auth_type: xrh or jwt expected, not '{config.auth_type}'")


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unauthorized(MALFORMED)
    return value


def _text(parent: dict[str, Any], name: str) -> str:
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unauthorized(MALFORMED)
    return well_formed(value)


def _identity(found: Any) -> Identity:
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise Unauthorized(MALFORMED)
    identity = _object(found, "identity")
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
    """Refuse wrong types also where the value is of no use here, as the Go service does."""
    _text(identity, "type")
    account = _object(identity, "service_account")
    for name in ("client_id", "username"):
        _text(account, name)


def _organization(text: str) -> OrgId:
    org = whole_number(text, MAX_ORG_ID)
    if org is None:
        raise Unauthorized(MALFORMED)
    return OrgId(org)
