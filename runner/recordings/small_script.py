"""The first bot of a project, where it is not made from a recording."""

from __future__ import annotations

from runner.recordings.script import check_name
from runner.recordings.script_steps import quoted


def small_script(bot: str) -> str:
    """The text of a first bot that works as it is. Raises UsageError (BOT_NAME)."""
    check_name(bot)
    return f'''"""What this bot does, in a sentence."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from runner import BusinessError, Item, Queue, bot, sheets, step


class Row(BaseModel):
    """One row of the workbook; the names of the columns are the names of the fields."""

    number: str
    amount: float


rows = Queue({quoted(bot)}, Row, key="number")


@bot
def {bot}(workbook: Path) -> None:
    """Say here what people read in the list of bots."""
    rows.put(sheets.read(workbook, Row))
    rows.each(do_one)


@step
def do_one(item: Item[Row]) -> None:
    """Do what is to be done for one row."""
    if item.data.amount <= 0:
        raise BusinessError(f"amount {{item.data.amount}} of {{item.key}} is not above 0", code="AMOUNT")
    item.output["checked"] = "yes"
'''
