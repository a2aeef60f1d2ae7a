"""Where the fixtures are: in the checkout, or in the installed package `testing.data`."""

from __future__ import annotations

from pathlib import Path


def fixtures_dir() -> Path:
    """Return the folder with `messages/`; it is data only, so an installed copy is a folder too."""
    here = Path(__file__).parent
    checkout = here.parent / "fixtures"
    return checkout if (checkout / "messages").is_dir() else here / "data"
