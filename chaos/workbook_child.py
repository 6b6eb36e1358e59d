"""One batch of damaged workbooks: read, written to and saved, each within its limits (``python -m chaos.workbook_child``)."""

from __future__ import annotations

import io
import json
import random
import re
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from runner import sheets
from runner.core.errors import RunnerError

_TOKENS: Final = [
    b"", b"<", b">", b'"', b"&", b"&#0;", b"\x00", b"\xff", b"</row>", b"<row>", b"<c>", b"<c r='XFD1048576'>", b"<v>1e999</v>",
    b"<f>", b"]]>", b"<![CDATA[", b"<!--", b"<?x", b"<!DOCTYPE a>", b"99999999999", b"-1", b"A1:A1048576", b't="s"', b't="e"',
]  # fmt: skip
_TAG: Final = re.compile(rb"<[^<>]*>")
_NUMBER: Final = re.compile(rb"\d+")


class Row(BaseModel):
    """Whatever there is."""

    name: str | None = None
    amount: float | None = None


def damage(data: bytes, chance: random.Random) -> bytes:
    """One workbook with something wrong: bytes of the file, its end, its parts or their XML."""
    kind = chance.randrange(8)
    if kind == 0:
        return data[: chance.randrange(len(data))]
    if kind == 1:
        out = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            out[chance.randrange(len(out))] = chance.randrange(256)
        return bytes(out)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = {name: package.read(name) for name in package.namelist()}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OSError, EOFError):
        return bytes(reversed(data))
    names = [name for name in parts if name.endswith((".xml", ".rels", ".vml"))] or list(parts)
    if kind == 2:
        del parts[chance.choice(list(parts))]
    elif kind == 3:
        one, other = chance.choice(names), chance.choice(names)
        parts[one], parts[other] = parts[other], parts[one]
    else:
        for _ in range(chance.randint(1, 3)):
            name = chance.choice(names)
            parts[name] = _damage_xml(parts[name], chance, kind)
    return _packed(parts, chance)


def _damage_xml(xml: bytes, chance: random.Random, kind: int) -> bytes:
    pattern = {4: _TAG, 5: _NUMBER}.get(kind)
    places = list(pattern.finditer(xml)) if pattern and len(xml) < 2_000_000 else []
    if places:
        found = chance.choice(places)
        new = chance.choice(
            [b"", found[0] * 2, b"0", b"-1", b"99999999999999999999", chance.choice(places)[0]]
        )
        return xml[: found.start()] + new + xml[found.end() :]
    first, second = sorted((chance.randint(0, len(xml)), chance.randint(0, len(xml))))
    return xml[:first] + chance.choice(_TOKENS) + xml[second if chance.random() < 0.5 else first :]


def _packed(parts: dict[str, bytes], chance: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
        if chance.random() < 0.03 and parts:
            info = zipfile.ZipInfo(next(iter(parts)).upper())
            package.writestr(info, b"twice")
    return out.getvalue()


def use(path: Path) -> str:
    """Read all rows, write a cell into a copy, add a row and save in place; what became of it."""
    said = []
    for act in (_read, _write, _append):
        try:
            act(path)
            said.append("done")
        except RunnerError as error:
            said.append(error.stable_code)
    return " ".join(said)


def _read(path: Path) -> None:
    for _ in sheets.read(path, Row):
        pass


def _write(path: Path) -> None:
    sheets.patch_cells(path, path.with_name("copy.xlsx"), None, {(2, 9): "x", (50, 1): 1})


def _append(path: Path) -> None:
    with sheets.edit(path, backups=0) as book:
        page = book.sheet()
        page.append([["new", 1]])
        page["A1"]


def peak_megabytes(*, reset: bool = False) -> float:
    """The peak of this process since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    """``seed first count file…``: a line of JSON before and after each workbook."""
    seed, first, count = (int(word) for word in sys.argv[1:4])
    sources = [Path(word) for word in sys.argv[4:]]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            chance = random.Random(f"{seed}/{number}")
            source = chance.choice(sources)
            path = Path(folder) / f"a{source.suffix}"
            path.write_bytes(damage(source.read_bytes(), chance))
            print(json.dumps([number, source.name]), flush=True)
            peak_megabytes(reset=True)
            start = time.process_time()
            try:
                said = use(path)
            except Exception as error:  # noqa: BLE001 - any error that is not ours is what is looked for
                said = f"WRONG {type(error).__name__}: {error}"
            left = [one.name for one in Path(folder).iterdir() if one.suffix == ".part"]
            took, peak = time.process_time() - start, peak_megabytes()
            print(json.dumps([number, source.name, said, took, peak, left]), flush=True)


if __name__ == "__main__":
    main()
