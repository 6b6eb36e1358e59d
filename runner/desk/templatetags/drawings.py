"""Drawings in templates: SVG made on the server, coloured by desk.css alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext as _

from runner.desk import charts

register = template.Library()


@register.inclusion_tag("charts/spark.svg")
def spark(values: Sequence[float], label: str = "", hot: int = 2) -> dict[str, Any]:
    """A row of little bars: ``{% spark problem.trend %}``."""
    shown = label or _("last %(n)d days: %(values)s") % {
        "n": len(values), "values": ", ".join(f"{value:g}" for value in values),
    }  # fmt: skip
    bars = charts.spark(values, hot)
    return {
        "bars": charts.outline(bar for bar in bars if not bar.css),
        "hot": charts.outline(bar for bar in bars if bar.css),
        "label": shown,
        "width": f"{len(values) * charts.SPARK_STEP:g}",
    }


@register.inclusion_tag("charts/progress.svg")
def progress(parts: Sequence[tuple[float, str, str]], total: float) -> dict[str, Any]:
    """A bar of parts (value, classes, words): ``{% progress run.parts run.total %}``."""
    return {"boxes": charts.progress(parts, total), "label": ", ".join(words for _, _, words in parts)}


@register.inclusion_tag("charts/donut.svg")
def donut(parts: Sequence[tuple[float, str, str]], middle: str = "") -> dict[str, Any]:
    """A ring of parts (value, classes, words), with a text in its middle."""
    return {"arcs": charts.donut(parts), "middle": middle, "label": ", ".join(words for _, _, words in parts)}


@register.inclusion_tag("charts/waterfall.html")
def waterfall(pieces: Sequence[charts.Piece]) -> dict[str, Any]:
    """Steps as bars along the time, one a line."""
    return {"lines": list(zip(pieces, charts.waterfall(pieces), strict=True))}


@register.inclusion_tag("charts/gantt.svg")
def gantt(
    bars: Sequence[charts.Bar],
    start: datetime,
    end: datetime,
    now: datetime,
    label: str,
    *,
    rows: Sequence[str] = (),
) -> dict[str, Any]:
    """Bars in rows along the time; `start` and `end` are on the reader's clock."""
    return {"chart": charts.gantt(bars, start, end, now, rows=rows), "label": label}
