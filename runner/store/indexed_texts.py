"""What the index of words has of items, cases and runs: one description for every database, which writes it in its own SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 10_000  # characters of one text that are indexed


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database says it: a line break, all values in a JSON column as lines, and a text in one (empty: not there)."""

    line: str
    values: Callable[[str], str]
    text_in: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class IndexedText:
    """The text of one kind of row as SQL (``{row}`` stands for the row), and the columns on which it depends."""

    table: str
    text: str
    changes: tuple[str, ...]


def texts_in(sql: Dialect) -> tuple[IndexedText, IndexedText, IndexedText]:
    """The texts of items, cases and runs: lines that begin and end with a line break, so that a whole value can be asked for."""
    error = (sql.text_in("{row}.error", "code"), sql.text_in("{row}.error", "type"))
    of_item = (
        f"coalesce((SELECT item.source || {sql.line} || {sql.values('item.data')}"  # noqa: S608 (our names)
        " FROM store_item AS item WHERE item.id = {row}.item_id), '')"
    )

    def lines(*parts: str) -> str:
        return f"{sql.line} || " + f" || {sql.line} || ".join(parts) + f" || {sql.line} || {sql.line}"

    items = lines("{row}.key", "{row}.source", sql.values("{row}.data"))
    cases = lines("{row}.key", "{row}.id", "{row}.bot", "{row}.message", "{row}.step", *error, of_item)
    runs = lines(
        "{row}.id",
        "{row}.bot",
        "coalesce({row}.schedule, '')",
        "{row}.requested_by",
        "{row}.process",
        "{row}.bot_version",
        sql.text_in("{row}.error", "message"),
        *error,
        sql.values("{row}.parameters"),
    )
    of_run = ("bot", "schedule", "requested_by", "process", "bot_version", "error", "parameters")
    return (
        IndexedText("store_item", items, ("key", "source", "data")),
        IndexedText("store_case", cases, ("key", "bot", "message", "step", "error", "item_id")),
        IndexedText("store_run", runs, of_run),
    )
