"""What people find out about problems and do against them: `runner problems own | why | action | move | canary | merge …`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from runner.cli.options import Json, moment_ahead, one_of
from runner.cli.printing import Col, one_line, print_json, print_table, say
from runner.cli.problems import app
from runner.cli.project import open_project
from runner.core.clock import now
from runner.core.nouns import Branch, ProblemStatus

ProblemId = Annotated[
    str, typer.Argument(metavar="PROBLEM", help="The problem's id, or the beginning of it.")
]
Note = Annotated[str, typer.Option(help="A few words for the history; @name names somebody.")]


@app.command("own")
def own(
    problem: ProblemId,
    owner: Annotated[str, typer.Option("--to", metavar="NAME", help="This person; empty: nobody.")] = "",
    as_json: Json = False,
) -> None:
    """Say who answers for a problem."""
    pk, who = _open(problem)
    from runner.cases import problems

    _say(as_json, {"problem": pk, "owner": owner, "act": problems.own(pk, owner, who)})


@app.command("why")
def why(
    problem: ProblemId,
    whys: Annotated[
        list[str], typer.Argument(metavar="WHY", help="From the symptom to the cause, in order.")
    ],
    root_cause: Annotated[
        str, typer.Option("--root-cause", metavar="WORDS", help="What it comes from in the end.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write down the 5 Whys of a problem; they replace those that were there."""
    pk, who = _open(problem)
    from runner.cases import problems

    act = problems.set_whys(pk, [problems.Why(one) for one in whys], who)
    if root_cause:
        problems.set_root_cause(pk, root_cause, who)
    _say(as_json, {"problem": pk, "whys": len(whys), "act": act})


@app.command("causes")
def causes(
    problem: ProblemId,
    found: Annotated[
        list[str], typer.Argument(metavar="BRANCH=WORDS", help=f"Branches: {', '.join(Branch)}.")
    ],
    as_json: Json = False,
) -> None:
    """Write down the possible causes of a problem by the branches of a fishbone; they replace those that were there."""
    pk, who = _open(problem)
    from runner.cases import problems

    by_branch: dict[str, list[str]] = {}
    for one in found:
        branch, _, words = one.partition("=")
        by_branch.setdefault(branch.strip().lower(), []).append(words)
    _say(as_json, {"problem": pk, "causes": by_branch, "act": problems.set_causes(pk, by_branch, who)})


@app.command("action")
def action(
    problem: ProblemId,
    text: Annotated[
        str, typer.Argument(metavar="WORDS", help="What is done about it; or the id of an action.")
    ],
    *,
    owner: Annotated[str, typer.Option("--by", metavar="NAME", help="Who does it.")] = "",
    due: Annotated[str, typer.Option("--due", metavar="TIME", help="By when: 3d, 2026-12-01.")] = "",
    done: Annotated[bool, typer.Option("--done", help="It is done (with the id of an action).")] = False,
    as_json: Json = False,
) -> None:
    """Add a corrective action, or say that one is done."""
    pk, who = _open(problem)
    from runner.cases import problems

    until: datetime | None = moment_ahead(due, "--due") if due else None
    if done:
        act = problems.change_action(pk, text, who, done=True)
    else:
        act = problems.add_action(pk, text, who, owner=owner, due=until)
    _say(as_json, {"problem": pk, "action": text if done else act, "act": act})


