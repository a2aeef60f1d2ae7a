"""Parses and checks PostgreSQL connection parameters in `pg_params`, named as in libpq."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, unquote_plus

from ..errors import ConfigError

MASK = "***"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# parameters of the connection with a closed list of values
CHOICES = {
    "sslmode": SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "sslcertmode": ("allow", "disable"),
    "ssl_min_protocol_version": ("TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "target_session_attrs": (
        "any", "read-write", "read-only", "primary", "standby", "prefer-standby",
    ),
    "load_balance_hosts": ("disable", "random"),
    "min_protocol_version": ("3.0",),
    "max_protocol_version": ("3.0", "3.2", "latest"),
    # the driver encrypts with TLS only, and SCRAM without channel binding
    "gssencmode": ("disable", "prefer"),
    "channel_binding": ("disable", "prefer"),
    "gsslib": ("gssapi", "sspi"),
    "datestyle": ("ISO, MDY",),
}  # fmt: skip
NUMBERS = frozenset(
    {"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval"}
    | {"keepalives_count", "tcp_user_timeout"}
)
# with their defaults
FLAGS = {
    "sslinline": False, "sslsni": True, "sslcompression": False,
    "binary_parameters": False, "disable_prepared_binary_result": False,
}  # fmt: skip
TEXTS = frozenset(
    {"host", "hostaddr", "port", "user", "password", "dbname", "passfile", "service"}
    | {"servicefile", "sslcert", "sslkey", "sslrootcert", "sslpassword", "sslcrl", "sslcrldir"}
    | {"application_name", "fallback_application_name", "client_encoding", "krbsrvname"}
)
UNSUPPORTED = {
    "krbspn": "the service principal is krbsrvname/host",
    "requiressl": "use sslmode=require",
    "require_auth": "the server's pg_hba.conf decides",
    "requirepeer": "not supported by the driver",
    "gssdelegation": "not supported by the driver",
    "replication": "this is no replication client",
    "sslkeylogfile": "not supported by the driver",
    "scram_client_key": "not supported by the driver",
    "scram_server_key": "not supported by the driver",
}
CONNECTION = frozenset({*CHOICES, *NUMBERS, *FLAGS, *TEXTS})
RENAMED = {"database": "dbname", "tz": "timezone"}
_SECRET = frozenset({"password", "sslpassword"})
_TRUE, _FALSE = {"1", "t", "true", "yes", "on"}, {"0", "f", "false", "no", "off"}
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
# `name=value`, joined by `&` as in a URL, or by spaces as in libpq's keyword form; a space that
# is no separator belongs to the value: `options=-c geqo=off`
_ITEM = re.compile(
    r"[\s&]*(?P<name>[^=&\s]+)\s*(?:=[^\S&]*"
    r"(?:'(?P<quoted>(?:[^'\\]|\\.)*)'(?=[\s&]|$)|(?P<plain>[^&]*?)))?"
    r"(?P<end>\s*&|\s*$|(?<!-c)(?<!\s)\s+(?=[A-Za-z_][\w.]*=))",
    re.DOTALL,
)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Host:
    """One host of a list: its name, the address to connect to, and the port."""

    name: str
    address: str
    port: int

    @property
    def is_socket(self) -> bool:
        """Return True if it is the directory of a Unix socket."""
        return self.address.startswith("/")


def parse(text: str) -> dict[str, str]:
    """Return the parameters by name, checked; raise ConfigError that names the parameter.

    Values are percent-decoded as in a URL, unless they are in single quotes. The first of several
    values of a name counts, and an empty one does not, as in the Go service.
    """
    found: dict[str, str] = {}
    for item in _items(text):
        name = RENAMED.get(unquote(item["name"]), unquote(item["name"]))
        value = _value(name, item)
        if value and name not in found:
            _check(name, value)
            found[name] = value
    _check_together(found)
    return found


def check(text: str, host: str, port: int, read_host: str) -> None:
    """Raise ConfigError for invalid parameters or hosts; it begins with the option's key."""
    try:
        given = parse(text)
    except ConfigError as error:
        raise ConfigError(f"pg_params: {error}") from None
    ports = given.get("port") or str(port)
    try:
        hosts(given.get("host") or host, ports, given.get("hostaddr", ""))
        if read_host:
            hosts(read_host, ports)
    except ConfigError as error:
        raise ConfigError(f"pg_host: {error}") from None


def masked(text: str) -> str:
    """Return the text of the parameters without passwords and private keys."""
    try:
        inline = flag(parse(text), "sslinline")
    except ConfigError:
        inline = True
    secret = _SECRET | ({"sslkey"} if inline else set())
    parts, position = [], 0
    for item in _ITEM.finditer(text):
        if unquote(item["name"]).lower() in secret and item.start("end") > item.end("name"):
            parts.append(f"{text[position : item.end('name')]}={MASK}")
            position = item.start("end")
    return "".join([*parts, text[position:]])


