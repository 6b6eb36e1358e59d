"""Putting items into a queue: one by a form made of its model, many by a workbook that is shown before it counts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases.item_acts import NewItem, checked_item, key_of, known_queue, put_items
from runner.cases.run_requests import new_token
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.parameters import model_of
from runner.desk import lists
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import told_error
from runner.desk.kept_files import is_kept, keep_file
from runner.desk.outside import place
from runner.desk.queues.items import address_of_item
from runner.desk.queues.views import process_of_queue
from runner.desk.schema_form import SchemaForm
from runner.sheets.judged import BadRow
from runner.sheets.reading import read
from runner.store.models import Item, Queue

MOST: Final = 20_000  # rows of one workbook
_SHOWN: Final = 100  # rows of a preview
_SALT: Final = "runner.desk.queues.adding"


@page("items.put", ("GET", *ACT), process_of=process_of_queue, see="queues.see")
def add(request: DeskRequest, name: str) -> HttpResponse:
    """The form for one item, and the field for a workbook."""
    queue = _queue(name)
    if request.method != "POST":
        return _form(request, queue, SchemaForm(queue.fields))
    form = SchemaForm(queue.fields, request.POST)
    if form.is_valid():
        try:
            item = _checked(queue, form.values())
            made = put_items(
                name, [item], by=request.person.username, at=now(), token=request.POST.get("token", "")[:80]
            )
        except ErrorReport as report:
            form.refuse(report)
        else:
            if made.known:
                form.add_error(
                    queue.key if queue.key in form.fields else None, _("The queue has this key already.")
                )
                return _form(request, queue, form, status=409, known=address_of_item(name, item.key))
            messages.success(request, _("%(key)s is pending: the next run works on it.") % {"key": item.key})
            return redirect(address_of_item(name, item.key))
    return _form(request, queue, form, status=422)


@page("items.put", ACT, process_of=process_of_queue, see="queues.see")
def upload(request: DeskRequest, name: str) -> HttpResponse:
    """Read a workbook and show what would be put; nothing is put yet."""
    queue = _queue(name)
    sent = request.FILES.get("workbook")
    if not isinstance(sent, UploadedFile):
        return _form(
            request, queue, SchemaForm(queue.fields), status=422, refused=_("Please choose a workbook.")
        )
    try:
        file = keep_file(place().settings.home, sent)
        rows = read_rows(queue, file)
    except RunnerError as error:
        return _form(request, queue, SchemaForm(queue.fields), status=422, refused=told_error(error).text)
    context = {
        "queue": queue, "file": file.name, "rows": rows["shown"], **rows, "most_shown": _SHOWN,
        "ticket": signing.dumps(file.as_posix(), salt=_SALT), "token": new_token(now()),
    }  # fmt: skip
    return render(request, "queues/preview.html", context)


@page("items.put", ACT, process_of=process_of_queue, see="queues.see")
def confirm(request: DeskRequest, name: str) -> HttpResponse:
    """Put the good rows of a workbook that was shown. The same form twice puts them once."""
    queue = _queue(name)
    try:
        path = str(signing.loads(request.POST.get("ticket", ""), salt=_SALT, max_age=24 * 3600))
    except signing.BadSignature as error:
        raise UsageError(
            _("the preview is too old"), hint=_("send the workbook again"), code="UPLOAD_OLD"
        ) from error
    if not is_kept(place().settings.home, path):
        raise UsageError(_("the workbook is gone"), hint=_("send the workbook again"), code="UPLOAD_OLD")
    new: list[NewItem] = read_rows(queue, Path(path))["new"]
    token = request.POST.get("token", "")[:80]
    made = put_items(name, new, by=request.person.username, at=now(), note=Path(path).name, token=token)
    count = len(made.new)
    messages.success(
        request, ngettext("%(n)d item is pending now.", "%(n)d items are pending now.", count) % {"n": count}
    )
    return redirect("queues:queue", name)


@page("items.put", process_of=process_of_queue, see="queues.see")
def blank(request: DeskRequest, name: str) -> HttpResponse:  # noqa: ARG001 (what every view takes)
    """An empty workbook with the right headings."""
    from runner.sheets.columns import Column
    from runner.sheets.reporting import table

    queue = _queue(name)
    columns = [Column(field, str(rules.get("title") or field)) for field, rules in _properties(queue).items()]
    with tempfile.TemporaryDirectory() as folder:
        content = table(Path(folder) / "blank.xlsx", [], columns=columns).read_bytes()
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in name)
    return lists.workbook(content, f"{plain}.xlsx")


def read_rows(queue: Queue, file: Path) -> dict[str, Any]:
    """What a workbook holds for a queue: `new` items, `known` keys, `bad` rows with their errors, `shown` rows in order.

    Raises WorkbookError for what concerns the whole file, UsageError (UPLOAD_ROWS) for more than 20,000 rows.
    """
    rows = read(file, model_of(queue.fields, "Item"))
    if len(rows) > MOST:
        raise UsageError(
            _("the workbook has %(n)d rows") % {"n": len(rows)}, expected=_("at most %(n)d rows") % {"n": MOST},
            hint=_("send it in parts"), where=file.name, code="UPLOAD_ROWS",
        )  # fmt: skip
    judged = [_judge(queue, one, rows.columns.get(queue.key, "")) for one in rows]
    keys = [one["item"].key for one in judged if one["item"]]
    known = set()
    for start in range(0, len(keys), 500):
        known |= set(
            Item.objects.filter(queue_id=queue.pk, key__in=keys[start : start + 500]).values_list(
                "key", flat=True
            )
        )
    seen: set[str] = set()
    for one in judged:
        key = one["item"].key if one["item"] else ""
        one["state"] = "bad" if not key else "known" if key in known else "twice" if key in seen else "new"
        seen.add(key)
    order = {"bad": 0, "twice": 1}
    return {
        "new": [one["item"] for one in judged if one["state"] == "new"],
        "known": sum(one["state"] == "known" for one in judged),
        "twice": sum(one["state"] == "twice" for one in judged),
        "bad": sum(one["state"] == "bad" for one in judged),
        "total": len(judged),
        "shown": sorted(judged, key=lambda one: order.get(one["state"], 2))[:_SHOWN],
    }


def _judge(queue: Queue, row: Any, key_column: str) -> dict[str, Any]:
    if isinstance(row, BadRow):
        return {"item": None, "row": row.source.row, "data": row.raw, "errors": row.errors}
    data = row.data.model_dump(mode="json", exclude_unset=True)
    try:
        return {
            "item": NewItem(key_of(queue, data), data, str(row.source)),
            "row": row.source.row,
            "data": data,
            "errors": (),
        }
    except ErrorReport as report:
        for error in report.errors:
            error.where = f"{row.source.sheet}!{key_column}{row.source.row}"
        return {"item": None, "row": row.source.row, "data": data, "errors": report.errors}


def _checked(queue: Queue, values: dict[str, Any]) -> NewItem:
    """By the described model, then by the model itself, in a process of the bot. Raises ErrorReport."""
    item = checked_item(queue, values)
    if not queue.bot_file:
        return item
    valid = place().outside.validate_item(queue.bot_file, queue.pk, item.data)
    return NewItem(key_of(queue, valid), valid)


def _form(
    request: DeskRequest,
    queue: Queue,
    form: SchemaForm,
    *,
    status: int = 200,
    refused: str = "",
    known: str = "",
) -> HttpResponse:
    context = {"queue": queue, "form": form, "refused": refused, "known": known, "token": new_token(now())}
    return render(request, "queues/add.html", context, status=status)


def _properties(queue: Queue) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = queue.fields.get("properties", {})
    return found


def _queue(name: str) -> Queue:
    found = known_queue(name)
    if found is None or not _properties(found):
        raise Http404(name)
    return found
