"""Collects steps from the actions of another tool: the part of every import that has nothing to do with the other format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from runner.core.errors import ConfigurationError
from runner.recordings.library import name_from
from runner.recordings.locators import selectors_for
from runner.recordings.model import Recording
from runner.recordings.reading import check_steps
from runner.recordings.selectors import Part

_DEVTOOLS_ACTS: Final = {"check": "click", "uncheck": "click"}


class Refused(Exception):
    """An action that no recording can hold; `what` it is and what would do."""

    def __init__(self, what: str, expected: str = "", hint: str = "", code: str = "REC_ACTION") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint
        self.code = code

    def at(self, where: str) -> ConfigurationError:
        """The error for the step at `where`."""
        return ConfigurationError(
            self.what,
            expected=self.expected or "a plain action",
            hint=self.hint or "record this part again with: runner record",
            where=where,
            code=self.code,
        )


class Collector:
    """The steps so far, as the JSON of a recording. Pages are known by the other tool's name for them."""

    def __init__(self, title: str = "") -> None:
        self._title = title
        self.steps: list[dict[str, Any]] = []
        self._pages: dict[
            str, str
        ] = {}  # the other tool's name of a page: the address by which DevTools knows it
        self._page = ""
        self.frame: list[int] = []

    def recording(self, name: str) -> Recording | None:
        """The recording, None where there are no steps."""
        plain = {"title": self._title or name_from(name.rpartition(".")[0]), "steps": self.steps}
        return check_steps(plain, name)[0]

    def errors(self, name: str) -> list[Any]:
        """What is wrong with the steps, as with those of any recording."""
        return list(check_steps({"title": self._title, "steps": self.steps}, name)[1])

    def turn_to(self, page: str) -> None:
        """The next steps are about that page."""
        self._pages.setdefault(page, "" if self._pages else "main")
        self._page = page

    def opened(self, page: str) -> None:
        """The last step opened that page."""
        self._pages.setdefault(page, "")

    def open_page(self, url: str) -> None:
        """A page is there; the first one is opened at its address."""
        if url and not url.startswith(("about:", "chrome:")):
            if self._pages.get(self._page) in {None, "main"}:
                self.navigate(url)
            else:
                self._pages[self._page] = url

    def viewport(self, width: int, height: int) -> None:
        """The size of the window."""
        self._add(
            type="setViewport", width=width, height=height, deviceScaleFactor=1, isMobile=False, hasTouch=False,
            isLandscape=False,
        )  # fmt: skip

    def navigate(self, url: str) -> None:
        """Open an address."""
        self._add(type="navigate", url=url, assertedEvents=[{"type": "navigation", "url": url}])

    def act(
        self,
        act: str,
        where: Sequence[Part] | Sequence[str],
        value: str | None = None,
        *,
        button: str | None = None,
        offset: tuple[float, float] | None = None,
    ) -> None:
        """Do something with an element, named by a chain of locators or by selectors of DevTools."""
        selectors, plain = self._selectors(where)
        if not plain:
            extra = {} if value is None else {"value": value}
            self._own("runner.act", act=act, selectors=selectors, **extra)
            return
        step: dict[str, Any] = {"type": _DEVTOOLS_ACTS.get(act, act), "selectors": selectors}
        if value is not None:
            step["value"] = value
        if button:
            step["button"] = button
        if step["type"] in {"click", "doubleClick"}:
            step |= {"offsetX": offset[0], "offsetY": offset[1]} if offset else {}
        self._add(**step)

    def press(self, where: Sequence[Part] | Sequence[str], keys: str) -> None:
        """Press a key, or several at once (``Control+A``), in an element that is put into focus first."""
        selectors, _ = self._selectors(where)
        self._own("runner.act", act="press", selectors=selectors, value=keys)

    def upload(self, where: Sequence[Part] | Sequence[str], files: Sequence[str]) -> None:
        """Choose files."""
        self._own("runner.upload", selectors=self._selectors(where)[0], files=list(files))

    def expect(self, what: str, where: Sequence[Part] | Sequence[str] = (), value: str = "") -> None:
        """Wait until something is so."""
        self._own(
            "runner.expect", what=what, selectors=self._selectors(where)[0] if where else [], value=value
        )

    def read(self, output: str, where: Sequence[Part] | Sequence[str]) -> None:
        """Read a text under a name."""
        self._own("runner.read", output=output, selectors=self._selectors(where)[0])

    def mouse(self, act: str, where: Sequence[str], offset: tuple[float, float] | None = None) -> None:
        """Press or let go the mouse button on an element, or leave it."""
        place = {"offsetX": offset[0], "offsetY": offset[1]} if offset else {}
        self._own("runner.mouse", act=act, selectors=list(where), **place)

    def dialog(self, *, accept: bool, text: str = "", message: str = "") -> None:
        """Answer the dialogs that follow."""
        given = {"text": text, "message": message}
        self._own("runner.dialog", accept=accept, **{name: value for name, value in given.items() if value})

    def pause(self, ms: int) -> None:
        """Wait a time."""
        self._own("runner.pause", ms=ms)

    def close(self) -> None:
        """Close the tab; the last one is closed by the end of the recording anyway."""
        if self._target() != "main":
            self._add(type="close")

    def leads_to(self, url: str) -> None:
        """The last step led to this address."""
        if self.steps and url.startswith(("http:", "https:")):
            self.steps[-1]["assertedEvents"] = [{"type": "navigation", "url": url}]

    def _target(self) -> str:
        """How the page is called: ``main``, its address, or ``tab 2`` where nobody knows its address."""
        number = list(self._pages).index(self._page) + 1 if self._page in self._pages else 1
        return self._pages.get(self._page, "main") or f"tab {number}"

    def _selectors(self, where: Sequence[Part] | Sequence[str]) -> tuple[list[Any], bool]:
        parts = [one for one in where if isinstance(one, Part)]
        if parts:
            return selectors_for(parts)
        if not where:
            raise Refused("an action without an element", "a locator")
        return [[one] for one in where], True

    def _own(self, name: str, **parameters: Any) -> None:
        if parameters.get("selectors"):
            parameters["selectors"] = [
                [one] if isinstance(one, str) else one for one in parameters["selectors"]
            ]
        self._add(type="customStep", name=name, parameters=parameters)

    def _add(self, **step: Any) -> None:
        if "selectors" in step:
            step["selectors"] = [[one] if isinstance(one, str) else one for one in step["selectors"]]
        if step["type"] != "setViewport":
            step["target"] = self._target()
        if self.frame:
            step["frame"] = list(self.frame)
        self.steps.append(step)
