"""Times in words, in the language and time zone of whoever reads: "2 h late", "in 25 min", "today 15:00", "3 min 12 s"."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

SOON: Final = timedelta(hours=1)  # a due time nearer than this is shown as a warning
_CLOCK: Final = "%H:%M"


def local(at: datetime) -> datetime:
    """The instant on the reader's clock."""
    return timezone.localtime(at)


def moment(at: datetime) -> str:
    """Date and time to the minute: ``24 Nov 2026, 14:02``, ``2026年11月24日 14:02``."""
    return _("%(day)s, %(time)s") % {"day": day(at), "time": f"{local(at):{_CLOCK}}"}


def moment_exact(at: datetime) -> str:
    """Date and time to the second with the zone, for a tooltip: ``2026-11-24 14:02:05 +01:00``."""
    return f"{local(at).isoformat(' ', 'seconds')}".replace("+", " +", 1)


def day_and_clock(at: datetime, now: datetime) -> str:
    """A time of another day, as short as it is clear: ``30 Nov 08:30``, with the year where it is another."""
    here, today = local(at), local(now)
    if here.year != today.year:
        return moment(at)
    date = f"{here.month}月{here.day}日" if _is_chinese() else f"{here.day} {_months()[here.month - 1]}"
    return f"{date} {here:{_CLOCK}}"


def day(at: datetime) -> str:
    """The date: ``24 Nov 2026``, ``2026年11月24日``."""
    here = local(at)
    if _is_chinese():
        return f"{here.year}年{here.month}月{here.day}日"
    return f"{here.day} {_months()[here.month - 1]} {here.year}"


def month(at: datetime) -> str:
    """The month: ``November 2026``, ``2026年11月``."""
    here = local(at)
    if _is_chinese():
        return f"{here.year}年{here.month}月"
    names = pgettext(
        "month names", "January February March April May June July August September October November December"
    )
    return f"{names.split()[here.month - 1]} {here.year}"


def midnight(on: date) -> datetime:
    """The instant at which a day begins on the reader's clock."""
    return timezone.make_aware(datetime.combine(on, time()))


def short(at: datetime, now: datetime) -> str:
    """As short as it can be told apart: ``14:02``, ``tomorrow 09:00``, ``Fri 09:00``, ``24 Nov``, ``24 Nov 2025``."""
    here, today = local(at), local(now)
    days = (here.date() - today.date()).days
    clock = f"{here:{_CLOCK}}"
    if days == 0:
        return clock
    if days in {-1, 1}:
        return (_("tomorrow %(time)s") if days == 1 else _("yesterday %(time)s")) % {"time": clock}
    if 1 < days < 7:
        return f"{_weekdays()[here.weekday()]} {clock}"
    if here.year == today.year:
        return f"{here.month}月{here.day}日" if _is_chinese() else f"{here.day} {_months()[here.month - 1]}"
    return day(at)


def ago(at: datetime, now: datetime) -> str:
    """How long ago or how far ahead, then the date: ``just now``, ``5 min ago``, ``in 2 h``, ``24 Nov``."""
    distance = now - at
    if abs(distance) < timedelta(seconds=45):
        return _("just now")
    if abs(distance) >= timedelta(hours=20):
        return short(at, now)
    text = rough(abs(distance))
    return (_("%(time)s ago") if distance > timedelta() else _("in %(time)s")) % {"time": text}


def due(at: datetime, now: datetime) -> tuple[str, str]:
    """A due time in words, and how urgent it is (``over``, ``soon`` or nothing): ``2 h late``, ``in 25 min``."""
    left = at - now
    if left < timedelta():
        return _("%(time)s late") % {"time": rough(-left)}, "over"
    if left < SOON:
        return _("in %(time)s") % {"time": rough(left)}, "soon"
    if local(at).date() == local(now).date():
        return _("today %(time)s") % {"time": f"{local(at):{_CLOCK}}"}, ""
    return short(at, now), ""


def rough(length: timedelta) -> str:
    """A length in its largest unit: ``40 s``, ``25 min``, ``2 h``, ``3 days``."""
    seconds = length.total_seconds()
    if seconds < 60:
        return _("%(n)d s") % {"n": max(1, round(seconds))}
    if seconds < 3570:
        return _("%(n)d min") % {"n": round(seconds / 60)}
    if seconds < 36 * 3600:
        return _("%(n)d h") % {"n": round(seconds / 3600)}
    days = round(seconds / 86400)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def lasted(length: timedelta) -> str:
    """A length as precise as its size asks for: ``0.31 s``, ``4.2 s``, ``3 min 12 s``, ``2 h 5 min``."""
    seconds = length.total_seconds()
    if seconds < 1:
        return _("%(n)s s") % {"n": f"{seconds:.2f}"}
    if seconds < 10:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    whole = round(seconds)
    if whole < 60:
        return _("%(n)d s") % {"n": whole}
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        parts = [_("%(n)d min") % {"n": minutes}, _("%(n)d s") % {"n": rest}]
        return " ".join(parts if rest else parts[:1])
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [_("%(n)d h") % {"n": hours}, _("%(n)d min") % {"n": minutes}]
    return " ".join(parts if minutes else parts[:1])


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def _months() -> list[str]:
    return pgettext("month names, three letters", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()


def _weekdays() -> list[str]:
    return pgettext("weekday names, three letters", "Mon Tue Wed Thu Fri Sat Sun").split()
