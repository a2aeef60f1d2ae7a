"""`print-env`: prints the environment variables, secrets masked."""

from __future__ import annotations

import argparse
import os

from ..config import pg_params
from ..config.loading import PREFIX
from ..config.options import SECRETS, Config, section_names
from ..escaping import printable
from ..masking import MASK, mask_text, mask_variable
from . import arguments


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Print the environment variables of this process as NAME=VALUE, one a line, sorted. "
        "Values of secrets are masked.",
        "print-env",
    )


def run(_config: Config, _options: argparse.Namespace) -> int:
    """Print KEY=VALUE a line (departure 28: what looks like a secret is masked)."""
    for name, value in sorted(os.environ.items()):
        print(f"{printable(name)}={printable(_masked(name, value))}")
    return 0


def _masked(name: str, value: str) -> str:
    option = name.rpartition("__")[2].lower()
    if option in SECRETS:
        return MASK if value else ""
    if option == "pg_params":
        return mask_text(pg_params.masked(value))
    if name.startswith(PREFIX) and _is_option(option):
        # no option of ours but those is a secret as a whole
        return mask_text(value)
    return mask_variable(name, value)


def _is_option(name: str) -> bool:
    config = Config()
    return any(hasattr(getattr(config, section), name) for section in section_names())
