"""How the services of the three profiles differ where cases share their demands, as data."""

from __future__ import annotations

from dataclasses import dataclass

from .case import DEPARTURES, REFERENCE_2020, REFERENCE_2026

MISSING = "Missing auth token"
MALFORMED = "Malformed authentication token"
FOREIGN = (
    "you have no permissions to get or change info about the organization with ID {}; "
    "you can access info about organization with ID {}"
)
# with `organization_check: strict` no organization is named
CONCEALING = "you have no permissions to get or change info about this organization"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The answers of one service; the defaults are those of 2026."""

    # what a request without a token or with one that cannot be read is answered
    unauthorized: int = 401
    missing_token: str = MISSING
    missing_bearer: str = MISSING
    malformed_token: str = MALFORMED
    # the refusal of what belongs to another organization
    foreign: str = FOREIGN
    # an identity without an organization is refused
    organization_demanded: bool = True
    # the user in the identity is read, so that its members must have the right types
    user_read: bool = True
    signatures_verified: bool = True
    # organizations beyond 32 bits are refused; the service of 2020 cuts them to 32 bits
    organizations_limited: bool = True
    # operations that its own openapi.json does not describe, a known defect
    undescribed: frozenset[str] = frozenset()


BEHAVIOURS = {
    REFERENCE_2026: Behaviour(undescribed=frozenset({"main"})),
    DEPARTURES: Behaviour(),
    REFERENCE_2020: Behaviour(
        unauthorized=403,
        missing_bearer="Invalid/Malformed auth token",
        foreign="You have no permissions to get or change info about this organization",
        organization_demanded=False,
        user_read=False,
        signatures_verified=False,
        organizations_limited=False,
    ),
}
