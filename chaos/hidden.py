"""Two hundred secrets go through everything a bot can do with them; no file but the vault has one, in any encoding."""

from __future__ import annotations

import base64
import html
import json
import random
import sys
import tempfile
import threading
import time
import urllib.parse
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import ahocorasick_rs
import psutil
from loguru import logger
from openpyxl import Workbook

from chaos.checks import Checks
from chaos.ledger import ledger_of
from chaos.place import Place, a_place, left_over
from chaos.sizes import options_of, parser_of
from runner.core.vault import Vault
from runner.journal.redact import Redactor
from runner.journal.write import Journal

SEED: Final = 11
TOGETHER: Final = 10  # secrets of one item
MANY: Final = 10_000
VAULT_FILES: Final = ("vault.json", "vault.key")
BOT: Final = '''
"""Says its secrets wherever it can."""
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path
from pydantic import BaseModel
from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, log, run, secret, sheets, step, web

class Entry(BaseModel):
    number: int

entries = Queue("entries", Entry, key="number", retry=Retry(times=1, wait="10ms", longest_wait="10ms"))
NAMES = [f"secret-{n}" for n in range(1, COUNT + 1)]

@bot(secrets=NAMES)
def tell(workbook: Path) -> None:
    rows = sheets.read(workbook, Entry)
    entries.put(rows)
    entries.each(tell_one, session=web.page)
    target = run.folder / "outputs" / "told.xlsx"
    target.parent.mkdir(exist_ok=True)
    sheets.write_results(workbook, target, entries.results(rows), sheet=rows.sheet, header_row=rows.header_row)
    run.output("result", target)

@step
def tell_one(item: Item[Entry], page) -> None:
    mine = [secret(name) for name in NAMES[(item.data.number - 1) * 10 : item.data.number * 10]]
    for value in mine:
        log.info("a secret: {}", value, extra_field=value, nested={"in": [value]})
        log.info("a secret: " + value)
        print("printed:", value)
        print("to the console of a child:", value, file=sys.stderr)
    subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read())"], input="\\n".join(mine), text=True)
    together = " and ".join(mine)
    item.output["told"] = together
    item.once("part", lambda: together)
    page.set_content("<title>t</title><div role=alert id=a></div><input type=password id=p><textarea id=t></textarea>")
    page.evaluate("(all) => { document.getElementById('a').textContent = all; window.name = all }", together)
    page.locator("#p").fill(mine[0])
    page.locator("#t").fill(together)
    page.evaluate("(v) => fetch('http://127.0.0.1:9/?q=' + encodeURIComponent(v)).catch(() => 0)", mine[1])
    page.evaluate("(v) => history.replaceState(0, '', '#' + encodeURIComponent(v))", mine[2])
    try:
        page.goto("http://127.0.0.1:9/?key=" + urllib.parse.quote(mine[3]), timeout=2000)
    except Exception as refused:
        raise (ApplicationError if item.data.number % 2 else BusinessError)(f"told {together}") from refused
'''


@dataclass
class Found:
    """Where secrets were looked for and where they were."""

    files: int = 0
    members: int = 0
    megabytes: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    hits: list[str] = field(default_factory=list)
    environments: int = 0
    cases: int = 0


def make_secrets(count: int, seed: int) -> list[str]:
    """Secrets of 6 to 200 characters: words, quotes, markup, escapes, line feeds, any script, emoji."""
    chance = random.Random(seed)
    alphabets = ("abcdefghijkmnpqrstuvwxyz23456789", "\"'`\\/<>&%+=;:{}[]$#@!?,. ", "äöüßéñçøł", "密码口令钥匙", "пароль",
                 "🔑🗝️🔒", "a1\n\t\"'", "A-Za-z0-9+/=")  # fmt: skip
    made: list[str] = []
    while len(made) < count:
        letters = "".join(chance.sample(alphabets, chance.randint(1, 4)))
        value = "".join(chance.choice(letters) for _ in range(chance.choice([6, 7, 8, 12, 20, 40, 100, 200])))
        if len(set(value)) > 3 and value.strip() == value and value not in made:
            made.append(value)
    return made


