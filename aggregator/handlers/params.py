"""Parses path parameters into domain values, with the Go service's error texts.

Texts of errors are those of contract rest-api 1.3, which clients see.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

from ..errors import InvalidInput
from ..model import (
    MAX_ORG_ID,
    ClusterId,
    ErrorKey,
    Namespace,
    OrgId,
    RuleId,
    RuleSelector,
    UserId,
    check_cluster,
    is_malformed,
    well_formed,
    whole_number,
)

_RULE_ID = re.compile(r"[a-zA-Z_0-9.]+")
_WORD = re.compile(r"[a-zA-Z_0-9]+")
_WORDS = string.ascii_letters + string.digits + "_."
_WORD_DOT_MORE = re.compile(r"[a-zA-Z_0-9]\.[a-zA-Z_0-9.]")


def improper(name: str, text: str, reason: str) -> InvalidInput:
    """Return the error for a parameter that cannot be parsed (contract rest-api 1.3).

    Bytes that are not UTF-8 become `?`, since JSON cannot represent them.
    """
    text = f"Error during parsing param '{name}' with value '{text}'. Error: '{reason}'"
    return InvalidInput(well_formed(text))


def clean(name: str, text: str) -> str:
    """Return text that every storage accepts; raise InvalidInput for NUL or invalid UTF-8."""
    if "\0" in text:
        raise improper(name, text, "NUL character is not allowed")
    if is_malformed(text):
        raise improper(name, well_formed(text), "invalid UTF-8")
    return text


def positive_org(name: str, text: str) -> OrgId:
    """Return an organization 1 ... 4294967295; leading zeros are valid."""
    value = whole_number(text, 2**64 - 1)
    if value is None:
        raise improper(name, text, "unsigned integer expected")
    if value == 0:
        raise improper(name, text, "positive value expected")
    if value > MAX_ORG_ID:
        raise InvalidInput(f"value {value} out of range for uint32")
    return OrgId(value)


def org_id(text: str) -> OrgId:
    """Return the organization in parameter `org_id`."""
    return positive_org("org_id", text)


def organization(text: str) -> OrgId:
    """Return the organization in parameter `organization`."""
    return positive_org("organization", text)


def cluster_id(text: str) -> ClusterId:
    """Return the cluster in parameter `cluster`, not normalised."""
    try:
        return check_cluster(text)
    except InvalidInput as error:
        shown = well_formed(text)
        raise improper("cluster", shown, str(error)) from error


def user_id(text: str) -> UserId:
    """Return the user without surrounding white space; a blank one is missing."""
    stripped = text.strip()
    if not stripped:
        raise InvalidInput("Missing required param from request: user_id")
    return UserId(clean("user_id", stripped))


def rule_id(text: str) -> RuleId:
    """Return a rule id: latin letters, digits, underscores and dots."""
    if not _RULE_ID.fullmatch(text):
        shown = well_formed(text)
        raise improper(
            "rule_id",
            shown,
            "invalid rule ID, it must contain only from latin characters, "
            "number, underscores or dots",
        )
    return RuleId(text)


def error_key(text: str) -> ErrorKey:
    """Return an error key: any text that can be stored."""
    return ErrorKey(clean("error_key", text))


def rule_selector(text: str) -> RuleSelector:
    """Return a rule selector: it must end with `word.word|WORD` (contract rest-api 1.4)."""
    if not _is_selector(text):
        shown = well_formed(text)
        raise improper(
            "rule_selector",
            shown,
            "Param rule_selector is not a valid rule selector (plugin_name|error_key)",
        )
    return RuleSelector(clean("rule_selector", text))


def _is_selector(text: str) -> bool:
    """Return True if the text ends with `word.word|WORD`, in linear time."""
    before, _, key = text.rpartition("|")
    rule = before[len(before.rstrip(_WORDS)) :]
    return bool(_WORD.fullmatch(key) and _WORD_DOT_MORE.search(rule))


def rule_and_key(text: str) -> tuple[RuleId, ErrorKey]:
    """Return the two parts of `rule|KEY`; raise InvalidInput in the words for param `rule`."""
    shown = well_formed(text)
    prefix = f"Error during validating param 'rule' with value '{shown}'. Error: "
    parts = text.split("|")
    if len(parts) != 2:
        raise InvalidInput(
            prefix + "'invalid rule ID, it must contain only rule ID and error key separated by |'"
        )
    if not all(_RULE_ID.fullmatch(part) for part in parts):
        raise InvalidInput(
            prefix + "'invalid rule ID, each part of ID must contain only latin characters, "
            "numbers, underscores or dots'"
        )
    return RuleId(parts[0]), ErrorKey(parts[1])


def rule_with_key(text: str) -> tuple[RuleId, ErrorKey]:
    """Return the two parts of path parameter `rule_id` where it means `rule|KEY`."""
    try:
        return rule_and_key(text)
    except InvalidInput as error:
        shown = well_formed(text)
        raise improper("rule_id", shown, str(error)) from error


def namespace(text: str) -> Namespace:
    """Return a namespace: 1 to 256 characters without a line feed."""
    if "\n" in text or not 1 <= len(text) <= 256:
        raise improper("namespace", text, f"invalid namespace ID: '{text}'")
    return Namespace(clean("namespace", text))


def orgs_list(items: Sequence[str]) -> list[OrgId]:
    """Return organizations of a list; 0 is valid here (contract rest-api 3.0)."""
    orgs = []
    for item in items:
        org = whole_number(item, MAX_ORG_ID)
        if org is None:
            raise improper("organizations", item, "integer array expected")
        orgs.append(OrgId(org))
    return orgs


def clusters_list(items: Sequence[str]) -> list[ClusterId]:
    """Return clusters of a list, each a UUID, with the error of parameter `cluster`."""
    return [cluster_id(item) for item in items]


def report_clusters(items: Sequence[str]) -> list[ClusterId]:
    """Return the clusters of a request for several reports (contract rest-api 3.4)."""
    clusters = []
    for item in items:
        try:
            clusters.append(check_cluster(item))
        except InvalidInput as error:
            shown = well_formed(item)
            raise InvalidInput(f"invalid cluster ID: '{shown}'. Error: {error}") from error
    return clusters


PARAMS: dict[str, Callable[[str], object]] = {
    "org_id": org_id,
    "organization": organization,
    "cluster": cluster_id,
    "user_id": user_id,
    "rule_id": rule_id,
    "error_key": error_key,
    "rule_selector": rule_selector,
    "namespace": namespace,
}
