"""The locks: no addresses, every package with hashes, and every dependency of pyproject.toml in them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAIN = ROOT / "requirements.lock"
OTHERS = {
    ROOT / "acceptance" / "requirements.lock": ROOT / "acceptance" / "requirements.in",
    ROOT / "benchmarks" / "requirements.lock": ROOT / "benchmarks" / "requirements.in",
}


def plain(requirement: str) -> str:
    """The name of a requirement as package indexes compare it."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: Path) -> dict[str, int]:
    """The packages of a lock and how many hashes each has."""
    found: dict[str, int] = {}
    name = ""
    for line in file.read_text("utf-8").splitlines():
        if "==" in line and not line.startswith(" "):
            name = plain(line)
            found.setdefault(name, 0)
        found[name] += line.count("--hash=sha256:")
    return found


@pytest.mark.parametrize("file", [MAIN, *OTHERS], ids=lambda file: file.parent.name)
def test_a_lock_names_no_address_and_no_place_on_this_machine(file: Path) -> None:
    text = file.read_text("utf-8")

    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    assert " @ " not in text
    assert "file:" not in text


@pytest.mark.parametrize("file", [MAIN, *OTHERS], ids=lambda file: file.parent.name)
def test_every_locked_package_has_a_hash(file: Path) -> None:
    without = [name for name, hashes in locked(file).items() if hashes == 0]

    assert locked(file)
    assert without == []


def test_the_lock_has_every_dependency_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
        *(one for group in project["dependency-groups"].values() for one in group),
    ]

    missing = sorted({plain(one) for one in asked} - set(locked(MAIN)))

    assert missing == [], "run: make lock"


@pytest.mark.parametrize("lock", OTHERS, ids=lambda file: file.parent.name)
def test_the_other_locks_have_what_their_in_files_ask_for(lock: Path) -> None:
    asked = {plain(line) for line in OTHERS[lock].read_text("utf-8").splitlines() if line.strip()}

    assert asked <= set(locked(lock)), "run: make lock"


def test_dependencies_are_sorted() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for names in (project["project"]["dependencies"], project["dependency-groups"]["dev"]):
        assert [plain(one) for one in names] == sorted(plain(one) for one in names)
