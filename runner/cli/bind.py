"""`runner recordings bind`: proposes how a recording and a workbook belong together, and writes it down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.printing import Col, print_facts, print_table, say, warn
from runner.cli.project import open_settings
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.settings import prepare_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.cli.project import Project
    from runner.recordings.choices import Choices, Table
    from runner.recordings.model import Recording
    from runner.recordings.propose import Proposal


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
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            metavar="STEP=FORM",
            help="How the site wants it: %d.%m.%Y, #.##0,00, Yes/No …; none: as Runner writes it.",
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
    from runner.core.clock import now
    from runner.recordings.binding import read_binding, typed_values
    from runner.recordings.choices import draft
    from runner.recordings.former import write_bound
    from runner.recordings.library import place_of
    from runner.recordings.secret_places import secret_sites

    opened = open_settings()
    project = opened.settings.project
    place = place_of(project, name)
    recording = place.read()
    former = None
    if place.binding.is_file():
        try:
            former = read_binding(place)
        except ErrorReport as report:  # it is being made anew: what is wrong with the old one is of no matter
            warn(f"the old binding is not used: {report.errors[0]}")
    table = _table(project, workbook, sheet)
    choices = _choices(
        column or [], form or [], key=key, irreversible=irreversible, each_from=each_from, process=process, in_place=in_place
    )  # fmt: skip
    try:
        made = draft(recording, table, choices, samples=typed_values(place), former=former)
    except ErrorReport as report:
        raise ErrorReport([_at_its_flag(error) for error in report.errors]) from report
    _tell(made.bound, made.proposal, len(table.rows))
    if look:
        return
    prepare_home(opened.settings)
    write_bound(opened.settings.home, place, made.binding, made.bound, by=opened.who, at=now())
    say(f"\nrecordings/{name}.yaml is written. Go on with:")
    _allow_its_sites(opened, made.binding.secrets, secret_sites(recording, made.binding.address or ""))
    say(f"  runner run {name}")


def _allow_its_sites(opened: Project, secrets: Iterable[str], sites: Mapping[str, list[str]]) -> None:
    """A secret that nobody has said the hosts of is for the sites on which the recording types it; say what is still to do."""
    from runner.core.hosts import reaches, sites_of
    from runner.core.vault import Vault

    vault = Vault(opened.settings.vault, opened.environment)
    known = vault.hosts()
    for name in secrets:
        typed = sites_of(sites.get(name, []))
        if name not in known:
            say(f"  {set_command(name, typed)}")
        elif (hosts := known[name]) is None and typed:
            vault.set_hosts(name, typed)
            say(f"  (the secret {name} is for {', '.join(typed)} from now on: runner secrets hosts {name})")
        elif not all(reaches(hosts or (), _address(one)) for one in typed):
            say(f"  runner secrets hosts {name} {' '.join(f'--add {one}' for one in typed)}")


def set_command(name: str, sites: Iterable[str]) -> str:
    """The command that keeps a secret, for the sites on which a recording types it."""
    from runner.core.hosts import sites_of

    typed = sites_of(sites)
    return f"runner secrets set {name}{' --hosts ' + ','.join(typed) if typed else ''}"


def _address(site: str) -> str:
    return site if "://" in site else f"https://{site}"


def _table(project: Path, workbook: str, sheet: str) -> Table:
    from runner.recordings.choices import Table
    from runner.sheets.headed import headed

    if not workbook:
        return Table()
    path = (project / workbook).resolve()
    if not path.is_relative_to(project):
        raise UsageError(
            f"'{workbook}' is outside the project", expected="a workbook in the project", hint="copy it into inbox/",
            where="WORKBOOK", code="REC_PATH",
        )  # fmt: skip
    found = headed(path, sheet or None)
    return Table(workbook, found.sheet, found.headings, found.rows)


def _choices(
    columns: list[str],
    forms: list[str],
    *,
    key: str,
    irreversible: str,
    each_from: int | None,
    process: str,
    in_place: bool,
) -> Choices:
    from runner.recordings.choices import NOTHING, Choices

    return Choices(
        columns=dict(_choice(word) for word in columns),
        forms=dict(_form(word) for word in forms),
        key=key,
        each_from=each_from,
        irreversible=NOTHING
        if irreversible == "none"
        else _step(irreversible, "--irreversible")
        if irreversible
        else None,
        process=process or None,
        results="in place" if in_place else None,
    )


def _choice(word: str) -> tuple[int, str]:
    step, equals, heading = word.partition("=")
    if not equals:
        raise UsageError(
            f"'{word}' names no step and column", expected="STEP=HEADING, as in 7=Customer", where="--column"
        )
    return _step(step, "--column"), "" if heading == "none" else heading


def _form(word: str) -> tuple[int, str]:
    step, equals, form = word.partition("=")
    if not equals:
        raise UsageError(
            f"'{word}' names no step and form", expected="STEP=FORM, as in 11=%d.%m.%Y", where="--form"
        )
    return _step(step, "--form"), "" if form == "none" else form


def _step(text: str, flag: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"'{text}' is no step", expected="the number of one", where=flag)
    return int(text)


def _at_its_flag(error: RunnerError) -> RunnerError:
    """The error of a choice, at the flag that made it: ``columns.7`` is ``--column``."""
    name = {"columns": "column", "forms": "form"}.get(
        error.where.partition(".")[0], error.where.partition(".")[0]
    )
    error.where = f"--{name.replace('_', '-')}"
    return error


def _tell(bound: Recording, proposal: Proposal, rows: int) -> None:
    from runner.cli.tongue import in_chinese, said
    from runner.recordings.forms import example
    from runner.recordings.propose import typed_alike
    from runner.recordings.wording import all_words

    words, binding = all_words(bound, "zh" if in_chinese() else "en"), proposal.binding
    print_table(
        [
            Col("STEP", fixed=True, right=True),
            Col("TYPED", fixed=True),
            Col("PLACEHOLDER", fixed=True),
            Col("AS IN"),
            Col("BECAUSE"),
        ],
        (
            (
                m.step,
                m.value,
                m.placeholder,
                example(binding.fields[m.field].kind, proposal.cells[m.field], m.form),
                m.why,
            )
            for m in proposal.matches
        ),
        "No typed value was found in a column. Choose with --column STEP=HEADING.",
    )
    say()
    point = binding.irreversible
    workbook = binding.for_each
    counted = said(
        "{workbook} (1 row)" if rows == 1 else "{workbook} ({rows} rows)", workbook=workbook, rows=rows
    )
    alike = typed_alike(bound, binding.each_from) if workbook else []
    print_facts(
        [
            ("for each row of", counted if workbook else ""),
            ("key", binding.key),
            (
                "done once",
                f"steps 1 to {binding.each_from - 1}: they sign in" if binding.each_from > 1 else "",
            ),
            ("same in each row", "; ".join(f"step {n}: {words[n - 1]}" for n in alike)),
            ("must not repeat", f"step {point}: {words[point - 1]}" if point else "nothing"),
            ("brought back", ", ".join(f"{name} as '{head}'" for name, head in binding.outputs.items())),
            ("secrets", ", ".join(binding.secrets)),
        ]
    )
