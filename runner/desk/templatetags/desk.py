"""Words, states, people, numbers and addresses in templates."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest, QueryDict
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from runner.desk import assets, words
from runner.desk.errors.telling import said_here
from runner.desk.errors.titles import title_of

register = template.Library()


@register.filter
def word(value: object, noun: str) -> str:
    """What people read for a state: ``{{ case.status|word:"case" }}``."""
    return words.word(noun, str(value))


@register.filter
def in_words(text: object) -> str:
    """Errors as they were written down, a line for each, in the language of the page: ``{{ bot.error|in_words }}``."""
    return "\n".join(said_here(line) for line in str(text).split("\n"))


@register.filter
def without(text: object, beginning: object) -> str:
    """A text without what stands before it already: ``{{ line.step }} {{ line.message|without:line.step }}``."""
    return str(text).removeprefix(str(beginning or "")).lstrip()


@register.filter
def cause(problem: Any) -> str:
    """A problem's title for people: ``{{ problem|cause }}``; its code stands elsewhere."""
    return title_of(problem.title, problem.parts)


@register.simple_tag
def status(noun: str, value: object) -> SafeString:
    """A state as a coloured tag: ``{% status "run" run.status %}``."""
    return format_html(
        '<span class="tag {}">{}</span>', words.tone(noun, str(value)), words.word(noun, str(value))
    )


@register.simple_tag
def deed(what: str) -> SafeString:
    """What an entry of the audit trail says that was done; its code where there are no words for it yet."""
    shown = words.word("deed", what)
    if shown == what:
        shown = words.word("verb", what.rpartition(".")[2])
    return format_html('<span title="{}">{}</span>', what, shown)


@register.simple_tag
def who(name: str, shown: str = "") -> SafeString:
    """A person as their initials, the whole name behind it; a dash for nobody."""
    if not name:
        return format_html('<span class="soft" title="{}">–</span>', gettext("nobody"))
    return format_html(
        '<span class="who" title="{}"><span aria-hidden="true">{}</span><span class="hidden">{}</span></span>',
        shown or name, initials(shown or name), shown or name,
    )  # fmt: skip


def initials(name: str) -> str:
    """Two letters that stand for a name: ``AP supervisor`` is AS, ``mei`` is ME, 王芳 is 王芳."""
    if any("\u3400" <= sign <= "\u9fff" for sign in name):
        return name[-2:]
    parts = [part for part in name.replace(".", " ").replace("-", " ").replace("_", " ").split() if part]
    letters = parts[0][:2] if len(parts) == 1 else "".join(part[0] for part in parts[:2]) if parts else "?"
    return letters.upper()


@register.filter
def number(value: Any, places: int = 0) -> str:
    """A number as the language writes it: ``12,480``."""
    if isinstance(value, float):  # Django cuts what is beyond the places off
        value = round(value, places)
    return (
        "–"
        if value is None or value == ""
        else str(number_format(value, places, use_l10n=True, force_grouping=True))
    )


@register.filter
def counted(value: int | None, most: int) -> str:
    """A count that was not taken further than `most`: ``999+``."""
    if value is None:
        return ""
    return f"{number(most - 1)}+" if value >= most else number(value)


@register.filter
def percent(value: float | None, places: int = 1) -> str:
    """A share from 0 to 1 as ``93.1 %``."""
    return "–" if value is None else f"{number_format(round(value * 100, places), places)} %"


@register.filter
def money(value: object, currency: str = "") -> str:
    """An amount with two decimals and its currency: ``1,204.50 EUR``; what is no amount stays as it is."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return f"{number_format(amount, 2, force_grouping=True)} {currency}".strip()


@register.filter
def as_text(value: Any) -> str:
    """A value of JSON as people read it: text as it is, nothing as a dash, the rest as JSON."""
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def unlocalised(value: object) -> str:
    """A number as programs write it, for addresses and process numbers: ``12480``."""
    return str(value)


@register.filter
def file_name(value: object) -> str:
    """The last part of a path, whichever way its slashes lean."""
    return str(value).replace("\\", "/").rpartition("/")[2]


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """The entry of a mapping under a key that is not known beforehand."""
    return mapping.get(key) if mapping else None


@register.filter
def may(access: Any, permission: str) -> bool:
    """Whether the person may, in some process: ``{% if access|may:"runs.start" %}``."""
    return bool(access.may(permission))


@register.simple_tag
def asset(name: str) -> str:
    """The address of a style, script or picture; it changes with its content, so that it can be kept for a year."""
    return assets.address_of(name)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """This page's address with some values of its query changed; None or an empty text removes one."""
    request: HttpRequest = context["request"]
    return with_changes(request.GET, changes)


def with_changes(now: QueryDict, changes: dict[str, object]) -> str:
    """The query `now` with `changes` made, as text that begins with ``?``."""
    values = {name: now.getlist(name) for name in now if name not in changes}
    values.update({name: [str(value)] for name, value in changes.items() if value not in {None, ""}})
    return f"?{urlencode(values, doseq=True)}"
