"""`runner recordings`: list, show, check and import recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.bind import bind
from runner.cli.groups import group
from runner.cli.options import Json, one_of
from runner.cli.printing import Col, one_line, print_facts, print_json, print_table, say, warn
from runner.cli.project import open_settings
from runner.cli.tongue import in_chinese
from runner.core.errors import ErrorReport, UsageError, exit_code_of

app = group("Recordings: what somebody did in a browser. Make one with: runner record.")
app.command("bind")(bind)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The recording's name.")]
Lang = Annotated[
    str, typer.Option("--lang", metavar="en|zh", help="The language of the words; left out: the terminal's.")
]
Secret = Annotated[
    str,
    typer.Option("--secret", metavar="NAME", help="Put ${secret:NAME} in the place of a password in clear."),
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders with such files.")]


@app.command("list")
def list_recordings(as_json: Json = False) -> int:
    """List the recordings of the project, and which of them are bots."""
    from runner.recordings.library import all_of
    from runner.recordings.model import Recording
    from runner.recordings.placeholders import names_in

    rows: list[dict[str, Any]] = []
    errors = []
    for place, found in all_of(open_settings().settings.project):
        row: dict[str, Any] = {"name": place.name, "bot": place.binding.is_file(), "file": place.shown}
        if isinstance(found, Recording):
            row |= {
                "title": found.title,
                "steps": len(found.steps),
                "placeholders": names_in(found),
                "error": None,
            }
        else:
            row |= {"title": "", "steps": 0, "placeholders": [], "error": str(found)}
            errors += list(found.errors)
        rows.append(row)
    if as_json:
        print_json(rows)
    else:
        print_table(
            [
                Col("NAME", fixed=True),
                Col("STEPS", fixed=True, right=True),
                Col("BOT", fixed=True),
                Col("PLACEHOLDERS"),
                Col("TITLE"),
            ],
            (
                (
                    r["name"],
                    r["steps"],
                    "yes" if r["bot"] else "",
                    ", ".join(r["placeholders"]),
                    one_line(r["title"]),
                )
                for r in rows
            ),
            "No recording yet. Make one with: runner record URL --name NAME",
        )
    for error in errors:
        warn(str(error))
    return exit_code_of(ErrorReport(errors)) if errors else 0


@app.command("show")
def show(
    name: Name,
    lang: Lang = "",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the pictures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the steps of a recording in words, with the picture of each."""
    from runner.recordings.library import place_of
    from runner.recordings.page import page_of, told_steps
    from runner.recordings.reading import warnings_of

    language: Any = one_of(lang, ["en", "zh"], "--lang") or ("zh" if in_chinese() else "en")
    place = place_of(open_settings().settings.project, name)
    recording = place.read()
    steps = told_steps(place, recording, language)
    if html is not None:
        html.write_text(page_of(recording, steps, language), encoding="utf-8")
        say(f"{len(steps)} steps are in {html}")
        return
    if as_json:
        print_json(
            {
                "name": place.name,
                "title": recording.title,
                "fingerprint": recording.fingerprint,
                "steps": [s.as_json() for s in steps],
            }
        )
        return
    print_facts([("recording", place.name), ("title", one_line(recording.title)), ("file", place.shown)])
    say()
    print_table(
        [Col("STEP", fixed=True, right=True), Col("WHAT"), Col("PICTURE")],
        ((s.number, s.words, s.picture.name if s.picture else "") for s in steps),
        "",
    )
    for warning in warnings_of(recording, place.shown):
        warn(str(warning))


