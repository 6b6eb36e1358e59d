"""`runner queues` and `runner items`: the work queues and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from runner.cli.groups import group
from runner.cli.options import Json, Limit, Sort, Text, one_of
from runner.cli.printing import Col, ago, in_words, one_line, print_facts, print_json, print_table, short_run
from runner.cli.project import open_project
from runner.cli.tongue import in_chinese, said, told_message, word
from runner.core.errors import UsageError
from runner.core.nouns import ItemStatus

queues_app = group("The work queues.")
items_app = group("The items of a work queue.")
Queue = Annotated[
    str, typer.Argument(metavar="QUEUE", help="The queue's name; list them with: runner queues list.")
]


@queues_app.command("list")
def list_queues(as_json: Json = False) -> None:
    """List the queues and how many of their items are done, in exception or pending."""
    open_project()
    from runner.store.item_lists import list_queues as all_queues

    found = all_queues()
    if as_json:
        print_json(found)
        return
    print_table(
        [
            Col("QUEUE", fixed=True),
            Col("BOT"),
            Col("ITEMS", right=True),
            *(Col(word("item", s) if in_chinese() else s.upper(), right=True) for s in ItemStatus),
        ],
        ((q["name"], q["bot"], q["total"], *(q["by_status"][s] for s in ItemStatus)) for q in found),
        "No queue yet. A bot's first run makes its queues.",
    )


@items_app.command("list")
def list_items(
    queue: Queue,
    *,
    status: Annotated[
        str, typer.Option(help="Only in this state: pending, running, done, exception, rejected.")
    ] = "",
    text: Text = "",
    limit: Limit = 200,
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """List the items of a queue in the order in which they were put."""
    one_of(status, list(ItemStatus), "--status")
    open_project()
    from runner.store import item_lists
    from runner.store.paging import Page

    wanted = item_lists.ItemFilter(queue, status=(status,) if status else (), text=text)
    found = item_lists.list_items(wanted, Page(sort, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        [Col("KEY", fixed=True), Col("STATUS", fixed=True), Col("TRIES", right=True), Col("CASE", fixed=True), Col("OUTPUT / WHY")],
        (
            (i["key"], word("item", i["status"]), i["attempts"], i["case"],
             one_line(_why(i["error"]) or in_words(i["output"])))
            for i in found
        ),
        "No item.",
    )  # fmt: skip


@items_app.command("show")
def show_item(
    queue: Queue,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The item's key.")],
    as_json: Json = False,
) -> None:
    """Show one item: its data, its attempts, what it brought."""
    open_project()
    from runner.store.item_lists import ItemFilter, attempts_json
    from runner.store.item_lists import list_items as items_of

    rows = items_of(ItemFilter(queue, key=key))
    if not rows:
        raise UsageError(
            f"queue {queue} has no item '{key}'",
            expected="the key of one of its items",
            hint=f"see: runner items list {queue}",
            where="KEY",
            code="NOT_FOUND",
        )
    found = {**rows[0], "tries": attempts_json(queue, key)}
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(item: dict[str, Any]) -> None:
    print_facts(
        [
            ("item", f"{item['queue']} {item['key']}"),
            ("status", word("item", item["status"])),
            ("source", item["source"]),
            ("put", said("{when} by run {run}", when=ago(item["put"]), run=short_run(item["put_run"]))),
            ("data", in_words(item["data"])),
            ("first data", in_words(item["original"]) if item["original"] != item["data"] else ""),
            ("output", in_words(item["output"])),
            ("case", item["case"]),
            *((said("try {number}", number=t["number"]), _try(t)) for t in item["tries"]),
        ]
    )


def _try(attempt: dict[str, Any]) -> str:
    why = one_line(_why(attempt["error"]), 300)
    took = said(" in {ms} ms", ms=f"{attempt['ms']:.0f}") if attempt["ms"] is not None else ""
    step = said(" at {step}", step=attempt["step"]) if attempt["step"] else ""
    what = said(
        "{state}{took}, run {run} {when}{step}",
        state=word("attempt", attempt["status"]), took=took, run=short_run(attempt["run"]), when=ago(attempt["started"]), step=step,
    )  # fmt: skip
    return f"{what}{': ' if why else ''}{why}"


def _why(error: Mapping[str, Any] | None) -> str:
    """What an error said; in Chinese as the desk says it."""
    message = str((error or {}).get("message") or "")
    return told_message(error, message) if message and in_chinese() else message


@items_app.command("burning")
def burning(limit: Limit = 100, as_json: Json = False) -> None:
    """List the items that have failed and are being tried again: seen before their tries run out."""
    open_project()
    from runner.store.burning import list_burning

    found = list_burning(limit=limit)
    if as_json:
        print_json(found)
        return
    columns = [
        Col("ITEM"), Col("STATUS", fixed=True), Col("TRIES", fixed=True, right=True), Col("NEXT", fixed=True), Col("WHAT"),
    ]  # fmt: skip
    rows = (
        (
            f"{one['queue']} {one['key']}",
            word("item", one["status"]),
            f"{one['attempts']}/{one['most']}" if one["most"] else str(one["attempts"]),
            ago(one["next_try"])
            if one["next_try"]
            else said("now")
            if one["status"] == "running"
            else said("next run"),
            one_line(one["message"]),
        )
        for one in found
    )
    print_table(columns, rows, "Nothing is being tried again.")
