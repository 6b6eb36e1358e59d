"""Writes a case as one portable file: journal, evidence, row, the bot as it was, a README, and a manifest with hashes."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from runner.core import case_file as inside
from runner.core.contract import JOURNAL_FILE, ORDER_FILE
from runner.core.errors import ConflictError
from runner.core.settings import Settings
from runner.core.sign_ins import SignIns, keys_in
from runner.core.vault import Vault
from runner.journal import Line, read_journal
from runner.journal.archives import masked_file
from runner.journal.redact import Redactor
from runner.store.bot_catalogue import text_path
from runner.store.case_lists import case_json
from runner.store.models import Attempt, BotVersion, Case, Item, Run

_LARGEST_INPUT: Final = 50 * 1024 * 1024
_LONGEST_PATH: Final = 1000
_README: Final = """\
Case {case} of bot {bot} (version {bot_version}): {message}

case.json       what failed and what has happened to it since
item.json       the row
order.json      what the run was told
journal.jsonl   what the bot wrote down, one JSON object a line
evidence/N/     what attempt N left: pictures, the text of the pages, the trace of the browser, the traffic of its pages
inputs/         files that the run was given, where they were asked for
bot/            the bot's files{not_exact}
manifest.json   the SHA-256 of every file

Play it again without the live site:   runner cases reproduce {name}
Look at a trace:                       playwright show-trace evidence/N/…-trace1.zip

Secrets are masked (***). Pictures and rows can hold personal data: give the file only to who may see the case.
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the journals (`runs`) and the bots' sources (`home`) are kept, and who masks what goes out."""

    runs: Path
    home: Path
    redactor: Redactor
    project: Path | None = None


def kept_of(settings: Settings, environment: Mapping[str, str]) -> Kept:
    """What a project keeps; masked is every secret of its vault and every key of a sign-in that it remembers.

    Raises what opening the vault raises: without its key nothing is given out.
    """
    vault = Vault(settings.vault, environment)
    redactor = Redactor(vault.get(name) for name in vault.names())
    for remembered in SignIns(settings.sign_ins, vault).all():
        for key in keys_in(remembered.state):
            redactor.register(key)
    return Kept(settings.runs, settings.home, redactor, settings.project)


def write_case_file(
    case_id: str, target: Path, kept: Kept, at: datetime, *, with_inputs: bool = False
) -> inside.Manifest:
    """Write the case into `target`; the manifest. An existing file is replaced in one step.

    `with_inputs`: the files that the run was given go along, with all of their rows.

    Raises ConflictError (CASE_FILE) for a case that no run opened.
    """
    case = Case.objects.select_related("run", "item").get(pk=case_id)
    if case.run is None:
        raise ConflictError(
            f"case {case_id} was opened by no run",
            expected="a case of an item or a run",
            hint=f"see: runner cases show {case_id}",
            code="CASE_FILE",
        )
    attempts = list(case.item.attempts.select_related("run").order_by("number")) if case.item else []
    last = attempts[-1] if attempts else None
    lines = list(_lines(kept.runs, case, attempts))
    sources, is_exact = _sources(kept.home, case.run)
    files: dict[str, bytes] = {
        inside.CASE: _json(case_json(case_id)),
        inside.ORDER: _content(kept.runs / case.run.folder / ORDER_FILE),
        inside.JOURNAL: b"".join(raw for _, raw in lines),
        **({inside.ITEM: _json(_item(case.item))} if case.item else {}),
        **{f"{inside.SOURCES}/{path}": text for path, text in sources.items()},
        **dict(_evidence(kept.runs, case, attempts)),
        **(dict(_inputs(kept, case.run)) if with_inputs else {}),
    }
    files[inside.README] = _README.format(
        case=case_id, bot=case.bot, bot_version=case.run.bot_version, message=case.message, name=target.name,
        not_exact="" if is_exact else " - those of this version are not kept any more",
    ).encode()  # fmt: skip
    clean = {name: masked_file(name, content, kept.redactor) for name, content in files.items() if content}
    manifest = inside.Manifest(
        made=at, runner=version("rpa-runner"), case=case_id, bot=case.bot, bot_file=case.run.bot_file,
        bot_version=case.run.bot_version, sources_of_version=is_exact,
        queue=case.item.queue_id if case.item else None, item=case.item.key if case.item else None,
        attempt=last.number if last else None, began=last.started if last else (case.run.started or case.opened),
        error={name: str((case.error or {}).get(name) or "") for name in ("kind", "type", "code", "message", "where")},
        files={n: inside.FileEntry(sha256=hashlib.sha256(c).hexdigest(), bytes=len(c)) for n, c in clean.items()},
    )  # fmt: skip
    _write(target, {**clean, inside.MANIFEST: manifest.model_dump_json(indent=2).encode()})
    return manifest


