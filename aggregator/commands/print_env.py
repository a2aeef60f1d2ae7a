"""`print-env`: the environment variables, secrets masked."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..config import MASK, SECRETS, Config

_SECRET_WORDS = ("PASS", "SECRET", "TOKEN", "DSN", "CREDENTIAL", "PRIVATE", "API_KEY")


def run(_config: Config, _argv: Sequence[str]) -> int:
    """Print KEY=VALUE a line (departure 28: what looks like a secret is masked)."""
    for name, value in sorted(os.environ.items()):
        print(f"{name}={MASK if value and _is_secret(name) else value}")
    return 0


def _is_secret(name: str) -> bool:
    key = name.rpartition("__")[2].lower()
    return key in SECRETS or any(word in name.upper() for word in _SECRET_WORDS)
