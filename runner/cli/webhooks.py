"""`runner webhooks`: other programs that are told what happens, and what did not reach them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from runner.cli.groups import group
from runner.cli.options import Json, Limit, one_of
from runner.cli.printing import Col, ago, one_line, print_json, print_table, say
from runner.cli.project import open_project
from runner.core.clock import now
from runner.core.nouns import Event

app = group("Other programs that are told what happens.")
_EVENTS = [str(one) for one in Event if one is not Event.TEST]
Number = Annotated[int, typer.Argument(metavar="ID", help="Its number, as `runner webhooks list` shows it.")]


@app.command("list")
def list_webhooks(as_json: Json = False) -> None:
    """List who is told what, with what waits for them and what did not arrive."""
    open_project()
    from runner.cases.webhooks import counted_webhooks, webhook_json

    found = [webhook_json(one) for one in counted_webhooks()]
    if as_json:
        print_json(found)
        return
    columns = [
        Col("ID", fixed=True), Col("FOR"), Col("URL"), Col("EVENTS"), Col("STATE"), Col("WAIT", right=True),
        Col("DEAD", right=True),
    ]  # fmt: skip
    rows = (
        (
            w["id"],
            w["label"],
            w["url"],
            ", ".join(w["events"]),
            _state(w),
            w["waiting"] or "",
            w["dead"] or "",
        )
        for w in found
    )
    print_table(columns, rows, "Nobody is told. Add one with: runner webhooks add URL --label WHO")


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages go, https://…")],
    *,
    label: Annotated[str, typer.Option(help="Who is told; needed.")] = "",
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT", help=f"Can be repeated; default: all of {', '.join(_EVENTS)}."),
    ] = None,
    process: Annotated[
        list[str] | None, typer.Option(metavar="PROCESS", help="Only of this process; can be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell an address from now on. Its secret, with which it checks signatures, is printed."""
    for name in event or ():
        one_of(name, _EVENTS, "--event")
    project = open_project(writes=True)
    from runner.cases.webhook_addresses import allow_list
    from runner.cases.webhooks import Wanted, subscribe

    settings = project.settings
    wanted = Wanted(label, url, event or _EVENTS, process or ())
    made, secret = subscribe(
        wanted, settings.home, allow_list(settings.webhook_allow), by=project.who, at=now()
    )
    if as_json:
        print_json({"id": made.pk, "url": made.url, "events": made.events, "secret": secret})
        return
    say(f"webhook {made.pk}: {made.label} is told of {', '.join(made.events)}")
    say(f"secret: {secret}")
    say(f"see whether it arrives: runner webhooks test {made.pk}")


@app.command("test")
def send_test_message(webhook: Number, as_json: Json = False) -> None:
    """Send a test message; `runner up` sends it within seconds. See `runner webhooks messages` for what came of it."""
    project = open_project()
    from runner.cases.webhooks import send_test

    message = send_test(webhook, by=project.who, at=now())
    print_json({"id": webhook, "message": message}) if as_json else say(
        f"message {message}: waits to be sent"
    )


@app.command("messages")
def messages(
    webhook: Annotated[int, typer.Argument(metavar="[ID]", help="Only to this one.")] = 0,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List messages, the newest first: what arrived, what waits, and what did not arrive and why."""
    open_project()
    from runner.cases.webhooks import DEAD, message_json, webhook_of
    from runner.store.models import Delivery

    rows = Delivery.objects.select_related("webhook")
    rows = rows.filter(webhook=webhook_of(webhook)) if webhook else rows
    rows = rows.filter(status=DEAD) if dead else rows
    found: list[dict[str, Any]] = [
        message_json(one) | {"label": one.webhook.label} for one in rows[:limit]
    ]  # fmt: skip
    if as_json:
        print_json(found)
        return
    columns = [
        Col("MESSAGE", fixed=True), Col("TO"), Col("EVENT"), Col("STATE", fixed=True), Col("TRIES", right=True),
        Col("MADE"), Col("WHY"),
    ]  # fmt: skip
    lines = (
        (m["id"], m["label"], m["event"], m["status"], m["attempts"], ago(m["made"]), one_line(m["error"]))
        for m in found
    )
    print_table(columns, lines, "No message.")


@app.command("again")
def again(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="A message that was given up.")],
) -> None:
    """Try a message that did not arrive once more."""
    project = open_project()
    from runner.cases.webhooks import send_again

    send_again(message, by=project.who, at=now())
    say(f"message {message}: waits to be sent")


@app.command("secret")
def secret(
    webhook: Number,
    new: Annotated[bool, typer.Option("--new", help="Make another one; the old one ends at once.")] = False,
) -> None:
    """Print the secret with which signatures are checked."""
    project = open_project()
    from runner.cases.webhook_posting import secret_of, signing_key
    from runner.cases.webhooks import new_secret, webhook_of

    home = project.settings.home
    found = webhook_of(webhook)
    say(
        new_secret(webhook, home, by=project.who, at=now())
        if new
        else secret_of(signing_key(home), found.salt)
    )


@app.command("switch")
def switch(
    webhook: Number,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it is told.")],
) -> None:
    """Stop telling an address, or go on; what happens while it is off is not told later."""
    project = open_project()
    from runner.cases.webhooks import switch as switched

    switched(webhook, on=on, by=project.who, at=now())
    say(f"webhook {webhook}: {'on' if on else 'off'}")


@app.command("remove")
def remove(webhook: Number) -> None:
    """End a subscription, with everything that waits for it."""
    project = open_project()
    from runner.cases.webhooks import unsubscribe

    unsubscribe(webhook, by=project.who, at=now())
    say(f"webhook {webhook}: removed")


def _state(webhook: dict[str, Any]) -> str:
    if not webhook["enabled"]:
        return "off"
    if webhook["broken_since"]:
        return f"failing since {ago(webhook['broken_since'])}"
    return f"sent {ago(webhook['last_sent'])}" if webhook["last_sent"] else "on"
