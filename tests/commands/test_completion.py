"""`completion` prints scripts that shells accept and that know every command and option."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from aggregator.commands import COMMANDS, INTERNAL
from aggregator.commands.completion import SHELLS
from tests.program import command


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_its_options_are_completed(shell: str, tmp_path: Path) -> None:
    pytest.importorskip("shtab")
    ended = command("completion", shell, folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in set(COMMANDS) - set(INTERNAL):
        assert name in ended.stdout
    assert "older-than" in ended.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(ended.stdout)
        subprocess.run([shell, "-n", str(script)], check=True)


def test_bash_completes_a_command_an_option_and_a_value(tmp_path: Path) -> None:
    pytest.importorskip("shtab")
    script = tmp_path / "script"
    script.write_text(command("completion", "bash", folder=tmp_path).stdout)
    for words, expected in (
        ("conv", "convert-config"),
        ("lag --wat", "--watch"),
        ("convert-config --to tom", "toml"),
    ):
        line = f"insights-results-aggregator {words}"
        asked = (
            f"source {script}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
            f"$(complete -p insights-results-aggregator | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
            "echo ${COMPREPLY[@]}"
        )
        ended = subprocess.run(["bash", "-c", asked], capture_output=True, text=True)
        assert ended.stdout.split() == [expected], ended.stderr