@app.command("check")
def check(files: Files, secret: Secret = "", as_json: Json = False) -> int:
    """Say of each recording in these files whether it can be imported, or at which step and why not.

    Takes what the Chrome DevTools Recorder, Playwright's codegen (jsonl, Python) and Selenium IDE write. Nothing is kept.
    """
    from runner.recordings.importing import as_json as plain
    from runner.recordings.importing import import_table

    found = import_table(_files(files), secret=secret or None)
    if as_json:
        print_json([plain(one) for one in found])
        return 0
    print_table(
        [Col("FILE"), Col("FORMAT"), Col("RECORDING"), Col("RESULT", fixed=True), Col("STEPS", fixed=True, right=True), Col("REASON")],
        (
            (one.file, one.format, one.title, "imported" if one.recording else "refused", len(one.recording.steps) if one.recording else "",
             _reason(one))
            for one in found
        ),
        "There is no such file.",
    )  # fmt: skip
    good = sum(one.recording is not None for one in found)
    say(f"\n{len(found)} recordings: {good} can be imported, {len(found) - good} are refused.")
    return 0


@app.command("import")
def import_recordings(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What another recorder wrote.")],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The name; left out: made of the title.")
    ] = "",
    test: Annotated[
        str, typer.Option("--test", metavar="TITLE", help="Only this test of a Selenium IDE project.")
    ] = "",
    secret: Secret = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a recording of that name.")] = False,
) -> int:
    """Import a recording: Chrome DevTools Recorder, Playwright codegen (jsonl, Python), Selenium IDE, or a zip file of the export.

    Passwords in clear are never stored: with --secret each becomes ${secret:NAME}, without it the recording is refused.
    """
    from runner.core.clock import now
    from runner.recordings.former import keep_former
    from runner.recordings.importing import import_file
    from runner.recordings.library import new_place
    from runner.recordings.reading import warnings_of

    opened = open_settings()
    project = opened.settings.project
    found = [one for one in import_file(file, secret=secret or None) if test in ("", one.title)]
    if not found:
        raise UsageError(f"{file.name} has no test '{test}'", expected="one of its tests", where="--test")
    if name and len(found) > 1:
        raise UsageError(
            f"{file.name} holds {len(found)} recordings",
            expected="one for one name",
            hint="choose one with --test, or leave --name out",
            where="--name",
        )
    places = [(one, new_place(project, name or one.name, overwrite=force)) for one in found]
    problems = [problem for one in found for problem in one.problems]
    for one, place in places:
        if one.recording is None:
            continue
        keep_former(opened.settings.home, place, "import", by=opened.who, at=now())
        one.write(place)
        say(f"{place.shown}: {len(one.recording.steps)} steps, from {one.format}")
        if one.beside.pictures:
            say(f"  {len(one.beside.pictures)} pictures came with it")
        for number in one.masked:
            say(
                f"  step {number}: the password was replaced by ${{secret:{secret}}} - now: runner secrets set {secret}"
            )
        for warning in warnings_of(one.recording, place.shown):
            warn(str(warning))
    for problem in problems:
        warn(str(problem))
    return exit_code_of(ErrorReport(problems)) if problems else 0


@app.command("export")
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file; left out: NAME.zip.")
    ] = None,
) -> None:
    """Write a recording with its pictures into a zip file, to be imported elsewhere: there, or on the desk."""
    from runner.recordings import library
    from runner.recordings.bundle import bundle_of

    place = library.place_of(open_settings().settings.project, name)
    place.read()
    target = output or Path(f"{place.name}.zip")
    target.write_bytes(bundle_of(place))
    say(f"{target} holds {place.shown} and {sum(1 for _ in place.folder.glob('*.png'))} pictures")


def _files(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        inside = (
            sorted(
                p for p in path.glob("*") if p.suffix in {".json", ".side", ".jsonl", ".py", ".html", ".zip"}
            )
            if path.is_dir()
            else [path]
        )
        found += [p for p in inside if p.name != "INDEX.json"]
    return found


def _reason(one: Any) -> str:
    if one.masked:
        return f"password of step {', '.join(map(str, one.masked))} replaced by a reference"
    return "; ".join(
        f"{p.where.partition(': ')[2] or p.where}: {p.stable_code}: {p.what}" for p in one.problems
    )
