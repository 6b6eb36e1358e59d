"""Plays a case again from its portable file: the bot as it was (or as it is now), the row, and the traffic that was recorded."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson
from pydantic.fields import FieldInfo

from runner.core import case_file as inside
from runner.core.contract import ItemRetry, Order, Viewing
from runner.core.errors import RunFailed, UsageError
from runner.kit import describe
from runner.kit.bot import BotSpec
from runner.kit.exchanges import Exchanges, read_recordings
from runner.kit.network_replay import Replay
from runner.kit.rehearsal import Rehearsal, Rehearsed

STAND_IN: Final = (
    "JBSWY3DPEHPK3PXP"  # for every secret: long enough to be masked, and a key for one-time codes as well
)
_LARGEST: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class CaseFile:
    """An unpacked case file: `folder` holds its files, whose hashes are those of the manifest."""

    folder: Path
    manifest: inside.Manifest

    def json(self, name: str) -> dict[str, Any]:
        """One of its JSON files; empty where it is not there."""
        path = self.folder / name
        found: dict[str, Any] = orjson.loads(path.read_bytes()) if path.is_file() else {}
        return found


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What came of playing it again. `same`: it failed with the same code at the same place."""

    same: bool
    error: Mapping[str, Any] | None
    run: Rehearsed


@dataclass(frozen=True, slots=True)
class Stage:
    """How it is played: `project` with the bot to use (None: the files of the case), visible or not, with which parameters."""

    project: Path | None = None
    headed: bool = False
    viewing: Viewing = field(default_factory=Viewing)
    parameters: Mapping[str, Any] | None = None
    on_pause: Callable[[str], bool] = lambda _: True


def unpack(path: Path, folder: Path) -> CaseFile:
    """Unpack a case file into `folder` and check its hashes. Raises UsageError (CASE_FILE) for what is none, or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = inside.Manifest.model_validate_json(archive.read(inside.MANIFEST))
            names = [name for name in archive.namelist() if name != inside.MANIFEST]
            if set(names) != set(manifest.files) or sum(e.bytes for e in manifest.files.values()) > _LARGEST:
                raise _no_case_file(path, "its files are not those of its manifest")
            for name in names:
                _unpack_one(archive, name, manifest.files[name], path, folder)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _no_case_file(path, f"{type(error).__name__}: {error}") from error
    return CaseFile(folder, manifest)


def reproduce(case: CaseFile, stage: Stage) -> Reproduced:
    """Run the bot once more on the row, with the recorded traffic in the place of the network and the clock as it was.

    Secrets are stand-ins: what was sent of them was masked in the recording and may be anything.
    Raises RunFailed (NOT_RECORDED) when no traffic was recorded, and what loading the bot raises.
    """
    told = case.manifest
    traffic = case.folder / inside.EVIDENCE / (str(told.attempt) if told.attempt else "run")
    recorded = any(traffic.glob("*.har.zip"))
    if not recorded and _had_pages(case.folder / inside.EVIDENCE):
        raise RunFailed(
            f"attempt {told.attempt or 1} of case {told.case} left no recording of its pages' traffic",
            expected="a recording: from the second attempt on there is one, or with record_network='always'",
            hint=f"run it again with: runner run {told.bot} --record-network always",
            code="NOT_RECORDED",
        )
    project = stage.project or case.folder / inside.SOURCES
    order = Order.model_validate(case.json(inside.ORDER))
    with ExitStack() as stack:
        exchanges = read_recordings(traffic) if recorded else Exchanges(())
        replay = stack.enter_context(Replay(exchanges))
        spec = describe.load(project, told.bot_file, again=False).bot(told.bot)
        rehearsal = Rehearsal(
            project, case.folder / "runs", dict.fromkeys(spec.secrets, STAND_IN), replay=replay, clock=told.began,
            headed=stage.headed, viewing=stage.viewing, on_pause=stage.on_pause,
            item_retry=ItemRetry(times=0, wait=0, longest_wait=0),
        )  # fmt: skip
        if told.queue and told.item:
            _put(case, rehearsal)
        given = {**_parameters(order, spec, project, case.folder / inside.INPUTS), **(stage.parameters or {})}
        parameters = _checked(given, spec, project)
        run = rehearsal.run(told.bot, parameters, file=told.bot_file)
    error = run.items[told.item].error if told.item and told.item in run.items else run.error
    return Reproduced(_is_same(told.error, error), error, run)


def _put(case: CaseFile, rehearsal: Rehearsal) -> None:
    """The item as it was before its last attempt, with what earlier ones have finished of it."""
    told = case.manifest
    assert told.queue is not None
    assert told.item is not None
    row = case.json(inside.ITEM)
    item = rehearsal.queues(told.queue).put(told.item, row["data"], source=row["source"])
    path = case.folder / inside.JOURNAL
    for raw in path.read_bytes().splitlines():
        line = orjson.loads(raw)
        if line["event"] == "attempt.started" and line.get("attempt") == told.attempt:
            break
        if line["event"] == "once":
            item.once[line["step"]] = line["data"].get("result")
    item.attempts = (told.attempt or 1) - 1


def _had_pages(evidence: Path) -> bool:
    """Whether a page was open when it failed: a bot that opens none needs no traffic."""
    return any(path.suffix in {".png", ".txt", ".zip"} for path in evidence.rglob("*"))


def _parameters(order: Order, spec: BotSpec, project: Path, inputs: Path) -> dict[str, Any]:
    """The run's parameters: files from the case file; nothing for one that is not there, where the bot can do without."""
    found = dict(order.parameters)
    for name, parameter in _paths_of(spec).items():
        kept = next((inputs / name).glob("*"), None) if (inputs / name).is_dir() else None
        value = found.get(name, parameter.default)
        if kept is not None:
            found[name] = str(kept)
        elif "None" in str(parameter.annotation) and value and not (project / str(value)).exists():
            found[name] = None
    return found


