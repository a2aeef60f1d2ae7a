"""List of clusters from the command line or a file, as the Go service's cleaner takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from .arguments import UsageError


@dataclass(frozen=True, slots=True)
class ClusterList:
    """What a list has: names of clusters, and entries that are none."""

    proper: tuple[str, ...]
    improper: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> ClusterList:
        """Return the entries of `a,b,c`, or of a file with one a line; raise UsageError."""
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        if not entries or (not all(map(_is_cluster, entries)) and Path(text).is_file()):
            try:
                # the last line counts without a line feed, too
                lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
            except (OSError, ValueError) as error:
                raise UsageError(f"--clusters: cannot read '{text}': {error}") from None
            entries = [line.strip() for line in lines if line.strip()]
        proper = tuple(dict.fromkeys(entry for entry in entries if _is_cluster(entry)))
        if not proper:
            raise UsageError(f"--clusters: '{text}' is no list of clusters, and no file with one")
        return cls(proper, tuple(entry for entry in entries if not _is_cluster(entry)))


def _is_cluster(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
