"""Takes the pictures of a recording that has none, while it is replayed: what each step is about, marked as the recorder marks it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.kit.snapshot import read_page
from runner.recordings import library
from runner.recordings.model import Click, CustomStep, DoubleClick, Recording, SetViewport, Step, identities

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_WITHIN_MS: Final = 2_000
_CLICKS: Final = (Click, DoubleClick)  # they may lead away, so their picture is taken before


class Camera:
    """Keeps a picture of each step that is replayed, none where a secret can be seen; the latest counts.

    `may_show` is told all that can be read on the page, and says whether a picture may be taken of it.
    """

    def __init__(self, recording: Recording, may_show: Callable[[str], bool]) -> None:
        self._names = list(identities(recording))
        self._may_show = may_show
        self._pictures: dict[str, bytes] = {}
        self._marks: dict[str, list[int]] = {}

    def before(self, number: int, step: Step, element: Locator) -> None:
        """The element of a step is found, and nothing is done yet."""
        if isinstance(step, _CLICKS):
            self._take(number, element.page, element)

    def after(self, number: int, step: Step, page: Page, element: Locator | None) -> None:
        """A step is done."""
        if not isinstance(step, (*_CLICKS, SetViewport)) and (
            element is not None or not isinstance(step, CustomStep)
        ):
            self._take(number, page, element)

    def write(self, place: library.Place) -> bool:
        """Write what was taken beside the recording; whether there is anything."""
        if self._pictures:
            place.write_pictures(self._pictures, self._marks)
        return bool(self._pictures)

    def _take(self, number: int, page: Page, element: Locator | None) -> None:
        from playwright.sync_api import Error

        name = self._names[number - 1]
        with contextlib.suppress(Error, OSError), tempfile.TemporaryDirectory() as folder:
            if element is not None:
                element.scroll_into_view_if_needed(timeout=_WITHIN_MS)
            box, size = (
                element.bounding_box(timeout=_WITHIN_MS) if element is not None else None,
                page.viewport_size,
            )
            path = Path(folder) / "step.png"
            if not read_page(page, path, self._may_show).picture:
                return
            self._pictures[name] = path.read_bytes()
            self._marks.pop(name, None)
            if box is not None and size is not None:
                shown = (box["x"], box["y"], box["width"], box["height"], size["width"], size["height"])
                self._marks[name] = [round(one) for one in shown]
