"""The picture of the flow, as SVG that follows the reader's light or dark setting."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_STYLE = """
    .box { fill: #ffffff; stroke: #0f6b5c; stroke-width: 1.5 }
    .soft { fill: #eef5f2; stroke: #9bbdb3; stroke-width: 1.5 }
    .people { fill: #fdf4e3; stroke: #b7791f; stroke-width: 1.5 }
    .name { font: 600 14px system-ui, sans-serif; fill: #12302a }
    .what { font: 12px system-ui, sans-serif; fill: #4a5f5a }
    .way { fill: none; stroke: #55716a; stroke-width: 1.6 }
    .back { fill: none; stroke: #b7791f; stroke-width: 1.6; stroke-dasharray: 5 4 }
    .tip { fill: #55716a } .tip-back { fill: #b7791f }
    @media (prefers-color-scheme: dark) {
      .box { fill: #10211d; stroke: #4fb7a1 } .soft { fill: #172b26; stroke: #3c5f56 }
      .people { fill: #2b2214; stroke: #d9a441 } .name { fill: #e6f1ee } .what { fill: #a9bfb9 }
      .way { stroke: #8fb0a7 } .back { stroke: #d9a441 } .tip { fill: #8fb0a7 } .tip-back { fill: #d9a441 }
    }"""


@dataclass(frozen=True)
class _Box:
    x: int
    y: int
    width: int
    name: str
    what: str
    kind: str = "box"
    height: int = 58

    def draw(self) -> str:
        middle = self.x + self.width // 2
        return (
            f'  <rect class="{self.kind}" x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="9"/>\n'
            f'  <text class="name" x="{middle}" y="{self.y + 25}" text-anchor="middle">{escape(self.name)}</text>\n'
            f'  <text class="what" x="{middle}" y="{self.y + 43}" text-anchor="middle">{escape(self.what)}</text>\n'
        )


_BOXES = (
    _Box(16, 30, 150, "schedules.yaml", "which bot, when", "soft"),
    _Box(206, 30, 150, "scheduler", "due times, once each"),
    _Box(396, 30, 150, "worker", "limits, leases"),
    _Box(586, 30, 158, "bots/x.py", "one process per lane"),
    _Box(784, 30, 120, "web, Excel", "other systems", "soft"),
    _Box(586, 140, 158, "journal, evidence", "written first"),
    _Box(396, 140, 150, "store", "SQLite"),
    _Box(206, 140, 150, "exception queue", "cases and problems"),
    _Box(16, 140, 150, "a person", "retry, done, reject …", "people"),
)
_WAYS = (
    "M166 59 H198", "M356 59 H388", "M546 59 H578", "M744 59 H776",
    "M665 88 V132", "M586 169 H554", "M396 169 H364", "M206 169 H174",
)  # fmt: skip
_BACK = "M91 198 V230 H471 V206"


def flow_picture() -> str:
    """The SVG text."""
    ways = "".join(f'  <path class="way" d="{way}" marker-end="url(#tip)"/>\n' for way in _WAYS)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 262" role="img" aria-labelledby="t">\n'
        '  <title id="t">Schedules launch bots; runs write journals; failures become cases that people decide.</title>\n'
        f"  <style>{_STYLE}\n  </style>\n"
        "  <defs>\n"
        '    <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker>\n'
        '    <marker id="back" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip-back" d="M0 0 8 4 0 8z"/></marker>\n'
        "  </defs>\n"
        f"{ways}"
        f'  <path class="back" d="{_BACK}" marker-end="url(#back)"/>\n'
        '  <text class="what" x="281" y="248" text-anchor="middle">'
        "decisions go back as rows: the next run takes them up</text>\n"
        f"{''.join(box.draw() for box in _BOXES)}</svg>\n"
    )
