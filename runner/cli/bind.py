"""`runner recordings bind`: proposes how a recording and a workbook belong together, and writes it down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli.printing import Col, print_facts, print_table, warn
from runner.cli.project import open_settings
from runner.core.errors import ErrorReport, UsageError, did_you_mean

if TYPE_CHECKING:
    from runner.recordings.model import Recording
    from runner.recordings.propose import Proposal

Table = tuple[list[str], list[list[Any]], str]


def bind(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The recording's name.")],
    workbook: Annotated[
        str,
        typer.Argument(metavar="WORKBOOK", help="The workbook, in the project; left out: a bot without one."),
    ] = "",
    *,
    sheet: Annotated[str, typer.Option("--sheet", metavar="SHEET", help="Left out: the first.")] = "",
    key: Annotated[
        str, typer.Option("--key", metavar="FIELD", help="The field that tells the rows apart.")
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="STEP=HEADING",
            help="The column for what a step types; none: as it was typed.",
        ),
    ] = None,
    irreversible: Annotated[
        str,
        typer.Option("--irreversible", metavar="STEP", help="The step that must not happen twice, or none."),
    ] = "",
    each_from: Annotated[
        int | None,
        typer.Option("--each-from", metavar="STEP", min=1, help="The first step done for each row."),
    ] = None,
    process: Annotated[
        str, typer.Option("--process", metavar="PROCESS", help="What the bot works for.")
    ] = "",
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write results into the workbook itself, not into a copy.")
    ] = False,
    look: Annotated[bool, typer.Option("--dry-run", help="Only show the proposal.")] = False,
) -> None:
    """Make a bot of a recording: its rows come from a workbook.

    The values that were typed while recording are looked for in the workbook, and placeholders put in their place. What is
    written into recordings/NAME.yaml can be edited by hand; a second bind starts again from what was typed.
    """
    from runner.recordings.binding import read_binding, write_binding
    from runner.recordings.library import place_of
    from runner.recordings.propose import apply

    project = open_settings().settings.project
    place = place_of(project, name)
    recording = place.read()
    samples: dict[str, str] = {}
    if place.binding.is_file():
        try:
            samples = dict(read_binding(place).values)
        except ErrorReport as report:  # it is being made anew: what is wrong with the old one is of no matter
            warn(f"the old binding is not used: {report.errors[0]}")
    headings, rows, used = _table(project, workbook, sheet) if workbook else ([], [], "")
    proposal = _proposal(recording, (headings, rows, used), workbook, samples, column or [])
    proposal = _chosen(
        proposal, recording, key=key, irreversible=irreversible, each_from=each_from, process=process
    )
    if in_place:
        proposal = replace(proposal, binding=proposal.binding.model_copy(update={"results": "in place"}))
    bound = apply(recording, proposal, samples)
    _tell(bound, proposal, len(rows))
    if look:
        return
    place.write(bound)
    write_binding(place, proposal.binding, bound)
    print(f"\nrecordings/{name}.yaml is written. Go on with:")
    for secret in proposal.binding.secrets:
        print(f"  runner secrets set {secret}")
    print(f"  runner run {name}")


def _table(project: Path, workbook: str, sheet: str) -> Table:
    """Headings, rows and the sheet's name; the header is the first row with more than one cell, or the first."""
    from runner.sheets.grid import grids, load

    path = (project / workbook).resolve()
    if not path.is_relative_to(project):
        raise UsageError(
            f"'{workbook}' is outside the project", expected="a workbook in the project", hint="copy it into inbox/",
            where="WORKBOOK", code="REC_PATH",
        )  # fmt: skip
    grid = next(grids(load(path), sheet or None))
    numbers = range(grid.first_row, grid.last_row + 1)
    rows = [list(grid.row(number)) for number in numbers]
    if not rows:
        raise UsageError(f"sheet '{grid.sheet}' is empty", expected="headings and rows", where="--sheet")
    used = [sum(cell != "" for cell in row) for row in rows]
    header = next((at for at, count in enumerate(used) if count > 1), 0)
    behind = [row for row, count in zip(rows[header + 1 :], used[header + 1 :], strict=True) if count]
    return [str(cell) for cell in rows[header]], behind, grid.sheet


def _proposal(
    recording: Recording, table: Table, workbook: str, samples: dict[str, str], columns: list[str]
) -> Proposal:
    from runner.recordings.propose import propose_binding

    headings, rows, sheet = table
    chosen = dict(_choice(word, headings, len(recording.steps)) for word in columns)
    return propose_binding(
        recording, headings, rows, workbook=workbook, sheet=sheet or None, samples=samples, chosen=chosen
    )


def _choice(word: str, headings: list[str], steps: int) -> tuple[int, str]:
    step, equals, heading = word.partition("=")
    if not equals or not step.isdecimal() or not 1 <= int(step) <= steps:
        raise UsageError(
            f"'{word}' names no step and column", expected="STEP=HEADING, as in 7=Customer", where="--column"
        )
    if heading != "none" and heading not in headings:
        near = did_you_mean(heading, headings)
        raise UsageError(
            f"there is no column '{heading}'",
            expected=f"one of {', '.join(headings)}",
            hint=near,
            where="--column",
        )
    return int(step), "" if heading == "none" else heading


def _chosen(
    proposal: Proposal,
    recording: Recording,
    *,
    key: str,
    irreversible: str,
    each_from: int | None,
    process: str,
) -> Proposal:
    binding = proposal.binding
    changes: dict[str, Any] = {"process": process} if process else {}
    if key:
        by_heading = {bound.column: field for field, bound in binding.fields.items()}
        field = key if key in binding.fields else by_heading.get(key)
        if field is None:
            raise UsageError(
                f"'{key}' is no field", expected=f"one of {', '.join(binding.fields)}",
                hint=did_you_mean(key, binding.fields), where="--key",
            )  # fmt: skip
        changes["key"] = field
    if irreversible:
        changes["irreversible"] = (
            None if irreversible == "none" else _step(irreversible, recording, "--irreversible")
        )
    if each_from is not None:
        changes["each_from"] = _step(str(each_from), recording, "--each-from")
    return replace(proposal, binding=binding.model_copy(update=changes))


def _step(text: str, recording: Recording, flag: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(recording.steps):
        raise UsageError(f"'{text}' is no step", expected=f"1 to {len(recording.steps)}", where=flag)
    return int(text)


def _tell(bound: Recording, proposal: Proposal, rows: int) -> None:
    from runner.recordings.wording import all_words

    words, binding = all_words(bound), proposal.binding
    print_table(
        [
            Col("STEP", fixed=True, right=True),
            Col("TYPED", fixed=True),
            Col("PLACEHOLDER", fixed=True),
            Col("BECAUSE"),
        ],
        ((m.step, m.value, m.placeholder, m.why) for m in proposal.matches),
        "No typed value was found in a column. Choose with --column STEP=HEADING.",
    )
    print()
    point = binding.irreversible
    print_facts(
        [
            ("for each row of", f"{binding.for_each} ({rows} rows)" if binding.for_each else ""),
            ("key", binding.key),
            (
                "done once",
                f"steps 1 to {binding.each_from - 1}: they sign in" if binding.each_from > 1 else "",
            ),
            ("must not repeat", f"step {point}: {words[point - 1]}" if point else "nothing"),
            ("brought back", ", ".join(f"{name} as '{head}'" for name, head in binding.outputs.items())),
            ("secrets", ", ".join(binding.secrets)),
        ]
    )
