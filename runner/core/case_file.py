"""The portable file of a case: what is in it and where, for who writes it and who plays it again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

MANIFEST: Final = "manifest.json"
README: Final = "README.txt"
CASE: Final = "case.json"  # as `runner cases show --json` has it
ITEM: Final = "item.json"  # the row: data, original, output, what is done already
ORDER: Final = "order.json"  # what the run was told
JOURNAL: Final = (
    "journal.jsonl"  # the item's lines of all its runs, in order; of a run without items all of its lines
)
EVIDENCE: Final = "evidence"  # EVIDENCE/<attempt>/…
INPUTS: Final = (
    "inputs"  # INPUTS/<parameter>/<name>: files that the run was given, where somebody asked for them
)
SOURCES: Final = "bot"  # the files of the bot as they were
FORMAT: Final = "runner-case"
VERSION: Final = 1


class FileEntry(BaseModel):
    """One file inside: its SHA-256 and its size."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    bytes: int


class Manifest(BaseModel):
    """What the file says of itself. `sources_of_version` is False where the bot's files of that version are not kept."""

    model_config = ConfigDict(frozen=True)

    format: str = FORMAT
    v: int = VERSION
    made: datetime
    runner: str
    case: str
    bot: str
    bot_file: str
    bot_version: str
    sources_of_version: bool
    queue: str | None = None
    item: str | None = None
    attempt: int | None = None
    began: datetime
    error: dict[str, str]
    files: dict[str, FileEntry]
