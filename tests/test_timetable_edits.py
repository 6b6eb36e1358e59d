"""Edits of schedules.yaml: shown in words with the due times that come and go, then written whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.cases.schedule_edits import apply_edit, undo_edit
from runner.core.errors import ConflictError, ErrorReport, UsageError
from runner.core.schedules_values import BotFacts
from runner.store.models import Act
from runner.timetable import edits
from runner.timetable.loading import load

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
BOTS = {
    "count": BotFacts(
        "count",
        {"top": {"type": "integer"}, "dry": {"type": "boolean", "default": False}},
        frozenset({"top"}),
    )
}
TEXT = """\
# our schedules
defaults: {timezone: Europe/Berlin}
calendars:
  company: {closed: ["2026-12-24"]}
schedules:
  # Posts what was approved.
  - id: post      # the first
    bot: count
    cron: "0 9 * * 1-5"   # at nine
    calendars: [company]
    parameters: {top: 1}

  - id: other
    bot: count
    every: 2h
    parameters: {top: 2}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "schedules.yaml"
    file.write_text(TEXT, "utf-8")
    return file


def show(path: Path, edit: edits.Edit) -> edits.EditPreview:
    return edits.preview(path, edit, BOTS, NOW)


def test_a_change_is_told_in_both_languages_with_due_times_that_come_and_go(path: Path) -> None:
    shown = show(path, edits.set_keys("post", {"cron": "30 8 * * 1-5"}))
    (said,) = shown.english
    assert said.text.startswith(
        "post: Monday to Friday at 09:00, not on holidays → Monday to Friday at 08:30"
    )
    assert "first on 2026-11-25 08:30" in said.text
    assert "首次 2026-11-25 08:30" in shown.chinese[0].text
    assert [due.hour for _, due in shown.lost] == [8] * 5
    assert [(due.hour, due.minute) for _, due in shown.gained] == [(7, 30)] * 5
    assert shown.coming["post"][0] == datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
    assert path.read_text("utf-8") == TEXT
    edits.write(path, shown)
    assert path.read_text("utf-8") == TEXT.replace("0 9 * * 1-5", "30 8 * * 1-5")


def test_a_new_trigger_takes_the_place_of_the_old_one(path: Path) -> None:
    edits.write(path, show(path, edits.set_keys("post", {"at": "10:00", "parameters.top": 5, "grace": "1h"})))
    (post, _) = load(path, BOTS, NOW).planned
    assert (post.schedule.at, post.schedule.cron, post.schedule.parameters) == (("10:00",), None, {"top": 5})
    assert "# the first" in path.read_text("utf-8")
    back = show(path, edits.set_keys("post", {"grace": None}))
    assert [one.text for one in back.english] == ["post: grace 1h → 1m"]


def test_schedules_are_added_switched_and_removed(path: Path) -> None:
    entry = edits.new_entry(BOTS["count"], "new", {"at": "07:00"})
    assert entry["parameters"] == {"top": "", "dry": False}
    with pytest.raises(ErrorReport, match="SCHED_PARAM"):
        show(path, edits.add(entry))
    entry["parameters"]["top"] = 3
    added = show(path, edits.add({**entry, "description": ""}))
    assert added.english[0].text.startswith("new: new, every day at 07:00")
    edits.write(path, added)
    edits.write(path, show(path, edits.switch("new", on=False)))
    assert not load(path, BOTS, NOW).planned[2].schedule.enabled
    edits.write(path, show(path, edits.switch("new", on=True)))
    assert edits.schedule_keys(path, "new")["at"] == "07:00"
    gone = show(path, edits.remove("other"))
    assert len(gone.lost) == 7 * 12
    edits.write(path, gone)
    edits.write(path, show(path, edits.remove("new")))
    assert path.read_text("utf-8").rstrip() == TEXT[: TEXT.index("\n  - id: other")].rstrip()
    with pytest.raises(UsageError, match="id is missing"):
        edits.add({"bot": "count"})


