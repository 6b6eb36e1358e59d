"""One case on the screen: what failed, the data, the page's own words, what happened since, what can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from runner.cases.fingerprint import explain
from runner.cli.printing import ago, in_words, one_line, print_facts, short_run
from runner.cli.tongue import in_chinese, said, told, told_message, word
from runner.core.errors import RunnerError
from runner.core.nouns import CaseStatus, FailureKind
from runner.core.settings import Settings
from runner.recordings.failing import step_failure, told_failure
from runner.recordings.library import Place
from runner.store.models import Problem, Run

_KINDS: Final[Mapping[str, str]] = {
    FailureKind.BUSINESS: "business exception: data or a rule is wrong, a person decides",
    FailureKind.APPLICATION: "application exception: the other system failed, tries are used up",
    FailureKind.UNKNOWN: "outcome unknown: look into the target system whether it happened",
}


def print_case(settings: Settings, case: Mapping[str, Any]) -> None:
    """Print a case as `case_json` gives it."""
    facts: list[tuple[str, Any]] = [
        ("case", case["id"]),
        ("status", _status(case)),
        (
            "what failed",
            f"{case['queue']} {case['item']}" if case["item"] else said("the run of {bot}", bot=case["bot"]),
        ),
        ("kind", said(_KINDS.get(case["kind"], case["kind"]))),
        *_in_words(settings.project, case),
        ("message", one_line(case["message"], 1000)),
        *_page(case["evidence"]),
        ("step", case["step"]),
        ("data", in_words(case["data"])),
        ("from", case["source"]),
        ("bot", case["bot"]),
        ("where", (case["error"] or {}).get("where")),
        (
            "run",
            said("{run}, tries so far: {tries}", run=short_run(case["run"]), tries=case["attempts"])
            if case["item"]
            else short_run(case["run"]),
        ),
        ("problem", f"{case['problem']} - {one_line(_explanation(case), 300)}"),
        ("due", ago(case["due"])),
        *(("evidence" if n == 0 else " ", text) for n, text in enumerate(_evidence(settings.runs, case))),
        *(("history" if n == 0 else " ", text) for n, text in enumerate(map(_act, case["history"]))),
        *(("decide" if n == 0 else " ", text) for n, text in enumerate(_decisions(case))),
    ]
    print_facts(facts)


def _in_words(project: Path, case: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what happened in plain words and in the language of the terminal, where the message itself has others."""
    failure = step_failure(case["message"])
    if failure is None or failure.recording != case["bot"]:
        words = one_line(told_message(case["error"], case["message"]), 1000)
        if words != one_line(case["message"], 1000):
            yield "in words", words
        return
    if not in_chinese():
        return
    place = Place(project, case["bot"])
    try:
        recording = place.read()
    except RunnerError:
        recording = None
    yield (
        "in words",
        one_line(told_failure(failure, (case["error"] or {}).get("code", ""), recording, "zh"), 1000),
    )


def _explanation(case: Mapping[str, Any]) -> str:
    if not in_chinese():
        return str(case["explanation"])
    parts = Problem.objects.filter(pk=case["problem"]).values_list("parts", flat=True).first()
    return explain(parts, "zh") if parts else str(case["explanation"])


def _status(case: Mapping[str, Any]) -> str:
    parts = [word("case", case["status"])]
    if case["assignee"]:
        parts.append(said("with {who}", who=case["assignee"]))
    if case["snoozed_until"]:
        parts.append(said("put aside, back {time}", time=ago(case["snoozed_until"])))
    if case["resolution"]:
        how = word("resolution", case["resolution"]).replace("_", " ")
        parts.append(f"{how} ({ago(case['resolved'])})")
    return ", ".join(parts)


def _page(evidence: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield what the page itself said: its visible error message, its address, its HTTP status."""
    for one in evidence:
        if one.get("page_error"):
            yield "page says", one_line(one["page_error"], 500)
    first = next((one for one in evidence if one.get("url")), None)
    if first is not None:
        status = f" (HTTP {first['http_status']})" if first.get("http_status") else ""
        yield "page", f"{first['url']}{status}"


def _evidence(runs: Path, case: Mapping[str, Any]) -> Iterator[str]:
    folder = Run.objects.filter(pk=case["run"]).values_list("folder", flat=True).first() or ""
    for one in case["evidence"]:
        if one.get("path"):
            yield f"{one.get('kind', 'file')}: {runs / folder / one['path']}"


def _act(act: Mapping[str, Any]) -> str:
    words = told(act["note"]) if act["by"] == "runner" else act["note"]  # what people wrote stays as it is
    note = f": {one_line(words, 300)}" if words else ""
    before, after = (act.get("data") or {}).get("before"), (act.get("data") or {}).get("after")
    changed = ""
    if before is not None and after is not None:
        names = [name for name in after if after[name] != before.get(name)]
        changed = f" [{', '.join(f'{n}: {before.get(n)} → {after[n]}' for n in names)}]"
    return f"{ago(act['at'])} {said('{verb} by {who}', verb=word('verb', act['verb']), who=act['by'])}{changed}{note}"


def _decisions(case: Mapping[str, Any]) -> list[str]:
    """Return the decisions that the case allows now, as commands to copy."""
    name, status = case["id"], CaseStatus(case["status"])
    if not status.needs_a_person:
        return []
    if case["kind"] == FailureKind.UNKNOWN:
        return [
            f"runner cases attest {name} --done --note '…'       {said('it happened: the item is done')}",
            f"runner cases attest {name} --not-done --note '…'   {said('it did not happen: try again')}",
            f"runner cases snooze {name} --until 2h",
        ]
    fields = list(case["data"] or {})
    corrected = [f"runner cases retry {name} --set {_suspect(case, fields)}=…"] if fields else []
    as_it_is = [] if case["why"] == "bad_row" else [f"runner cases retry {name}"]
    return [
        *corrected,
        *as_it_is,
        f"runner cases done {name} --note '…'     {said('done by hand')}",
        f"runner cases reject {name} --reason '…'",
        f"runner cases snooze {name} --until 2h",
    ]


def _suspect(case: Mapping[str, Any], fields: list[str]) -> str:
    where = str((case["error"] or {}).get("where", ""))
    return where if where in fields else "field"