def _lines(runs: Path, case: Case, attempts: list[Attempt]) -> Iterator[tuple[Line, bytes]]:
    """Lines that tell of the case, in the order of runs and lanes, with their bytes as they were written."""
    found = {attempt.run_id: attempt.run for attempt in attempts if attempt.run is not None}
    told: Mapping[str | None, Run] = found or {case.run_id: case.run} if case.run else found
    for run in sorted(told.values(), key=lambda one: one.pk):
        folder = runs / run.folder
        for path in [folder / JOURNAL_FILE, *sorted(folder.glob(f"lane-*/{JOURNAL_FILE}"))]:
            if not path.is_file():
                continue
            raw = path.read_bytes().splitlines(keepends=True)
            for line, written in zip(read_journal(path).lines, raw, strict=False):
                of_the_run = line.event in {"run.started", "run.finished", "lane.ended", "target.down"}
                if (
                    case.item is None
                    or of_the_run
                    or (line.queue, line.item) == (case.item.queue_id, case.item.key)
                ):
                    yield line, written


def _evidence(runs: Path, case: Case, attempts: list[Attempt]) -> Iterator[tuple[str, bytes]]:
    left = [(str(a.number), a.run.folder, a.evidence) for a in attempts if a.run is not None]
    if not attempts and case.run is not None:
        left = [("run", case.run.folder, case.evidence)]
    for name, folder, evidence in left:
        for one in evidence:
            path = runs / folder / str(one.get("path") or "")
            if one.get("path") and path.is_file():
                yield f"{inside.EVIDENCE}/{name}/{path.name}", _content(path)


def _inputs(kept: Kept, run: Run) -> Iterator[tuple[str, bytes]]:
    """The files that the run's parameters name, as they are now."""
    order = json.loads(_content(kept.runs / run.folder / ORDER_FILE) or b"{}")
    for name, value in (order.get("parameters") or {}).items():
        if not isinstance(value, str) or not value or len(value) > _LONGEST_PATH:
            continue
        path = (kept.project or Path()) / value
        if path.is_file() and path.stat().st_size <= _LARGEST_INPUT:
            yield f"{inside.INPUTS}/{name}/{path.name}", _content(path)


def _sources(home: Path, run: Run) -> tuple[dict[str, bytes], bool]:
    """The bot's files as the run used them; False where that version is not kept."""
    known = BotVersion.objects.filter(bot=run.bot, version=run.bot_version).first()
    files = {
        path: _content(text_path(home, digest)) for path, digest in (known.files if known else {}).items()
    }
    return {path: text for path, text in files.items() if text}, bool(files) and all(files.values())


def _item(item: Item) -> dict[str, Any]:
    names = ("key", "data", "original", "source", "output", "once", "irreversible", "attempts_made", "status")
    return {"queue": item.queue_id, **{name: getattr(item, name) for name in names}}


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str).encode()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _write(target: Path, files: Mapping[str, bytes]) -> None:
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        new.chmod(0o600)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