def forms(secret: str) -> dict[str, bytes]:
    """The eight encodings that are looked for."""
    raw = secret.encode("utf-8")
    found = {
        "raw": raw,
        "URL": urllib.parse.quote(secret, safe="").encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "HTML": html.escape(secret).encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).rstrip(b"=")
        found[f"base64 at {lead}"] = encoded[(lead * 8 + 5) // 6 : (lead + len(raw)) * 8 // 6]
    return found


def tell_all(count: int, seed: int) -> Found:
    """Run the bot above with `count` secrets and look through everything that it left."""
    out = Found()
    secrets = make_secrets(count, seed)
    with a_place() as place:
        place.use_bot(BOT.replace("COUNT", str(count)))
        vault = Vault(place.home / "vault.json", {})
        place.home.mkdir(mode=0o700)
        for number, value in enumerate(secrets, 1):
            vault.set(f"secret-{number}", value)
        book = Workbook()
        book.worksheets[0].append(["number"])
        for number in range(1, count // TOGETHER + 1):
            book.worksheets[0].append([number])
        book.save(place.folder / "entries.xlsx")
        look = _Look(secrets, out)
        with _environments_watched(place, look):
            done = place.runner("run", "tell", f"--param=workbook={place.folder / 'entries.xlsx'}", limit=900)
        look.into("the command's own output", (done.stdout + done.stderr).encode())
        look.into("cases list", place.runner("cases", "list", "--json").stdout.encode())
        out.cases = ledger_of(place.database).count("exception")
        for path in sorted(p for p in place.folder.rglob("*") if p.is_file() and p.name not in VAULT_FILES):
            look.into_file(path)
    return out


class _Look:
    def __init__(self, secrets: list[str], out: Found) -> None:
        self.out = out
        self._names: list[str] = []
        patterns: list[bytes] = []
        for number, secret in enumerate(secrets, 1):
            for kind, form in forms(secret).items():
                patterns.append(form)
                self._names.append(f"secret-{number} ({kind})")
        self._search = ahocorasick_rs.BytesAhoCorasick(patterns)

    def into(self, where: str, data: bytes) -> None:
        """Look into some bytes."""
        self.out.megabytes += len(data) / 1e6
        for which, at, _ in self._search.find_matches_as_indexes(data)[:3]:
            self.out.hits.append(f"{self._names[which]} in {where} at byte {at}")

    def into_file(self, path: Path) -> None:
        """Look into a file, and into the members of an archive."""
        self.out.files += 1
        self.out.kinds[path.suffix or path.name] += 1
        self.into(path.name, path.read_bytes())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    self.out.members += 1
                    self.into(f"{path.name}/{member}", archive.read(member))


class _environments_watched:  # noqa: N801 - reads as what it is in `with`
    """Looks into environment and command line of every process of the place, while a block runs."""

    def __init__(self, place: Place, look: _Look) -> None:
        self._place, self._look = place, look
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            for process in left_over(self._place.folder):
                try:
                    words = [*process.cmdline(), *process.environ().values()]
                except (psutil.Error, OSError):
                    continue
                self._look.out.environments += 1
                self._look.into("the environment of a process", "\0".join(words).encode("utf-8", "replace"))


def cost(secrets: int, lines: int, folder: Path) -> tuple[float, float, float]:
    """Seconds of CPU for `lines` journal lines with no secret and with so many, and for making ready for them."""
    chance = random.Random(SEED)
    many = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789-_", k=24)) for _ in range(secrets)]
    began = time.process_time()
    full = Redactor(many)
    full.json(b"{}")
    ready = time.process_time() - began
    logger.remove()  # its own handler prints; only the journal's cost is asked for
    best = []
    for redactor in (Redactor(), full):
        times = []
        for _ in range(5):
            with Journal(
                folder / f"{time.monotonic_ns()}.jsonl", run="r", lane=1, bot="b", redactor=redactor
            ) as journal:
                began = time.process_time()
                for n in range(lines):
                    data = {
                        "number": f"A-{n}",
                        "customer": "Alder & Finch",
                        "amount": "39.50",
                        "notes": "x" * 120,
                    }
                    journal.event(
                        "step.started", "fill in the form", queue="orders", item=f"A-{n}", data=data
                    )
                times.append(time.process_time() - began)
        best.append(min(times))
    return best[0], best[1], ready


def report(found: Found, count: int, checks: Checks) -> None:
    """Print the counts and hold them against the promise."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(found.kinds.items()))
    checks.figure(
        "looked into", f"{found.files} files ({kinds}) with {found.members} members, {found.megabytes:.1f} MB"
    )
    checks.figure("environments and command lines looked into", found.environments)
    checks.that("items told and failed as meant", found.cases, count // TOGETHER)
    checks.that(
        "traces, pictures and workbooks were among them", {".zip", ".png", ".xlsx"} <= set(found.kinds), True
    )
    checks.that("secrets found in 8 encodings", found.hits[:10], [])


def main() -> int:
    """The part in full size, or as large as the arguments say."""
    parser = parser_of("hidden", __doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    options = options_of("hidden", parser)
    checks = Checks(f"secrets: {options.secrets}, seed {options.seed}, size {options.size}")
    report(tell_all(options.secrets, options.seed), options.secrets, checks)
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as name:
        none, many, ready = cost(MANY, 2_000, Path(name))
    checks.figure(f"making ready for {MANY} secrets", f"{ready:.2f} s CPU")
    checks.figure(
        "2,000 journal lines", f"{none * 1000:.0f} ms without secrets, {many * 1000:.0f} ms with {MANY}"
    )
    checks.at_most("ratio", many / none, 2.0)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
