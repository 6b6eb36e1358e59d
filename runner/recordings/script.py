"""Writes a bot script from a recording: readable, typed, in the style of the other bots, to be changed by hand from then on."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from runner.core.clock import duration_text
from runner.core.errors import UsageError
from runner.recordings.binding import Binding
from runner.recordings.forms import Kind
from runner.recordings.model import (
    Act,
    Change,
    Click,
    DoubleClick,
    KeyDown,
    KeyUp,
    Mouse,
    Navigate,
    Read,
    Recording,
    Step,
    Upload,
)
from runner.recordings.placeholders import holds_placeholder, secrets_in
from runner.recordings.script_steps import (
    WIDTH,
    Writing,
    lines_of,
    locator,
    path_of,
    quoted,
    with_presses,
    wrapped,
)
from runner.recordings.wording import element_name

_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "str", Kind.WHOLE: "int", Kind.NUMBER: "Decimal", Kind.DATE: "date", Kind.YES_NO: "bool",
}  # fmt: skip
_WAITS_BEHIND: Final = Click, KeyUp
_WAITS_AROUND: Final = Act, Change, DoubleClick, KeyDown, Mouse, Upload
"""Playwright does not wait for the page that these lead to: it is waited for from before the act, or it may be there already."""
_CHOOSE: Final = '''def choose(field: Locator, words: str) -> None:
    """Choose an option by its words; one that is not there is a business exception."""
    field.wait_for()
    options = [option.strip() for option in field.locator("option").all_inner_texts()]
    if words not in options:
        raise BusinessError(
            f"there is no option '{words}'", expected=f"one of {', '.join(options)}", code="UNKNOWN_OPTION"
        )
    field.select_option(label=words)
'''
_FILES_OF: Final = '''def files_of(name: str) -> list[Path]:
    """The file that a row names, beside the workbook or in the project, none for an empty cell; it has to be there."""
    found = [path for path in (Path(FOLDER, name), Path(name)) if path.is_file()][:1]
    if name and not found:
        raise BusinessError(f"there is no file '{name}'", code="FILE_MISSING")
    return found
'''
_WAS_DONE: Final = '''def was_done(page: Page) -> bool:
    """Whether it has happened: not, where the page says what it objects to. Elsewhere nobody knows: a person looks."""
    if page.get_by_role("alert").is_visible():
        return False
    raise ApplicationError("nothing says whether it happened")
'''


def script_of(recording: Recording, name: str, binding: Binding | None, bot: str) -> str:
    """The text of ``bots/BOT.py``: what the recording does, for each row of its workbook where a binding names one.

    Raises UsageError for a name that no function can have.
    """
    check_name(bot)
    made = _Script(recording, name, binding, bot)
    return made.text()


def check_name(bot: str) -> None:
    """Raise UsageError (BOT_NAME) for a name that no function can have."""
    if not bot.isidentifier() or keyword.iskeyword(bot) or bot.startswith("_"):
        raise UsageError(
            f"'{bot}' can't be the name of a bot", expected="letters, digits and '_'", hint="as in enter_order",
            where="BOT", code="BOT_NAME",
        )  # fmt: skip


class _Script:
    """The parts of one script, written in the order in which they are read."""

    def __init__(self, recording: Recording, name: str, binding: Binding | None, bot: str) -> None:
        parts = urlsplit(recording.first_address)
        self.recording = recording
        self.name = name
        self.bot = bot
        self.rows = binding if binding is not None and binding.for_each is not None else None
        self.binding = binding
        self.origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        self.title = (recording.title or name.replace("-", " ")).rstrip(".")
        self.model = "".join(word.title() for word in bot.split("_")) + "Row"
        self.writing = Writing(
            fields=self.rows.fields if self.rows else {},
            values=binding.values if binding else {},
            origin=self.origin,
            files=f"recordings/{name}",
        )

    def text(self) -> str:
        body = self._with_rows() if self.rows else self._once()
        if "choose" in self.writing.needs:
            body.append(_CHOOSE)
        if "files_of" in self.writing.needs and self.rows:
            folder = PurePosixPath(self.rows.for_each or "").parent.as_posix()
            body.append(_FILES_OF.replace("FOLDER", quoted(folder)))
        head = f'"""{self.title}. Made from recordings/{self.name}.json; change it as you like."""'
        return f"{head}\n\n{self._imports(body)}\n\n\n" + "\n\n".join(
            part.rstrip("\n") + "\n" for part in body
        )

    def _imports(self, body: Sequence[str]) -> str:
        known = {node.id for node in ast.walk(ast.parse("\n".join(body))) if isinstance(node, ast.Name)}

        def used(*names: str) -> list[str]:
            return [one for one in names if one in known]

        ours = used(
            "ApplicationError",
            "BusinessError",
            "Item",
            "Queue",
            "Retry",
            "bot",
            "run",
            "secret",
            "sheets",
            "step",
            "web",
        )
        groups: list[list[tuple[str, list[str]]]] = [
            [
                ("collections.abc", used("Iterator")), ("contextlib", used("contextmanager")),
                ("datetime", used("date")), ("decimal", used("Decimal")), ("pathlib", used("Path")),
            ],
            [("playwright.sync_api", used("Locator", "Page", "expect")), ("pydantic", used("BaseModel", "Field"))],
            [("runner", ours)],
        ]  # fmt: skip
        lines = ["from __future__ import annotations"]
        for group in groups:
            there = [f"from {module} import {', '.join(names)}" for module, names in group if names]
            lines += ["", *there] if there else []
        return "\n".join(lines)

    # --- a bot without a workbook ---

    def _once(self) -> list[str]:
        lines = [
            self._decorator(),
            f"def {self.bot}(address: str = {quoted(self.origin)}) -> None:",
            f'    """{self.title}."""',
        ]
        lines.append("    with web.page(base_url=address) as page:")
        body = self._block(self.recording.steps, 8, "do")
        reads = [step for step in self.recording.steps if isinstance(step, Read)]
        if reads:
            lines.append("        read: dict[str, str] = {}")
        lines += body
        if reads:
            lines += ["        for name, value in read.items():", "            run.output(name, value)"]
        return ["\n".join(lines)]

    # --- a bot whose rows come from a workbook ---

    def _with_rows(self) -> list[str]:
        binding = self.rows
        assert binding is not None
        first = binding.each_from
        session = self._session(self.recording.steps[: first - 1])
        return [
            self._row_model(binding),
            self._queue(binding),
            self._bot(binding),
            session,
            *self._each(binding),
        ]

    def _row_model(self, binding: Binding) -> str:
        lines = [f"class {self.model}(BaseModel):", f'    """A row of {binding.for_each}."""', ""]
        for name, bound in binding.fields.items():
            kind, title = _TYPES[bound.kind], f"title={quoted(bound.column)}"
            lines.append(
                f"    {name}: {kind} | None = Field(None, {title})"
                if bound.optional
                else f"    {name}: {kind} = Field({title})"
            )
        return "\n".join(lines) + "\n"

    def _queue(self, binding: Binding) -> str:
        tries = binding.retry
        retry = (
            f'Retry(times={tries.times}, wait="{duration_text(tries.wait)}", longest_wait="{duration_text(tries.longest_wait)}")'
            if tries.times
            else "None"
        )
        call = (
            f"rows = Queue({quoted(self.bot)}, {self.model}, key={quoted(binding.key or '')}, retry={retry})"
        )
        return "\n".join(wrapped(call, 0))

    def _bot(self, binding: Binding) -> str:
        sheet = f", sheet={quoted(binding.sheet)}" if binding.sheet else ""
        where = f"workbook: Path | None = Path({quoted(binding.for_each or '')}), address: str = {quoted(self.origin)}"
        return "\n".join(
            [
                self._decorator(),
                *self._signature(where),
                f'    """{self.title}."""',
                "    if workbook is None:  # what waits in the queue",
                "        rows.each(do_one, session=lambda: signed_in(address))",
                "        return",
                f"    read = sheets.read(workbook, {self.model}{sheet})",
                "    rows.put(read)",
                "    rows.each(do_one, session=lambda: signed_in(address))",
                '    run.output("result", rows.write_results(read))',
            ]
        )

    def _signature(self, parameters: str) -> list[str]:
        line = f"def {self.bot}({parameters}) -> None:"
        return [line] if len(line) <= WIDTH else [f"def {self.bot}(", f"    {parameters}", ") -> None:"]

    def _session(self, steps: Sequence[Step]) -> str:
        body = self._block(steps, 8, "sign in")
        end = [step.leads_to.url for step in steps if step.leads_to is not None]
        self.start = path_of(self.writing, end[-1]) if end else ""
        lines = [
            "@contextmanager",
            "def signed_in(address: str) -> Iterator[Page]:",
            '    """A page that is ready for the first row; after a failure there is a fresh one."""',
            "    with web.page(base_url=address) as page:",
            *body,
            "        yield page",
        ]
        return "\n".join(lines)

    def _each(self, binding: Binding) -> list[str]:
        self.writing.row = True
        self.submitted = "page"
        steps, first, point = self.recording.steps, binding.each_from, binding.irreversible
        parts: list[str] = []
        before = steps[first - 1 : point - 1 if point else None]
        if point and any(holds_placeholder(step) for step in steps[point - 1 :]):
            self.submitted = "item, page"
        lines = [
            "@step",
            f"def do_one(item: Item[{self.model}], page: Page) -> None:",
            f'    """{self.title}, for one row."""',
        ]
        opens = isinstance(steps[first - 1], Navigate) and (steps[first - 1].target or "main") == "main"
        if first > 1 and self.start and not opens:
            lines += wrapped(f"page.goto({quoted(self.start)})", 4)
        reads_before = any(isinstance(step, Read) for step in before)
        lines += ["    read: dict[str, str] = {}"] if reads_before else []
        lines += self._block(before, 4, "fill in")
        if point:
            act = f"item.irreversible({quoted(self._name(steps[point - 1]))}, lambda: submit({self.submitted}), already_done=lambda: was_done(page))"
            call = "    seen = " + act if binding.outputs else "    " + act
            lines += [call] if len(call) <= WIDTH else [
                *(["    seen = item.irreversible("] if binding.outputs else ["    item.irreversible("]),
                "        " + act[len("item.irreversible(") : -1],
                "    )",
            ]  # fmt: skip
            if binding.outputs:
                lines += ["    for name, value in (seen or {}).items():", "        item.output[name] = value"]
            parts = [self._submit(binding, point), _WAS_DONE]
        elif reads_before:
            lines += ["    for name, value in read.items():", "        item.output[name] = value"]
        return ["\n".join(lines), *parts]

    def _submit(self, binding: Binding, point: int) -> str:
        """The irreversible step with what follows it."""
        act, *behind = with_presses(self.recording.steps[point - 1 :])
        reads = [step for step in behind if isinstance(step, Read)]
        kind = "dict[str, str]" if binding.outputs else "None"
        lines = [
            f"def submit({self._submit_signature()}) -> {kind}:",
            f'    """{f"Press {act.key}" if isinstance(act, KeyDown) else f"Click {element_name(act)}"}; what the page objects to is a business exception."""',
        ]
        there = takewhile(lambda step: not isinstance(step, Navigate), behind)
        landed = next((locator(self.writing, step) for step in there if step.raw_selectors), "")
        made, indent = lines_of(self.writing, act), 4
        if not landed and act.leads_to is not None and isinstance(act, _WAITS_AROUND):
            lines.append(f"    with {self.writing.page(act)}.expect_navigation():")
            indent = 8
        for line in made:
            lines += wrapped(line, indent)
        if landed and act.leads_to is not None:
            lines += [
                '    alert = page.get_by_role("alert")',
                *wrapped(f"{landed}.or_(alert).first.wait_for()", 4),
                "    if alert.is_visible():",
                '        raise BusinessError(f"the page refuses it: {\' \'.join(alert.inner_text().split())}", code="REFUSED")',
            ]
        lines += ["    read: dict[str, str] = {}"] if reads else []
        lines += self._block(behind, 4, "look")
        if binding.outputs:
            names = {name: head for name, head in binding.outputs.items() if name != head}
            lines.append(
                "    return read"
                if not names
                else f"    return {{{', '.join(f'{quoted(h)}: read[{quoted(n)}]' for n, h in binding.outputs.items())}}}"
            )
        return "\n".join(lines)

    def _submit_signature(self) -> str:
        return "page: Page" if self.submitted == "page" else f"item: Item[{self.model}], page: Page"

    # --- steps ---

    def _block(self, steps: Sequence[Step], indent: int, purpose: str) -> list[str]:
        """The statements of some steps; those up to a click that leads to another page are one named step."""
        lines: list[str] = []
        whole = with_presses(steps)
        following = iter([*whole[1:], None])
        for group in _groups(whole):
            named = purpose != "sign in" and len(group) > 1
            name = self._name(group[-1]) if group[-1].leads_to is not None else "Fill in the page"
            inner = indent + 4 if named else indent
            lines += [f"{' ' * indent}with step({quoted(name)}):"] if named else []
            for step in group:
                lines += self._lines(step, next(following), inner)
        return lines

    def _lines(self, step: Step, following: Step | None, indent: int) -> list[str]:
        pad, made = " " * indent, lines_of(self.writing, step)
        target = getattr(following, "target", None) or "main"
        lines: list[str] = []
        if isinstance(step, Click) and target not in self.writing.tabs:
            variable = f"tab_{len(self.writing.tabs) + 1}"
            lines.append(f"{pad}with {self.writing.page(step)}.expect_popup() as opened:")
            for line in made:
                lines += wrapped(line, indent + 4)
            lines.append(f"{pad}{variable} = opened.value")
            self.writing.tabs[target] = variable
            return lines
        page, there = self.writing.page(step), step.leads_to
        if there is not None and isinstance(step, _WAITS_AROUND):
            lines.append(f"{pad}with {page}.expect_navigation(url={quoted(_pattern(there.url))}):")
            indent += 4
        for line in made:
            lines += wrapped(line, indent)
        if there is not None and isinstance(step, _WAITS_BEHIND):
            lines += wrapped(f"{page}.wait_for_url({quoted(_pattern(there.url))})", indent)
        return lines

    def _name(self, step: Step) -> str:
        if isinstance(step, KeyDown):
            return f"Press {step.key}"
        name = element_name(step).strip('"') if step.raw_selectors else "Open the page"
        return name[:60]

    def _decorator(self) -> str:
        binding = self.binding
        given = []
        if binding is not None:
            given += [f"process={quoted(binding.process)}"] if binding.process else []
            given += [f'time_limit="{duration_text(binding.time_limit)}"'] if binding.time_limit else []
            given += [f"lanes={binding.lanes}"] if binding.lanes > 1 else []
            given += [f"stop_after={binding.stop_after}"] if binding.stop_after and self.rows else []
        if binding is not None and binding.results == "in place" and self.rows:
            given.append('results="in place"')
        secrets = list(binding.secrets) if binding is not None else secrets_in(self.recording)
        given += [f"secrets=[{', '.join(quoted(name) for name in secrets)}]"] if secrets else []
        return f"@bot({', '.join(given)})" if given else "@bot"


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    group: list[Step] = []
    for step in steps:
        group.append(step)
        if step.leads_to is not None:
            yield group
            group = []
    if group:
        yield group


def _pattern(url: str) -> str:
    """What `wait_for_url` waits for: parts of the path that hold a digit may be others next time."""
    path = urlsplit(url).path
    parts = [re.sub(r"^[^/]*\d[^/]*$", "*", part) for part in path.split("/")]
    return f"**{'/'.join(parts)}*" if path not in {"", "/"} else "**/"
