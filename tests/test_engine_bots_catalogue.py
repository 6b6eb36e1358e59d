"""The catalogue of bots in the store: what was found, which versions there were, and what changed between them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.core.bot_sources import sources_of, version_of
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.engine.bot_watch import BotWatch, take_stock
from runner.store.bot_lists import (
    BotFilter,
    bot_json,
    last_good_version,
    list_bots,
    version_diff,
    version_texts,
)
from runner.store.models import Bot, BotVersion, Run
from tests.engine_project import project, until, worker

BOT = """
from bots._shared import ANSWER

@bot(process="counting", concurrency=1)
def count(top: int = 1) -> None:
    \"\"\"Count to the top.\"\"\"
    numbers.put([{"n": n} for n in range(top)])
    numbers.each(lambda item: None)
"""


def a_project(folder: Path) -> Path:
    (folder / "bots").mkdir()
    (folder / "bots" / "_shared.py").write_text("import inner\nANSWER = 1\n", "utf-8")
    (folder / "inner.py").write_text("X = 1\n", "utf-8")
    return folder


def test_a_version_covers_the_projects_own_modules_and_nothing_else(tmp_path: Path) -> None:
    a_project(tmp_path)
    (tmp_path / "bots" / "queue.py").write_text("", "utf-8")
    (tmp_path / "bots" / "b.py").write_text(
        "import queue, pandas\nfrom bots import _shared\nfrom . import _shared as same\nimport runner\n"
        "def late():\n    import pack.deep\n",
        "utf-8",
    )
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "pack" / "deep.py").write_text("def broken(:\n", "utf-8")
    found = sources_of(tmp_path, "bots/b.py")
    assert next(iter(found)) == "bots/b.py"
    assert set(found) == {"bots/b.py", "bots/_shared.py", "inner.py", "pack/__init__.py", "pack/deep.py"}
    before = version_of(found)
    (tmp_path / "inner.py").write_text("X = 2\n", "utf-8")
    assert version_of(sources_of(tmp_path, "bots/b.py")) != before


@pytest.mark.usefixtures("store")
def test_bots_are_remembered_with_their_versions_and_texts(tmp_path: Path) -> None:
    settings = project(a_project(tmp_path), BOT)
    assert [bot.name for bot in take_stock(settings).bots] == ["count"]
    first = bot_json("count")
    assert (first["process"], first["title"], first["at_once"]) == ("counting", "Count to the top.", 1)
    assert first["parameters"]["properties"]["top"]["default"] == 1
    assert set(first["versions"][0]["files"]) == {"bots/counting.py", "bots/_shared.py", "inner.py"}
    (tmp_path / "inner.py").write_text("X = 2\n", "utf-8")
    assert [bot.name for bot in take_stock(settings, changed_only=True).bots] == ["count"]
    second = bot_json("count")
    assert [v["version"] for v in second["versions"]] == [second["version"], first["version"]]
    (diff,) = version_diff(settings.home, "count", first["version"], second["version"])
    assert diff.path == "inner.py"
    assert {"-X = 1", "+X = 2"} <= set(diff.lines)
    assert version_texts(settings.home, "count", first["version"])["inner.py"] == "X = 1\n"
    assert take_stock(settings, changed_only=True).bots == ()
    with pytest.raises(UsageError, match="BOT_VERSION"):
        version_diff(settings.home, "count", "no-such-one", second["version"])
    with pytest.raises(UsageError, match="did you mean 'count'"):
        bot_json("cuont")


@pytest.mark.usefixtures("store")
def test_a_broken_file_keeps_its_last_description_beside_the_error_and_a_lost_one_is_gone(
    tmp_path: Path,
) -> None:
    settings = project(a_project(tmp_path), BOT)
    take_stock(settings)
    good = (tmp_path / "bots" / "counting.py").read_text("utf-8")
    (tmp_path / "bots" / "counting.py").write_text(f"{good}\nraise RuntimeError('no')\n", "utf-8")
    (tmp_path / "bots" / "other.py").write_text(
        "from runner import bot\n@bot\ndef second() -> None:\n  x = = 1\n"
    )
    take_stock(settings, changed_only=True)
    broken, unknown = list_bots(BotFilter())
    assert "BOT_IMPORT" in broken["error"]
    assert broken["title"] == "Count to the top."
    assert (unknown["name"], unknown["title"]) == ("other", "")
    assert "BOT_SYNTAX" in unknown["error"]
    (tmp_path / "bots" / "other.py").unlink()
    (tmp_path / "bots" / "counting.py").write_text(good, "utf-8")
    take_stock(settings, changed_only=True)
    assert [bot["name"] for bot in list_bots(BotFilter(gone=True))] == ["count", "other"]
    (only,) = list_bots()
    assert only["error"] == ""


@pytest.mark.usefixtures("store")
def test_the_watch_sees_a_change_of_a_module_that_a_bot_imports(tmp_path: Path) -> None:
    settings = project(a_project(tmp_path), BOT)
    watch = BotWatch(settings, {})
    serving = threading.Thread(target=watch.serve)
    serving.start()
    try:
        until(lambda: Bot.objects.filter(pk="count").exists())
        (tmp_path / "bots" / "_shared.py").write_text("ANSWER = 22\n", "utf-8")
        until(lambda: BotVersion.objects.count() == 2)
    finally:
        watch.stop()
        serving.join(30)


@pytest.mark.usefixtures("store")
def test_a_run_keeps_the_source_it_ran_with_and_the_last_good_version_is_known(tmp_path: Path) -> None:
    settings = project(a_project(tmp_path), BOT)
    run, _ = worker(settings).run_now("count", {"top": 2}, requested_by="ann")
    ran = Run.objects.get(pk=run)
    assert BotVersion.objects.get(bot="count").version == ran.bot_version == last_good_version("count")
    assert last_good_version("count", before=ran.queued) == ""
    take_stock(settings)
    assert list_bots()[0]["last_run"]["id"] == run
    assert now() >= Bot.objects.get().looked
