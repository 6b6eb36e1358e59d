"""The pages: generated ones are current, every link leads somewhere, and the README's bot is a bot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import build
from runner.core.contract import BotDescription
from tests.kit_worker import Project

ROOT = Path(__file__).resolve().parents[1]


def test_every_link_leads_somewhere() -> None:
    assert build.broken_links() == []


def test_generated_pages_are_current() -> None:
    assert build.outdated() == []


def test_a_link_to_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "a.md").write_text(
        "# Two words\n[here](#two-words) [gone](#three) [away](docs/b.md) <img src='x'> [web](https://example.com)\n",
        "utf-8",
    )
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "DOCS", tmp_path / "docs")

    assert build.broken_links() == [
        "a.md: link to #three, which is not there",
        "a.md: link to docs/b.md, which is not there",
    ]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_bot_of_the_readme_is_a_bot_of_twenty_lines_or_little_more(tmp_path: Path, page: str) -> None:
    (code,) = re.findall(r"```python\n(# bots/.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    project = Project(tmp_path, code)

    said = project.ask("describe")

    assert said["errors"] == []
    (bot,) = [BotDescription.model_validate(one) for one in said["bots"]]
    assert bot.name == "post_invoices"
    assert bot.title
    assert [queue.name for queue in bot.queues] == ["invoices"]
    written = [
        line
        for line in code.splitlines()
        if line.strip() and not line.lstrip().startswith(("from", "import", "#"))
    ]
    assert len(written) <= 30
