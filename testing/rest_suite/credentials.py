"""Who the requests come from: an identity header, a bearer token, or nobody."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

IDENTITY_HEADER = "x-rh-identity"
# tokens of 2020 may be in the standard alphabet of base64, with padding
_TO_URL_ALPHABET = str.maketrans("+/", "-_")


class Credentials(Protocol):
    """One way to say who is asking."""

    @property
    def organization(self) -> int | None:
        """Return the only organization that they speak for, None when they speak for any."""

    def headers(self, organization: int | None) -> Mapping[str, str]:
        """Return headers for a request about an organization (None: about none of them)."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """No header at all; an organization is given when a proxy adds its own."""

    organization: int | None = None

    def headers(self, organization: int | None) -> Mapping[str, str]:
        """Return no headers."""
        return {}


@dataclass(frozen=True, slots=True)
class IdentityHeader:
    """`x-rh-identity` for the requested or a given organization (contract rest-api 1.5)."""

    organization: int | None = None
    account: str = "rest-suite"
    user: str = "rest-suite"

    def headers(self, organization: int | None) -> Mapping[str, str]:
        """Return the identity header; organization 1 asks when it does not matter who."""
        return {IDENTITY_HEADER: self.token(self.organization or organization or 1)}

    def token(self, organization: object) -> str:
        """Return the base64 of an identity."""
        identity = {
            "account_number": self.account,
            "org_id": str(organization),
            # where the service of 2020 reads it
            "internal": {"org_id": str(organization)},
            "type": "User",
            "user": {"username": self.user, "email": "", "user_id": self.user},
        }
        return encoded({"identity": identity})


@dataclass(frozen=True, slots=True)
class Bearer:
    """A JWT, which speaks for one organization."""

    token: str
    organization: int | None = None

    def headers(self, organization: int | None) -> Mapping[str, str]:
        """Return the token, whatever is asked about."""
        return {"Authorization": f"Bearer {self.token}"}


def encoded(document: object) -> str:
    """Return a JSON document as the base64 text of the identity header."""
    return base64.b64encode(json.dumps(document).encode()).decode()


def organization_of(token: str) -> int | None:
    """Return the organization that a JWT names (its signature is the instance's matter).

    Its claims are an identity, or flat, as they were in 2020:
    `{"account_number": "5213476", "org_id": "1234"}`.
    """
    try:
        payload = token.split(".")[1].rstrip("=").translate(_TO_URL_ALPHABET)
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        identity = claims.get("identity") or claims
        return int(identity.get("org_id") or identity["internal"]["org_id"])
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return None
