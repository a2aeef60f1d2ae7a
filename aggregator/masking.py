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
    r"PASS|PWD|SECRET|TOKEN|CRED|PRIVATE|SIGN(?:ATURE|ING)|COOKIE|DSN|HMAC|BEARER|CSRF|WEBHOOK"
    r"|CONNECTION_?STRING|(?:^|[_-]|API|ACCESS|S3|SSH|PRIV)KEYS?\d*(?:[_-]|$)|PW\d*$"
    r"|(?:^|_)(?:JWT|SAS|SALT|PAT|PIN|SESSION_?ID)(?:_|$)|AUTH(?:ORIZATION|_CONFIG)?$",
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
    # user:password as an argument
    r"((?<!\S)(?:-u|--user)[\s=]{1,20}[^\s:]{1,300}:)\S{1,4000}": rf"\1{MASK}",
    # \"password\": \"...\" in JSON within JSON
    rf"""((\\{{1,8}}["'])[\w.-]{{0,100}}(?:{_NAMES})\2\s*:\s*\2)"""
    r"""(?:(?!\2).){0,4000}""": rf"\1{MASK}",
    # "password": "..." in JSON, also as Python prints it
    rf"""(["'][\w.-]{{0,100}}(?:{_NAMES}|pw)["']\s*:\s*){_QUOTED}""": rf'\1"{MASK}"',
    r"""(["'](?:auth|authorization|cookie)["']\s*:\s*)"(?:[^"\\]|\\.){0,4000}\"""": rf'\1"{MASK}"',
    # {"name": "DB_PASSWORD", "value": "..."}
    rf"""("name"\s*:\s*"[\w.-]{{0,100}}(?:{_NAMES})[\w.-]{{0,100}}"\s*,\s*"value"\s*:\s*)"""
    rf"{_QUOTED}": rf'\1"{MASK}"',
    # <password>...</password>
    rf"(<(?:[\w.-]{{0,100}}(?:{_NAMES}))>)[^<]{{1,4000}}": rf"\1{MASK}",
    # password: and the value on the next line, as in YAML
    rf"((?<![\w.-])[\w.-]{{0,100}}(?:{_NAMES}):[ \t]{{0,20}}[|>]?-?\n[ \t]{{1,100}})"
    r"[^\n]{1,4000}": rf"\1{MASK}",
    # password: ... alone on its line
    rf"""(?m)((?<![\w.-])[\w.-]{{0,100}}(?:{_NAMES}|pw):[ \t]{{1,20}})"""
    r"""("[^"\n]{0,4000}"|'[^'\n]{0,4000}'|[^\s"']{1,4000})(?=[ \t]{0,20}$)""": rf"\1{MASK}",
    # --password ...
    rf"((?<!\S)--?[\w.-]{{0,100}}(?:{_NAMES})\s{{1,20}})[^\s-]\S{{0,4000}}": rf"\1{MASK}",
    # login ... password ... of .netrc
    r"(\blogin\s{1,20}\S{1,300}\s{1,20}password\s{1,20})\S{1,4000}": rf"\1{MASK}",
    # password=... and password:..., with or without quotes
    rf"""((?<![\w.-])[\w.-]{{0,100}}(?:{_NAMES})(?:\s{{0,20}}=\s*|%3D|:(?=\S)))"""
    r"""("[^"]{0,4000}"|'[^']{0,4000}'|[^\s&;,]+)""": rf"\1{MASK}",
    r"([?&]sig=)[^\s&#]{1,4000}": rf"\1{MASK}",
    r"(//hooks\.slack\.com/)[^\s'\"]{1,4000}": rf"\1{MASK}",
    # headers
    r"\b(Bearer|Basic)\s{1,20}[\w.~+/=-]{8,}": rf"\1 {MASK}",
    r"(?m)(\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-rh-identity|x-[\w-]{0,50}"
    r"(?:key|token|secret)):[ \t]{1,20})[^\s'\"][^\n'\"]{0,4000}": rf"\1{MASK}",
    # a JWT
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*": MASK,
    r"(?s)(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
    r".*?(?:-----END [A-Z ]{0,40}-----|$)": rf"\1{MASK}",
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
