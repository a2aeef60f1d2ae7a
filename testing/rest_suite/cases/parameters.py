"""Invalid parameters and their error texts (contract rest-api 1.3, 1.4)."""

from __future__ import annotations

from ..probe import InstanceInfo

NOT_FOUND = "Item with ID {} was not found in the storage"
NO_BODY = "client didn't provide request body"
BAD_TYPE = "bad type in json data"
NO_USER = "Missing required param from request: user_id"
BLANK = " \t "
# of one to four bytes, some of them special to SQL, JSON, HTML, formats or shells
ANY_LETTERS = (
    " \"both\" 'quotes' \\ / %s %7C {0} $1 ; -- <b>&amp; "
    "\ttab\nline \u00e9 e\u0301 \u20ac \U0001f600 "
)

_NO_NUMBER = "unsigned integer expected"
_NO_RULE = (
    "invalid rule ID, it must contain only from latin characters, number, underscores or dots"
)
_NO_SELECTOR = "Param rule_selector is not a valid rule selector (plugin_name|error_key)"
NUMBERS = {
    "abc": _NO_NUMBER,
    "-1": _NO_NUMBER,
    "+1": _NO_NUMBER,
    "1.0": _NO_NUMBER,
    " 1": _NO_NUMBER,
    "0x10": _NO_NUMBER,
    "1_0": _NO_NUMBER,
    "\u0661": _NO_NUMBER,
    "99999999999999999999": _NO_NUMBER,
    "0": "positive value expected",
    "000": "positive value expected",
}
TOO_LARGE = "4294967296"
CLUSTERS = {
    "abc": "invalid UUID length: 3",
    "1": "invalid UUID length: 1",
    "25332b89-da0e-59d5-ad16-1eba16cd4ad": "invalid UUID length: 35",
    "25332b89-da0e-59d5-ad16-1eba16cd4adg": "invalid UUID format",
    "25332b89xda0e-59d5-ad16-1eba16cd4adc": "invalid UUID format",
    "urn:xxxx:25332b89-da0e-59d5-ad16-1eba16cd4adc": 'invalid urn prefix: "urn:xxxx:"',
}
RULES = dict.fromkeys(("a-b", "a b", "a|b", "rule's", "a.b\n", "\u00e4.b"), _NO_RULE)
SELECTORS = dict.fromkeys(
    ("abc", "a.b", "a|KEY", "a.b|", "|KEY", "a.b|a.KEY", "a.b|KEY\n", "a.b||", "a-b|K "),
    _NO_SELECTOR,
)


def unreadable(name: str, value: str, reason: str) -> str:
    """Return the text for a parameter that cannot be read."""
    return f"Error during parsing param '{name}' with value '{value}'. Error: '{reason}'"


def improper_organizations(name: str) -> dict[str, str]:
    """Return improper values of an organization's parameter, each with its refusal."""
    words = {value: unreadable(name, value, reason) for value, reason in NUMBERS.items()}
    return {**words, TOO_LARGE: f"value {TOO_LARGE} out of range for uint32"}


def refused_organizations(instance: InstanceInfo, name: str) -> dict[str, str]:
    """Return improper values of an organization's parameter that this instance refuses."""
    words = improper_organizations(name)
    if not instance.behaviour.organizations_limited:
        del words[TOO_LARGE]
    return words


def improper_clusters(name: str = "cluster") -> dict[str, str]:
    """Return improper names of clusters, each with its refusal."""
    return {value: unreadable(name, value, reason) for value, reason in CLUSTERS.items()}


def improper_rules() -> dict[str, str]:
    """Return improper rules, each with its refusal."""
    return {value: unreadable("rule_id", value, reason) for value, reason in RULES.items()}


def improper_selectors() -> dict[str, str]:
    """Return improper selectors of rules, each with its refusal."""
    return {value: unreadable("rule_selector", value, why) for value, why in SELECTORS.items()}


def texts_within(limit: int) -> tuple[str, ...]:
    """Return texts of exactly this number of bytes, in characters of one byte and of two."""
    return "x" * limit, "\u00e4" * (limit // 2)


def texts_beyond(name: str, limit: int) -> dict[str, str]:
    """Return texts of more bytes than that, each with the refusal of the body's member `name`.

    One of them has fewer characters than the limit. The bytes shown may end within one.
    """
    what = {"message": "feedback message"}.get(name, name)
    return {
        text: f"Error during validating param '{name}' with value "
        f"'{text.encode()[:limit].decode(errors='replace')}...'. "
        f"Error: '{what} is longer than {limit} bytes'"
        for text in ("x" * limit + "y", "\u00e4" * (limit // 2 + 1))
    }