def test_days_and_windows_change_the_due_times_that_a_preview_shows(path: Path) -> None:
    shown = show(path, edits.add_day("company", date(2026, 11, 26), "closed", last=date(2026, 11, 27)))
    assert [(name, due.day) for name, due in shown.lost] == [("post", 26), ("post", 27)]
    edits.write(path, shown)
    assert shown.english[0].lost == 2
    back = show(path, edits.remove_day("company", "2026-11-26..2026-11-27", "closed"))
    assert len(back.gained) == 2
    window = show(path, edits.add_blackout("company", "Wed 08:00-10:00"))
    assert [due.day for _, due in window.lost] == [25]
    half = show(path, edits.add_day("company", date(2026, 11, 30), "half", until="08:00"))
    assert [due.day for _, due in half.lost] == [30]
    with pytest.raises(ErrorReport, match="SCHED_CALENDAR"):
        show(path, edits.add_blackout("company", "nonsense"))
    with pytest.raises(UsageError, match="no kind of day"):
        edits.add_day("company", date(2026, 11, 30), "shut")


def test_a_file_that_has_changed_since_is_not_written(path: Path) -> None:
    shown = show(path, edits.set_keys("post", {"priority": 5}))
    path.write_text(TEXT + "# by hand\n", "utf-8")
    with pytest.raises(ConflictError, match="SCHED_MOVED"):
        edits.write(path, shown)
    assert path.read_text("utf-8") == TEXT + "# by hand\n"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_byte_order_mark_and_windows_line_ends_stay(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    edits.write(path, show(path, edits.set_keys("post", {"priority": 5})))
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# our")
    assert content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"corn": 1}, "SCHED_UNKNOWN_KEY"),
        ({"cron": "61 * * * *"}, "SCHED_CRON"),
        ({"bot": "no"}, "SCHED_BOT_MISSING"),
    ],
)
def test_an_edit_that_makes_the_file_wrong_is_refused_with_its_place(
    path: Path, keys: dict[str, Any], code: str
) -> None:
    with pytest.raises(ErrorReport, match=rf"schedules.yaml:\d+:\d+: {code}"):
        show(path, edits.set_keys("post", keys))


@pytest.mark.usefixtures("store")
def test_who_changed_the_file_is_recorded_or_nothing_is_done(path: Path) -> None:
    first = show(path, edits.set_keys("post", {"priority": 5}))
    second = show(path, edits.add_day("company", date(2026, 12, 31), "closed"))
    apply_edit(path, first, by="ann", at=NOW, note="busy week")
    act = Act.objects.get()
    assert (act.by, act.subject_kind, act.subject, act.verb, act.note) == (
        "ann",
        "schedule",
        "post",
        "edit",
        "busy week",
    )
    assert act.data["changes"] == ["post: priority 0 → 5"]
    with pytest.raises(ConflictError, match="SCHED_MOVED"):
        apply_edit(path, second, by="ben", at=NOW)
    assert Act.objects.count() == 1


def test_an_edit_is_taken_back_even_after_others_and_never_in_the_wrong_place(
    path: Path, store: Path
) -> None:
    first = apply_edit(path, show(path, edits.remove("other")), by="ann", at=NOW)
    assert "id: other" not in path.read_text("utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("# a word\n")
    edits.write(path, show(path, undo_edit(first)))
    assert path.read_text("utf-8").replace("# a word\n", "") == TEXT
    path.write_text(TEXT.replace("{top: 1}", "{top: 4}"), "utf-8")
    with pytest.raises(ConflictError, match="SCHED_MOVED"):
        show(path, undo_edit(first))
    with pytest.raises(UsageError, match="NOT_FOUND"):
        undo_edit("none")


def test_due_times_are_compared_as_far_as_is_asked_for(path: Path) -> None:
    far = edits.add_day("company", date(2026, 12, 23), "closed")
    assert edits.preview(path, far, BOTS, NOW).lost == ()
    window = (datetime(2026, 12, 20, tzinfo=UTC), datetime(2027, 1, 3, tzinfo=UTC))
    (lost,) = edits.preview(path, far, BOTS, NOW, window=window).lost
    assert (lost[0], lost[1].day) == ("post", 23)
