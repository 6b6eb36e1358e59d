"""A failed item as one portable file, and the same failure again from it, with the live site gone."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.cases.case_file import Kept, write_case_file
from runner.core.case_file import Manifest
from runner.core.contract import Viewing
from runner.core.errors import RunFailed, UsageError
from runner.demo.serve import Portal
from runner.journal import Redactor
from runner.kit import web
from runner.kit.reproduction import Stage, reproduce, unpack
from runner.store.models import Case, Run
from tests.main_job import ROOT, Job, make_workbook

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.browser]
SECRET = "paperclip-27-harbour"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A portal that had refused one order, whose traffic was recorded, and that is gone now."""
    with Portal(tmp_path / "portal") as portal:
        made = Job(tmp_path, portal)
        book = make_workbook(tmp_path / "orders.xlsx", 2, [(3, "Amount", "50001.00")])
        made.worker.run_now(
            "post_orders",
            made.parameters(book),
            requested_by="test",
            viewing=Viewing(record_network="always"),
        )
    assert Run.objects.get().exceptions == 1
    return made


def written(job: Job, target: Path, redactor: Redactor | None = None) -> Manifest:
    kept = Kept(job.settings.runs, job.settings.home, redactor or Redactor([SECRET]))
    return write_case_file(Case.objects.get().pk, target, kept, datetime.now(UTC))


def test_the_file_holds_all_of_the_case_under_its_hashes_and_no_secret(job: Job, tmp_path: Path) -> None:
    target = tmp_path / "case.zip"
    manifest = written(job, target, Redactor([SECRET, "Alder & Finch"]))

    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert Manifest.model_validate_json(contents.pop("manifest.json")) == manifest
    assert {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()} == {
        name: entry.sha256 for name, entry in manifest.files.items()
    }
    assert {name.partition("/")[0] for name in contents} == {
        "README.txt", "case.json", "item.json", "order.json", "journal.jsonl", "evidence", "bot",
    }  # fmt: skip
    assert {name for name in contents if name.startswith("bot/")} == {
        "bot/bots/post_orders.py", "bot/bots/_portal.py",
    }  # fmt: skip
    assert contents["bot/bots/post_orders.py"] == (ROOT / "bots" / "post_orders.py").read_bytes()
    evidence = {
        name.rpartition("/")[2].partition("-")[2] for name in contents if name.startswith("evidence/1/")
    }
    assert evidence == {"page1.png", "page1.txt", "row.json", "network1.har.zip"}
    lines = [json.loads(line) for line in contents["journal.jsonl"].splitlines()]
    assert {line.get("item") for line in lines} == {None, "A-2"}
    assert {"run.started", "attempt.started", "attempt.finished", "run.finished"} <= {
        line["event"] for line in lines
    }
    assert json.loads(contents["item.json"])["data"]["customer"] == "***"
    assert (manifest.item, manifest.attempt, manifest.sources_of_version) == ("A-2", 1, True)
    assert f"Case {manifest.case} of bot post_orders" in contents["README.txt"].decode()
    for name, content in contents.items():
        assert SECRET.encode() not in content, name
        if name.endswith(".zip"):
            (tmp_path / "inner.zip").write_bytes(content)
            with zipfile.ZipFile(tmp_path / "inner.zip") as inner:
                assert not [n for n in inner.namelist() if b"Alder & Finch" in inner.read(n)]


def test_the_same_failure_comes_again_without_the_site_and_goes_away_with_a_corrected_bot(
    job: Job, tmp_path: Path
) -> None:
    written(job, tmp_path / "case.zip")
    case = unpack(tmp_path / "case.zip", tmp_path / "unpacked")

    again = reproduce(case, Stage())
    web.close()
    assert again.same, (again.error, again.run.missing)
    assert again.error is not None
    assert "Amount is over the limit of 50,000.00 EUR" in again.error["message"]
    assert again.run.missing == ()

    corrected = tmp_path / "corrected"
    shutil.copytree(tmp_path / "unpacked" / "bot", corrected)
    bot = corrected / "bots" / "post_orders.py"
    bot.write_text(bot.read_text("utf-8").replace("    fill_in(page, item.data)\n", "    return\n"), "utf-8")
    other = reproduce(case, Stage(corrected))
    web.close()
    assert (other.same, other.error) == (False, None)


def test_a_file_that_was_changed_is_refused(job: Job, tmp_path: Path) -> None:
    target = tmp_path / "case.zip"
    written(job, target)
    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}

    def refused(changes: dict[str, bytes]) -> str:
        with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
            for name, content in {**contents, **changes}.items():
                archive.writestr(name, content)
        with pytest.raises(UsageError) as error:
            unpack(tmp_path / "changed.zip", tmp_path / "unpacked")
        return str(error.value)

    assert "item.json is not what the manifest says" in refused({"item.json": b"{}"})
    assert "its files are not those of its manifest" in refused({"../outside.txt": b"x"})
    assert "CASE_FILE" in refused({"manifest.json": b"{}"})
    (tmp_path / "no.zip").write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"no\.zip: CASE_FILE"):
        unpack(tmp_path / "no.zip", tmp_path / "unpacked")


def test_without_recorded_traffic_there_is_nothing_to_play(tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        job = Job(tmp_path, portal)
        job.post(make_workbook(tmp_path / "orders.xlsx", 1, [(2, "Amount", "50001.00")]))
    written(job, tmp_path / "case.zip")

    case = unpack(tmp_path / "case.zip", tmp_path / "unpacked")
    with pytest.raises(RunFailed, match=r"NOT_RECORDED: attempt 1 of case .* left no recording"):
        reproduce(case, Stage())
