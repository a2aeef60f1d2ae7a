"""How a correct instance reads parameters, bodies and identity headers."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from tests.mutation.middleware import Request

from .model import Refusal


def unreadable(name: str, value: str, reason: str) -> Refusal:
    return Refusal(400, f"Error during parsing param '{name}' with value '{value}'. "
                        f"Error: '{reason}'")  # fmt: skip


def number(name: str, value: str) -> int:
    """Return an organization."""
    if not re.fullmatch("[0-9]+", value) or int(value) >= 2**64:
        raise unreadable(name, value, "unsigned integer expected")
    if int(value) == 0:
        raise unreadable(name, value, "positive value expected")
    if int(value) >= 2**32:
        raise Refusal(400, f"value {value} out of range for uint32")
    return int(value)


def uuid(name: str, value: str) -> str:
    """Return the name of a cluster as it is written."""
    if len(value) == 45 and not value.lower().startswith("urn:uuid:"):
        raise unreadable(name, value, f'invalid urn prefix: "{value[:9]}"')
    if len(value) not in (36, 45):
        raise unreadable(name, value, f"invalid UUID length: {len(value)}")
    if not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value[-36:]):
        raise unreadable(name, value, "invalid UUID format")
    return value


def matching(pattern: str, reason: str) -> Callable[[str, str], str]:
    """Return a parser of texts that a pattern ends with."""

    def parse(name: str, value: str) -> str:
        if not re.search(pattern, value):
            raise unreadable(name, value, reason.replace("{}", value))
        return value

    return parse


def user(name: str, value: str) -> str:
    if not value.strip():
        raise Refusal(400, f"Missing required param from request: {name}")
    return value


PARSERS: dict[str, Callable[[str, str], Any]] = {
    "org_id": number,
    "organization": number,
    "cluster": uuid,
    "user_id": user,
    "rule_id": matching(
        r"\A[a-zA-Z_0-9.]+\Z",
        "invalid rule ID, it must contain only from latin characters, number, underscores or dots",
    ),
    "rule_selector": matching(
        r"[a-zA-Z_0-9]+\.[a-zA-Z_0-9.]+\|[a-zA-Z_0-9]+\Z",
        "Param rule_selector is not a valid rule selector (plugin_name|error_key)",
    ),
    "namespace": matching(r"\A[^\n]{1,256}\Z", "invalid namespace ID: '{}'"),
}


def body_of(request: Request, kind: type, *, optional: bool = False) -> Any:
    """Return the JSON of a body: the first value, with names in lower case."""
    text = request.body.decode().lstrip()
    if not text and optional:
        return kind()
    if not text:
        raise Refusal(400, "client didn't provide request body")
    fold = json.JSONDecoder(object_pairs_hook=lambda ps: {k.lower(): v for k, v in ps})
    try:
        document = fold.raw_decode(text)[0]
    except ValueError as error:
        raise Refusal(400, f"no JSON: {error}") from None
    if document is not None and not isinstance(document, kind):
        raise Refusal(400, "bad type in json data")
    return document or kind()


def names(found: Any) -> list[str]:
    """Return a list of names."""
    if not isinstance(found, list) or not all(isinstance(n, str | None) for n in found):
        raise Refusal(400, "bad type in json data")
    return [name or "" for name in found]


def identity(header: str | None) -> int:
    """Return the organization of an identity header."""
    if not header:
        raise Refusal(401, "Missing auth token")
    fold = json.JSONDecoder(object_pairs_hook=lambda ps: {k.lower(): v for k, v in ps})
    try:
        text = base64.b64decode(header, validate=True).decode()
        found = (fold.decode(text) or {}).get("identity") or {}
        who, inner = found.get("user") or {}, found.get("internal") or {}
        org = found.get("org_id", inner.get("org_id"))
        account = found.get("account_number") or ""
        texts = [who.get(name, "") for name in ("username", "email", "user_id")]
        if not all(isinstance(one, str) for one in (account, *texts, org or "")):
            raise ValueError("no text")
        if org is not None and not 0 <= int(org) < 2**32:
            raise ValueError(org)
    except (ValueError, AttributeError, binascii.Error):
        raise Refusal(401, "Malformed authentication token") from None
    if org is None or not int(org):
        shown = "Username:{} Email:{} UserID:{}".format(*texts)
        raise Refusal(
            401, "error retrieving requester org_id from token. "
            f"account_number [{account}], user data [{{{shown}}}]",
        )  # fmt: skip
    return int(org)
