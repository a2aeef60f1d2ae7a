"""Hook of mkdocs: adds the pages outside of docs/ to the site and adapts links to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
# name in the site by path in the repository
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CODE_OF_CONDUCT.md": "CODE_OF_CONDUCT.md",
    "LICENSE": "LICENSE.txt",
    "aggregator/schemas/asyncapi.json": "asyncapi.json",
    "aggregator/schemas/ocp_message.json": "ocp_message.json",
    "aggregator/schemas/dvo_message.json": "dvo_message.json",
    "aggregator/schemas/openapi.json": "openapi.json",
}
_LINK = re.compile(r"(\]\(|src=\"|srcset=\")((?:\.\./)*)([^)\s#\"]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages outside of docs/."""
    for path, name in OUTSIDE.items():
        if (ROOT / path).exists():
            text = (ROOT / path).read_text(encoding="utf-8")
            files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_others: Any) -> str:
    """Adapt links that lead out of docs/, and those of pages that are outside."""
    from_outside = page.file.src_uri in OUTSIDE.values()

    def adapted(link: re.Match[str]) -> str:
        start, up, path = link.groups()
        if path in OUTSIDE and (up or from_outside):
            return f"{start}{up.removeprefix('../')}{OUTSIDE[path]}"
        if from_outside:
            return f"{start}{up}{path.removeprefix('docs/')}"
        return link.group()

    return _LINK.sub(adapted, markdown)
