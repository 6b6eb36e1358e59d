"""The data folder, made and tried by several commands at the same moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from runner.core.settings import load_settings, prepare_home

settings = load_settings(Path(sys.argv[1]), {})
for _ in range(1000):
    prepare_home(settings)
print(settings.home)
"""


def test_commands_that_start_at_once_do_not_take_each_other_for_a_full_disk(tmp_path: Path) -> None:
    """One looked whether the folder can be written by a file that another was just taking away: a scheduler did not start."""
    (tmp_path / "bots").mkdir()
    (tmp_path / "schedules.yaml").touch()
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", AGAIN_AND_AGAIN, str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    said = [command.communicate(timeout=60)[0].strip() for command in commands]

    home = Path(said[0])
    assert [command.returncode for command in commands] == [0, 0, 0], said
    assert said == [str(home)] * 3
    assert sorted(one.name for one in home.iterdir() if one.name.startswith(".writable")) == []
