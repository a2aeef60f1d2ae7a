"""Masks secrets in text, recognized by variable name or by pattern."""

from __future__ import annotations

import re

MASK = "***"

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|dsn|signature"
    r"|(?:api|access|account|private|secret|signing|encryption|shared)[_-]?key"
)
# names of environment variables; KEY counts as a word, as in REDIS_KEY
_SECRET_NAME = re.compile(
    r"PASS|PWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|SIGNATURE|COOKIE|DSN|(?:^|_|API|ACCESS)KEYS?(?:_|$)",
    re.IGNORECASE,
)
_ORDINARY_NAME = re.compile(r"(?:OLD)?PWD|.*_(?:FILE|PATH|DIR|ID|NAME)", re.IGNORECASE)

_QUOTED = r"""("(?:[^"\\]|\\.){0,4000}"|'(?:[^'\\]|\\.){0,4000}'|[^\s,}\]]+)"""
# each pattern starts at a word boundary and has bounded repeats, so matching is linear
_SECRETS = {
    # scheme://user:password@host, as in proxies and connection strings; / and @ may be in it
    r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://[^\s/?#@:'\"]{0,300}:)[^\s'\"]{0,4000}(?=@)": (
        rf"\1{MASK}"
    ),
    # https://token@host
    r"((?<![a-z])https?://)[^\s/?#@:'\"]{1,4000}(?=@)": rf"\1{MASK}",
    # user:password@host without a scheme
    r"(?<![\w/.+%-])([\w.+%-]{1,300}:)(?!//)[^\s@/'\"]{1,4000}(?=@)": rf"\1{MASK}",
    # "password": "..." in JSON, also as Python prints it
    rf"""(["'][\w.-]{{0,100}}(?:{_NAMES})["']\s*:\s*){_QUOTED}""": rf'\1"{MASK}"',
    # password=... and password:..., with or without quotes
    rf"""((?<![\w.-])[\w.-]{{0,100}}(?:{_NAMES})(?:\s{{0,20}}=\s*|:(?=\S)))"""
    r"""("[^"]{0,4000}"|'[^']{0,4000}'|[^\s&;,]+)""": rf"\1{MASK}",
    # headers
    r"\b(Bearer|Basic)\s{1,20}[\w.~+/=-]{8,}": rf"\1 {MASK}",
    # a JWT
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*": MASK,
    r"(?s)(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?:-----END [A-Z ]{0,40}-----|$)": (
        rf"\1{MASK}"
    ),
}
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), masked) for pattern, masked in _SECRETS.items()]


def mask_text(text: str) -> str:
    """Return the text with everything masked that matches a pattern of secrets."""
    for pattern, masked in _PATTERNS:
        if "(?=@)" not in pattern.pattern or "@" in text:
            text = pattern.sub(masked, text)
    return text


def mask_variable(name: str, value: str) -> str:
    """Return the value of an environment variable, masked by its name or by patterns."""
    return MASK if value and is_secret_name(name) else mask_text(value)


def is_secret_name(name: str) -> bool:
    """Return True if a variable of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _ORDINARY_NAME.fullmatch(name)
