"""What a developer gets who installs the wheel, far from this repository: all files, a new project, the demo's bots."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from runner.cli.demo_place import BOT_FILES

ROOT = Path(__file__).resolve().parents[1]
PLACE = """
import json, os, sys
from pathlib import Path
import runner
from runner.cli.demo_place import make_place
print(json.dumps([runner.__file__, sorted(p.name for p in (make_place(Path.cwd(), {}).folder / "bots").iterdir())]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as package:
        package.extractall(folder / "site")
    return folder / "site"


def ran(installed: Path, folder: Path, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUNNER_")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env={**environment, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_package_and_nothing_beside_it(installed: Path) -> None:
    ours = {path.relative_to(ROOT) for path in (ROOT / "runner").rglob("*") if path.is_file()}
    wanted = {path for path in ours if "__pycache__" not in path.parts}
    there = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    assert wanted - there == set()
    assert {path.parts[0] for path in there if "dist-info" not in path.parts[0]} == {"runner"}
    bots = installed / "runner" / "demo" / "bots"
    assert {path.name for path in bots.iterdir()} >= set(BOT_FILES)


def test_a_project_and_the_demo_are_made_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    found = ran(installed, tmp_path, "-c", PLACE)
    assert str(installed) in found
    assert all(name in found for name in BOT_FILES)
    assert "runner run greet" in ran(installed, tmp_path, "-m", "runner", "init", "mine")
    said = ran(installed, tmp_path / "mine", "-m", "runner", "run", "greet")
    assert "3" in said
    assert "bots/second.py" in ran(installed, tmp_path / "mine", "-m", "runner", "new", "second")
    assert "second" in ran(installed, tmp_path / "mine", "-m", "runner", "bots")
