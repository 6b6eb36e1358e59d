"""Who is named in what people write (``@name``), so that they can be shown it and told."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from runner.core.clock import iso
from runner.store.models import Act, Mention

_NAMED: Final = re.compile(r"(?<![\w@./\\+-])@([^\W_][\w.+-]{0,198})")


def mentions_in(text: str) -> tuple[str, ...]:
    """The names after an ``@``, in small letters, each once; addresses (``a@b.example``) name nobody."""
    found = (name.rstrip(".+-").casefold() for name in _NAMED.findall(text))
    return tuple(dict.fromkeys(found))


def note_mentions(act: Act) -> None:
    """Remember who is named in the act's note; the caller holds the transaction."""
    Mention.objects.bulk_create(
        Mention(act=act.pk, who=who, subject_kind=act.subject_kind, subject=act.subject, by=act.by, at=act.at)
        for who in mentions_in(act.note)
    )


def mentions_of(who: str, *, unseen: bool = False, limit: int = 100) -> list[dict[str, Any]]:
    """Where somebody is named, the newest first, as JSON values with the words. Two queries."""
    found = Mention.objects.filter(who=who.casefold()).order_by("-at", "act")
    if unseen:
        found = found.filter(seen=None)
    rows = list(found[:limit])
    words = dict(Act.objects.filter(pk__in=[one.act for one in rows]).values_list("pk", "note"))
    return [
        {
            "act": one.act,
            "subject_kind": one.subject_kind,
            "subject": one.subject,
            "by": one.by,
            "at": iso(one.at),
            "note": words.get(one.act, ""),
            "seen": iso(one.seen) if one.seen else None,
        }
        for one in rows
    ]


def see_mentions(who: str, at: datetime, *, subject: str = "") -> int:
    """Mark what names somebody (on one case or problem, where given) as seen; gives how many were new."""
    new = Mention.objects.filter(who=who.casefold(), seen=None)
    if subject:
        new = new.filter(subject=subject)
    return new.update(seen=at)
