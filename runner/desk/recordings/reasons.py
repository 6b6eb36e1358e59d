"""What is wrong with a recording, in the reader's language: at which step, why, and the technical words behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from runner.core.errors import RunnerError
from runner.desk.errors.telling import said_here
from runner.desk.words import Word

_STEP: Final = re.compile(r"\bstep (\d+)$")
_LINE: Final = re.compile(r":(\d+)(?::\d+)?$")

_BY_CODE: Final[Mapping[str, Word]] = {
    "REC_ACTION": _("This action can't be replayed. Record this step again, without it."),
    "REC_AMBIGUOUS": _("Several elements of the page fit. Record this step again."),
    "REC_BINDING": _("The binding does not fit the recording. Bind it again."),
    "REC_COLUMN": _("The workbook has no such column. Choose one of its columns."),
    "REC_EMPTY": _("There are no steps in it."),
    "REC_EXISTS": _("There is a recording of this name already."),
    "REC_FLOW": _("This command controls the flow (if, while, times …). A recording has steps one after the other only."),
    "REC_FORM": _("Dates are written in forms such as %d.%m.%Y, numbers in forms such as #,##0.00, yes and no as Yes/No."),
    "REC_FORMAT": _("This is no recording of the Chrome DevTools Recorder, of Playwright or of Selenium IDE."),
    "REC_FRAME": _("It turns to a frame by its name. Only frames by their number can be found again."),
    "REC_JSON": _("The file is broken: it ends too early, or a sign is missing. Export it again."),
    "REC_KEY": _("There is no such key, or text and keys are mixed in one step."),
    "REC_LIMIT": _("This is larger than a recording may be."),
    "REC_MISSING": _("The file can't be read."),
    "REC_NAME": _("Letters, digits, “-” and “_” make a name, at most 80 of them."),
    "REC_NO_KEY": _("Choose a column that tells each row from all others, and that is filled in every row."),
    "REC_NO_STEP": _("There is no such step."),
    "REC_ORDER": _("The step that must not happen twice has to be one of those done for each row."),
    "REC_PLACEHOLDER": _("Nobody knows any more what was typed here while recording. Choose a column for it."),
    "REC_RUN": _("It runs another test that is not in this file."),
    "REC_SECRET": _("There is a password in clear in it."),
    "REC_SELECTOR": _("This element is found by its place on the page only, so a change of the page breaks the step. Record it again if you can."),
    "REC_STEP": _("Something in this step is missing or has the wrong form."),
    "REC_URL": _("Only addresses that begin with http:// or https:// are opened."),
    "REC_VARIABLE": _("This command works with variables. A recording types plain values, or those of a column."),
    "REC_WINDOW": _("It turns to a window by its name. Only tabs that the recording itself opened can be found again."),
    "WB_CELL": _("This cell is empty, or its value is not allowed."),
    "WB_CELL_ERROR": _("This cell shows an error of its formula."),
    "WB_CELL_TYPE": _("This cell does not hold what its column holds."),
    "WB_EMPTY": _("This sheet is empty. Choose another one."),
    "WB_NO_CACHED": _("The formula of this cell has no stored result. Open the workbook in Excel and save it."),
    "WB_NOT_FOUND": _("This workbook is not there (any more)."),
    "WB_NOT_XLSX": _("This is no workbook that can be read: save it as .xlsx."),
    "WB_BUSY": _("The workbook can't be opened now. Close the program that has it open."),
    "WB_COLUMN": _("A column is missing in the workbook, or is there twice."),
    "WB_SHEET": _("The workbook has no such sheet."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something can't be, for people: the step (None: it concerns all of it), a sentence, and Runner's own line of text."""

    step: int | None
    words: str
    text: str
    code: str


def reason_of(error: RunnerError) -> Reason:
    """The reason that an error gives; its own words stand for the sentence where the desk has none for its code."""
    found = _STEP.search(error.where)
    words = _BY_CODE.get(error.stable_code)
    if words is None and error.stable_code.startswith("WB_"):
        words = _("The workbook can't be used as it is.")
    text = " - ".join(said_here(part) for part in (error.what, error.expected, error.hint) if part)
    place = error.where if _LINE.search(error.where) or "!" in error.where else ""
    return Reason(
        int(found[1]) if found else None, str(words or said_here(error.what)), f"{place}: {text}" if place else text,
        error.stable_code,
    )  # fmt: skip


def sentence_of(error: RunnerError) -> str:
    """The sentence alone."""
    return reason_of(error).words