def flag(parameters: dict[str, str], name: str) -> bool:
    """Return the value of a boolean parameter."""
    value = parameters.get(name)
    return FLAGS[name] if value is None else value.lower() in _TRUE


def server_settings(parameters: dict[str, str]) -> dict[str, str]:
    """Return the run-time parameters, which the server sets for the session."""
    settings = {name: value for name, value in parameters.items() if name not in CONNECTION}
    for name in ("fallback_application_name", "application_name"):
        if name in parameters:
            settings["application_name"] = parameters[name]
    return settings


def hosts(names: str, ports: str, addresses: str = "") -> tuple[Host, ...]:
    """Return the hosts of comma-separated lists; raise ConfigError.

    There is one port for all hosts, or one for each. An empty name is localhost.
    """
    found = [name.strip().removeprefix("[").removesuffix("]") for name in names.split(",")]
    places = [address.strip() for address in addresses.split(",")] if addresses else found
    if len(found) == 1 and len(places) > 1:
        found *= len(places)
    if len(places) != len(found):
        raise ConfigError(f"hostaddr: {len(places)} addresses for {len(found)} hosts")
    numbers = [int(port or 5432) for port in ports.split(",")]
    if len(numbers) not in (1, len(found)):
        raise ConfigError(f"{len(numbers)} ports for {len(found)} hosts")
    if len(numbers) == 1:
        numbers *= len(found)
    return tuple(
        Host(name or "localhost", place or name or "localhost", number)
        for name, place, number in map(_checked, found, places, numbers)
    )


def _checked(name: str, place: str, number: int) -> tuple[str, str, int]:
    if name.startswith("@"):
        raise ConfigError(f"host '{name}': abstract sockets are not supported")
    if ":" in name and not name.startswith("/") and not _is_address(name):
        raise ConfigError(f"host '{name}': a name without port expected; the port has its own key")
    if place != name and place and not _is_address(place):
        raise ConfigError(f"hostaddr '{place}': an IP address expected")
    return name, place, number


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _items(text: str) -> list[re.Match[str]]:
    items, position = [], 0
    while text[position:].strip(" \t\r\n&"):
        item = _ITEM.match(text, position)
        if item is None:
            raise ConfigError("name=value expected, joined by '&'")
        items.append(item)
        position = item.end()
    return items


def _value(name: str, item: re.Match[str]) -> str:
    if item["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", item["quoted"], flags=re.DOTALL)
    if item["plain"] is None:
        raise ConfigError(f"{name}: has no value, {name}=value expected")
    if _ESCAPE.search(item["plain"]):
        raise ConfigError(f"{name}: '%' must be written as %25")
    return unquote_plus(item["plain"])


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name}: a parameter's name is letters, digits, '_' and '.'")
    if name in UNSUPPORTED:
        raise ConfigError(f"{name}: is not supported; {UNSUPPORTED[name]}")
    if "\0" in value:
        raise ConfigError(f"{name}: text without NUL bytes expected")
    if expected := _expected(name, value):
        shown = MASK if name in _SECRET | {"sslkey"} else repr(value)
        raise ConfigError(f"{name}: {expected} expected, not {shown}")


def _expected(name: str, value: str) -> str:
    """Return a description of valid values, or "" if the value is valid."""
    if name in CHOICES:
        return "" if value in CHOICES[name] else " or ".join(CHOICES[name])
    if name in NUMBERS:
        return "" if _NUMBER.fullmatch(value) else "a whole number"
    if name in FLAGS:
        return "" if value.lower() in _TRUE | _FALSE else "1 or 0"
    if name == "client_encoding":
        plain = re.sub(r"\W|_", "", value).lower()
        return "" if plain in ("utf8", "unicode") else "UTF8"
    if name == "port":
        return "" if are_ports(value) else "a port, or several with commas,"
    return ""


def _check_together(found: dict[str, str]) -> None:
    mode = found.get("sslmode", "prefer")
    if found.get("sslrootcert") == "system" and not flag(found, "sslinline"):
        # anyone can get a certificate of a public authority, so the host name must be verified
        mode = found.setdefault("sslmode", "verify-full")
        if mode != "verify-full":
            raise ConfigError(f"sslrootcert: 'system' needs sslmode=verify-full, not {mode}")
    if found.get("sslnegotiation") == "direct" and mode in SSL_MODES[:3]:
        raise ConfigError(f"sslnegotiation: 'direct' needs sslmode=require or more, not {mode}")
    if not flag(found, "sslsni") and mode == "verify-full":
        raise ConfigError("sslsni: 0 does not go with sslmode=verify-full")
    if flag(found, "sslinline") and "sslcert" in found and "sslkey" not in found:
        raise ConfigError("sslkey: is missing beside sslcert with sslinline")


def are_ports(text: str) -> bool:
    """Return True if the text is a comma-separated list of ports."""
    return all(
        not port or (port.isascii() and port.isdigit() and 0 < int(port) <= 65535)
        for port in text.split(",")
    )
