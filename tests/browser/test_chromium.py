"""Without Chromium the tests of this folder are skipped, in CI they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import programs


@pytest.mark.parametrize(
    ("required", "outcome"), [("0", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_a_missing_chromium_skips_or_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    required: str,
    outcome: type[BaseException],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REQUIRE_SERVICES", required)
    with pytest.raises(outcome, match="packages chromium and chromium-driver"):
        programs()
