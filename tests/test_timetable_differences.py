"""What a change of the schedules does, told before it is made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.timetable.differences import differences
from runner.timetable.loading import Timetable, load

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
OLD = """\
schedules:
  - {id: a, bot: b, cron: "0 9 * * 1-5"}
  - {id: c, bot: b, every: 2h, parameters: {x: 1, y: 2}, grace: 15m}
  - {id: d, bot: b, at: "2026-11-25 08:00"}
"""


def told(tmp_path: Path, new: str, language: str = "en") -> list[str]:
    return [one.text for one in differences(table(tmp_path, OLD), table(tmp_path, new), NOW, language)]


def table(folder: Path, text: str) -> Timetable:
    path = folder / "schedules.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, None, NOW)


def test_a_changed_time_tells_when_it_begins_and_what_disappears(tmp_path: Path) -> None:
    new = OLD.replace("0 9 * * 1-5", "30 8 * * 1,3")
    assert told(tmp_path, new) == [
        (
            "a: Monday to Friday at 09:00 → every Monday and Wednesday at 08:30, first on 2026-11-25 08:30; "
            "5 due times of the next 7 days disappear, 2 are new"
        )
    ]
    assert told(tmp_path, new, "zh") == [
        "a:周一至周五 09:00 → 每周一、周三 08:30,首次 2026-11-25 08:30;未来 7 天有 5 个运行时间消失, 新增 2 个"
    ]


def test_a_zone_that_changes_nothing_now_says_so(tmp_path: Path) -> None:
    (text,) = told(tmp_path, OLD.replace('1-5"}', '1-5", timezone: Europe/London}'))
    assert text.endswith("the due times of the next 7 days stay the same")


def test_other_keys_are_told_one_by_one(tmp_path: Path) -> None:
    new = OLD.replace("x: 1, y: 2", "x: 3, z: 4").replace("grace: 15m", "grace: 1h30m")
    assert told(tmp_path, new) == [
        "c: grace 15m → 1h30m", "c: parameters.x 1 → 3", "c: parameters.y 2 → –", "c: parameters.z – → 4",
    ]  # fmt: skip


def test_a_new_a_removed_and_a_switched_off_schedule_are_told(tmp_path: Path) -> None:
    new = OLD.replace("  - {id: d,", "  - {id: e,").replace('"0 9 * * 1-5"', '"0 9 * * 1-5", enabled: no')
    assert told(tmp_path, new) == [
        "a: switched off",
        "a: Monday to Friday at 09:00 → Monday to Friday at 09:00; 5 due times of the next 7 days disappear",
        "e: new, on 2026-11-25 at 08:00, first on 2026-11-25 08:00",
        "d: removed, on 2026-11-25 at 08:00 no longer runs",
    ]


def test_no_change_tells_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, OLD + "# a comment\n") == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "with no due time in the next ten years"), ("zh", "未来十年没有运行时间")]
)
def test_a_schedule_that_never_runs_again_says_so(tmp_path: Path, language: str, words: str) -> None:
    (text,) = told(tmp_path, OLD.replace("2026-11-25 08:00", "2026-11-20 08:00"), language)
    assert words in text
