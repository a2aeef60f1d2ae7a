"""Probes the instance under test: its prefix, profile, authentication and version."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .behaviour import BEHAVIOURS, CONCEALING, Behaviour
from .case import DEPARTURES, REFERENCE_2020, REFERENCE_2026
from .checks import CheckFailed
from .client import Client, Exchange
from .contract import DEFAULT_PREFIX
from .credentials import Credentials

PREFIXES = (DEFAULT_PREFIX, "/api/v1/", "/")
PROBE = "probe"
UNAUTHORIZED = {behaviour.unauthorized for behaviour in BEHAVIOURS.values()}
NOBODYS_CLUSTER = "00000000-0000-4000-8000-000000000000"


class Unreachable(Exception):
    """No instance answers there."""


class UsageError(Exception):
    """The options do not fit together, or not with this instance."""


@dataclass(frozen=True, slots=True)
class InstanceInfo:
    """An instance: where its API is, which profile it follows, how it is configured."""

    prefix: str = DEFAULT_PREFIX
    profile: str = REFERENCE_2026
    debug: bool = True
    authenticated: bool = False
    strict: bool = False
    message_limit: int = 255
    version: str = ""

    @property
    def behaviour(self) -> Behaviour:
        """Return how the service of this profile differs from the others."""
        return BEHAVIOURS[self.profile]

    @property
    def conceals(self) -> bool:
        """Return whether clusters of other organizations are answered like unknown ones."""
        return self.strict and self.profile == DEPARTURES

    def foreign(self, owner: int, asking: int) -> str:
        """Return the refusal of what belongs to another organization."""
        return CONCEALING if self.conceals else self.behaviour.foreign.format(owner, asking)


def probe(
    client: Client,
    credentials: Credentials,
    *,
    prefix: str | None = None,
    profile: str | None = None,
    message_limit: int = 255,
) -> InstanceInfo:
    """Ask the instance; raise Unreachable, or UsageError when it wants another identity."""
    asked = _Probe(client, credentials)
    found = _prefix(asked, [_absolute(prefix)] if prefix else list(PREFIXES))
    info = asked.get(found + "info")
    authenticated = asked.get(found, anonymous=True).status in UNAUTHORIZED
    return InstanceInfo(
        prefix=found,
        profile=profile or _profile(asked, found, info),
        debug=asked.get(found + "organizations").status != 404,
        authenticated=authenticated,
        strict=authenticated and _is_strict(asked, found, credentials),
        message_limit=message_limit,
        version=_version(info),
    )


class _Probe:
    """Sends the few requests that tell instances apart."""

    def __init__(self, client: Client, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials

    def get(
        self,
        target: str,
        *,
        method: str = "GET",
        anonymous: bool = False,
        organization: int | None = None,
    ) -> Exchange:
        headers = {} if anonymous else self._credentials.headers(organization)
        return self._client.send(PROBE, method, target, headers=headers)


def _prefix(probe: _Probe, candidates: list[str]) -> str:
    """Return the first prefix whose main endpoint is one of this API."""
    seen = []
    for prefix in candidates:
        exchange = probe.get(prefix)
        seen.append(exchange.place)
        if exchange.status in UNAUTHORIZED:
            raise UsageError(
                f"{exchange.url} answers {exchange.status} {exchange.text.strip()!r}: give --auth "
                "with --org, or --token-file"
            )
        if exchange.status == 200 and '"status"' in exchange.text:
            return prefix
        if exchange.error:
            break
    raise Unreachable("no instance of this API: " + "; ".join(seen))


def _profile(probe: _Probe, prefix: str, info: Exchange) -> str:
    """Tell the three apart: 2020 has no info, and the reference runs the handler for OPTIONS.

    Where a proxy answers OPTIONS itself, the entity tag tells: the reference has none.
    """
    if info.status == 404:
        return REFERENCE_2020
    options = probe.get(prefix + "info", method="OPTIONS")
    if "BuildVersion" in options.text:
        return REFERENCE_2026
    ours = "allow" in options.headers or "etag" in info.headers
    return DEPARTURES if ours else REFERENCE_2026


def _is_strict(probe: _Probe, prefix: str, credentials: Credentials) -> bool:
    """Say whether an organization other than the token's is refused everywhere."""
    other = 1 if credentials.organization != 1 else 2
    path = f"organizations/{other}/clusters/{NOBODYS_CLUSTER}/users/0/report/info"
    return probe.get(prefix + path, organization=other + 1).status == 403


def _version(info: Exchange) -> str:
    """Return the build that the instance says it is, as far as it does."""
    try:
        document = info.json["info"]
        return " ".join(str(document[key]) for key in ("BuildVersion", "BuildCommit"))
    except (CheckFailed, KeyError, TypeError):
        return ""


def _absolute(prefix: str) -> str:
    """Return a prefix with a slash at both ends, however it was given."""
    inner = prefix.strip("/")
    return f"/{inner}/" if inner else "/"


def split_url(url: str, option: str = "--url") -> tuple[str, str | None]:
    """Return origin and path of an instance's URL; the path is the prefix when there is one."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        # the port is looked at when it is asked for
        proper = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        proper = False
    if not proper:
        raise UsageError(f"{option}: http://host[:port][/prefix] expected, not '{url}'")
    path = parts.path if parts.path.strip("/") else None
    return f"{parts.scheme}://{parts.netloc}", path and _absolute(path)