def _checked(parameters: dict[str, Any], spec: BotSpec, project: Path) -> dict[str, Any]:
    """The parameters, where every file that the bot can't do without is there. Raises UsageError (CASE_INPUT)."""
    for name in _paths_of(spec):
        value = parameters.get(name)
        if value and not (project / str(value)).exists():
            raise UsageError(
                f"the file of the parameter '{name}' is not here: {value}", expected="a file",
                hint=f"give it with --param {name}=FILE, or write the case with: runner cases evidence ID --with-inputs",
                where=name, code="CASE_INPUT",
            )  # fmt: skip
    return parameters


def _paths_of(spec: BotSpec) -> dict[str, FieldInfo]:
    """The parameters that name files, with what the bot says of them."""
    fields = spec.parameters.model_fields.values()
    return {field.alias or "": field for field in fields if "Path" in str(field.annotation)}


def _is_same(before: Mapping[str, str], error: Mapping[str, Any] | None) -> bool:
    return error is not None and all(
        before[name] == str(error.get(name) or "") for name in ("kind", "type", "code")
    )


def _unpack_one(
    archive: zipfile.ZipFile, name: str, entry: inside.FileEntry, path: Path, folder: Path
) -> None:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name:
        raise _no_case_file(path, f"it holds a file called {name!r}")
    content = io.BytesIO()
    with archive.open(name) as packed:
        content.write(packed.read(entry.bytes + 1))
    if hashlib.sha256(content.getvalue()).hexdigest() != entry.sha256:
        raise _no_case_file(path, f"{name} is not what the manifest says")
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.getvalue())


def _no_case_file(path: Path, why: str) -> UsageError:
    return UsageError(
        f"it can't be used: {why}",
        expected="a file that 'runner cases evidence' has written, unchanged",
        where=path.name,
        code="CASE_FILE",
    )