@app.command("move")
def move(
    problem: ProblemId,
    *,
    to: Annotated[str, typer.Option(metavar="STATE", help="open, analysing, acting, verifying or closed.")],
    note: Note = "",
    runs: Annotated[int, typer.Option(min=0, help="With verifying: so many clean runs close it.")] = 3,
    items: Annotated[int, typer.Option(min=0, help="With verifying: and so many items done.")] = 0,
    by_version: Annotated[
        bool,
        typer.Option("--by-version", help="With verifying: the fix comes with a new version of the bot."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Move a problem along: analysing, acting, verifying, closed. It closes on proof, or with --note without."""
    one_of(to, list(ProblemStatus), "--to")
    pk, who = _open(problem)
    from runner.cases import problems
    from runner.cases.verification import Needed

    act = problems.move_problem(
        pk, ProblemStatus(to), who, note=note, needed=Needed(runs, items), by_version=by_version
    )
    _say(as_json, {"problem": pk, "status": to, "act": act})


@app.command("contrast")
def contrast(problem: ProblemId, as_json: Json = False) -> None:
    """Compare what failed with what went through: which values, versions, hosts, hours are over-represented."""
    pk, _ = _open(problem)
    from runner.cases.contrast_sample import contrast_of

    found = contrast_of(pk, zone=now().astimezone().tzinfo or now().tzinfo)  # type: ignore[arg-type]  # both aware
    rows = [
        {
            "dimension": f.dimension, "value": f.value, "failed_with": f.failed_with, "clean_with": f.clean_with,
            "ratio": f.ratio, "chance": f.chance, "notable": f.is_notable,
        }
        for f in found.findings
    ]  # fmt: skip
    if as_json:
        counts = {"failed": found.failed, "all_failed": found.all_failed, "clean": found.clean}
        print_json({"of": found.of, **counts, "findings": rows})
        return
    if found.all_failed > found.failed:
        say(
            f"{found.failed} {found.of} failed, the last of {found.all_failed}; {found.clean} clean ones of the same time"
        )
    else:
        say(f"{found.failed} {found.of} failed, {found.clean} clean ones of the same time")
    columns = [
        Col("WHAT"), Col("VALUE"), Col("FAILED", fixed=True, right=True), Col("CLEAN", fixed=True, right=True),
        Col("TIMES", fixed=True, right=True), Col("CHANCE", fixed=True, right=True),
    ]  # fmt: skip
    lines = (
        (f.dimension, one_line(f.value), f"{f.failed_with}", f"{f.clean_with}",
         "only" if f.ratio is None else f"{f.ratio:.1f}", f"{f.chance:.2g}")
        for f in found.findings if f.is_notable
    )  # fmt: skip
    print_table(columns, lines, "Nothing stands out.")


@app.command("canary")
def canary(
    problem: ProblemId,
    *,
    cases: Annotated[int, typer.Option("--cases", help="So many, the oldest first.")] = 0,
    release: Annotated[
        bool, typer.Option("--release", help="Retry the rest: the canary went through.")
    ] = False,
    hold: Annotated[bool, typer.Option("--hold", help="End it without the rest.")] = False,
    note: Annotated[str, typer.Option(help="With --release: why, although not all went through.")] = "",
    as_json: Json = False,
) -> None:
    """Retry a few cases of a problem and watch them; then release the rest, or hold."""
    pk, who = _open(problem)
    from runner.cases import canary as canaries

    if cases:
        canaries.start_canary(pk, cases, who)
    elif release:
        canaries.release(pk, who, now=now, anyway=note)
    elif hold:
        canaries.hold(pk, who, note=note)
    seen = canaries.watch_canary(pk)
    if seen is None:
        _say(as_json, {"problem": pk, "canary": "none yet: start one with --cases"})
        return
    said = {
        "problem": pk, "state": seen.state, "verdict": seen.verdict, "succeeded": seen.succeeded,
        "failed": seen.failed, "waiting": seen.waiting, "left": seen.left,
    }  # fmt: skip
    _say(as_json, said)


@app.command("merge")
def merge(
    problem: ProblemId,
    into: Annotated[str, typer.Option("--into", metavar="PROBLEM", help="The problem that they belong to.")],
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Say that the cases of one problem, and later ones like them, belong to another."""
    pk, who = _open(problem)
    from runner.cases import problems
    from runner.store.names import resolve_problem_id

    target = resolve_problem_id(into)
    _say(as_json, {"problem": pk, "into": target, "rule": problems.merge(pk, target, who, note=note)})


@app.command("split")
def split(
    problem: ProblemId,
    where: Annotated[
        str, typer.Option("--where", metavar="FIELD=VALUE", help="As in data.customer=Ho or step=fill.")
    ],
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Make a problem of its own of the cases that have a value, and of later ones."""
    pk, who = _open(problem)
    from runner.cases import problems

    field, _, value = where.partition("=")
    rule = problems.split(pk, field.strip(), value.strip(), who, note=note)
    _say(as_json, {"problem": pk, "part": problems.part_of(rule), "rule": rule})


@app.command("rules")
def rules(as_json: Json = False) -> None:
    """List what people said about which cases belong together."""
    open_project()
    from runner.store.problem_lists import list_rules

    found = list_rules()
    if as_json:
        print_json(found)
        return
    columns = [
        Col("RULE", fixed=True),
        Col("KIND", fixed=True),
        Col("FROM"),
        Col("WHERE"),
        Col("INTO", fixed=True),
        Col("BY"),
    ]
    lines = (
        (r["id"], r["kind"], r["source"] or "", r["where"], r["target"], r["by"])
        for r in found
        if r["active"]
    )
    print_table(columns, lines, "No rule.")


@app.command("ungroup")
def ungroup(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The id of the rule: runner problems rules.")],
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Take a merge or a split back."""
    project = open_project()
    from runner.cases import problems
    from runner.store.problem_lists import list_rules

    target = next((one["target"] for one in list_rules() if one["id"] == rule), "")
    who = problems.Who(project.who, now())
    _say(as_json, {"problem": target, "act": problems.ungroup(target, rule, who, note=note)})


def _open(problem: str) -> tuple[str, Any]:
    """The id that is meant, and who asks (`problems.Who`)."""
    project = open_project()
    from runner.cases.problems import Who
    from runner.store.names import resolve_problem_id

    return resolve_problem_id(problem), Who(project.who, now())


def _say(as_json: bool, facts: dict[str, Any]) -> None:
    if as_json:
        print_json(facts)
    else:
        say(", ".join(f"{name} {value}" for name, value in facts.items() if name != "act" and value != ""))
