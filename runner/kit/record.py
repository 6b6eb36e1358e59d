"""Records what somebody does in a browser: steps with several selectors, pictures, and never a password.

Built on Playwright's public API (an init script and a binding) and on three events of the DevTools protocol that tell who began
a navigation: the page, which makes it a consequence of the last step, or the person, which makes it a step of its own.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import ConfigurationError, EnvironmentProblem
from runner.journal.redact import Redactor
from runner.kit.ctrl_c import ended_by_ctrl_c
from runner.recordings.library import Place
from runner.recordings.model import Recording, identities
from runner.recordings.reading import check_steps
from runner.recordings.wording import Language

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Page
    from playwright.sync_api import Dialog as OpenDialog

_PICTURE_WITHIN_MS: Final = 4_000
_SETTLE_MS: Final = 50
_SETTLE_WITHIN: Final = 10.0  # seconds
_MASKED: Final = "#94a3b8"
_SHOW_PANEL: Final = """shown => { const panel = document.querySelector('runner-recorder');
    if (panel) panel.style.setProperty('display', shown ? '' : 'none', 'important'); }"""
_OPENING: Final = 2  # the window and the first address, which are there before anybody does anything
_RELOAD: Final = (("f5",), ("control", "r"), ("meta", "r"))


@dataclass
class _Noted:
    """A step as it is being recorded: its JSON, the element it is about, its picture and where the element is in it."""

    step: dict[str, Any]
    element: str = ""
    picture: bytes | None = None
    box: list[int] | None = None
    before: bytes | None = None


@dataclass
class Recorded:
    """What came of it: the recording, its pictures by step, and the files that were uploaded."""

    recording: Recording
    pictures: dict[str, bytes]
    boxes: dict[str, list[int]]
    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, place: Place) -> None:
        """Write ``X.json`` and the folder ``X/`` with pictures, their marks, and uploaded files."""
        place.write(self.recording)
        if not (self.pictures or self.files):
            return
        place.write_pictures(self.pictures, self.boxes)
        for name, content in self.files.items():
            (place.folder / name).write_bytes(content)


class Recorder:
    """Records one browser context. `secret` is the name under which a typed password will be asked for.

    `panel`: show the small panel with which a person marks texts to be read, and ends the recording, in this language.
    `not_kept` are files that were uploaded and are too large to be kept.
    """

    def __init__(
        self, context: BrowserContext, title: str, *, secret: str, panel: Language | None = None
    ) -> None:
        self.stopped = False
        self.redactor = Redactor()
        self._context = context
        self._title = title
        self._secret = secret
        self._steps: list[_Noted] = []
        self._main: Page | None = None
        self._latest: dict[Page, bytes] = {}
        self._busy: set[Page] = set()
        self._waiting: dict[Page, _Noted | None] = {}
        self._watched: set[Page] = set()
        self._files: dict[str, bytes] = {}
        self.not_kept: list[str] = []
        self._passwords: dict[str, str] = {}
        script = files("runner.kit").joinpath("recorder.js").read_text("utf-8")
        context.expose_binding("__runner_record", self._hear)
        if panel is not None:
            context.add_init_script(f"Object.defineProperty(window, '__runner_panel', {{value: '{panel}'}})")
        context.add_init_script(script)
        context.on("page", self._watch)
        context.on("dialog", self._dialog)

    def open(self, url: str) -> Page:
        """Open the first page; everything that happens in it, and in the tabs it opens, is recorded from now on.

        Raises EnvironmentProblem (PAGE_NETWORK) where nothing answers there.
        """
        from playwright.sync_api import Error

        page = self._main = self._context.new_page()
        while page not in self._watched:
            page.wait_for_timeout(_SETTLE_MS)
        size = page.viewport_size or page.evaluate("({width: innerWidth, height: innerHeight})")
        self._note(
            type="setViewport", width=size["width"], height=size["height"], deviceScaleFactor=1, isMobile=False,
            hasTouch=False, isLandscape=False,
        )  # fmt: skip
        self._note(type="navigate", url=url, target="main")
        try:
            page.goto(url)
        except Error as error:
            if self._context.pages:  # else the person has closed the window already: that ends the recording
                raise _no_answer(url, error) from error
        return page

    def wait(self) -> None:
        """Return when the person has ended the recording: with the panel, by closing the last tab, or by Ctrl-C."""
        from playwright.sync_api import Error

        with (
            contextlib.suppress(Error),
            ended_by_ctrl_c(self._stop),
        ):  # the browser is gone: that is an end, too
            while not self.stopped and (pages := self._context.pages):
                pages[0].wait_for_timeout(_SETTLE_MS)

    def settle(self) -> None:
        """Return when the pictures of all steps so far are taken; a program that plays a person is faster than they are."""
        from playwright.sync_api import Error

        end = time.monotonic() + _SETTLE_WITHIN
        with contextlib.suppress(Error):
            while (pages := self._context.pages) and time.monotonic() < end:
                shown = [page for page in pages if page.url.startswith("http")]
                if not self._busy and all(page in self._latest for page in shown):
                    return
                pages[0].wait_for_timeout(_SETTLE_MS)

    def finish(self) -> Recorded:
        """What was recorded. Raises ConfigurationError (REC_EMPTY) where nothing was done."""
        self.settle()
        plain = {"title": self._title, "steps": [noted.step for noted in self._steps]}
        clean = json.loads(self.redactor.text(json.dumps(plain, ensure_ascii=False)))
        recording, errors = check_steps(clean, self._title)
        if recording is None or len(recording.steps) <= _OPENING:
            raise errors[0] if errors else _nothing()
        _lend_pictures(self._steps)
        names = list(identities(recording))
        pairs = list(zip(names, self._steps, strict=True))
        return Recorded(
            recording,
            {name: picture for name, noted in pairs if (picture := noted.before or noted.picture)},
            {name: noted.box for name, noted in pairs if noted.box},
            dict(self._files),
        )

    @property
    def secrets(self) -> list[str]:
        """The names of the secrets that stand for typed passwords."""
        return list(dict.fromkeys(self._passwords.values()))

    # --- what the pages tell ---

    def _hear(self, source: Mapping[str, Any], text: str) -> None:
        message = json.loads(text)
        page: Page = source["page"]
        place = {"target": self._target(page)}
        if path := _frame_path(source["frame"]):
            place["frame"] = path  # type: ignore[assignment]
        heard = getattr(self, f"_on_{message['kind']}", None)
        if heard is not None:
            heard(page, message, place)

    def _on_click(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        x, y = message["offset"]
        noted = self._note(
            message, type="click", **place, selectors=message["selectors"], offsetX=x, offsetY=y
        )
        noted.before = self._latest.get(page)  # the page as it was: a click may lead away from it
        self._take_picture(page, noted)

    def _on_right(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        self._on_click(page, message, {**place, "button": "secondary"})

    def _on_double(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        for _ in range(2):  # the two clicks that it consists of
            if self._steps[-1].element == message["id"] and self._steps[-1].step["type"] == "click":
                self._steps.pop()
        self._on_click(page, message, place)
        self._steps[-1].step["type"] = "doubleClick"

    def _on_change(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        value = str(message["value"])
        if message["password"]:
            value = self._reference(message["id"], value)
        last = self._steps[-1] if self._steps else None
        if last is not None and last.element == message["id"] and last.step["type"] == "change":
            noted = last
        else:
            noted = self._note(message, type="change", **place, selectors=message["selectors"])
        noted.step["value"] = value
        noted.step.pop("label", None)
        if message.get("label"):
            noted.step["label"] = message["label"]
        self._take_picture(page, noted)

    def _on_key(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        keys = [*message["held"], message["key"]]
        for kind, several in (("keyDown", keys), ("keyUp", reversed(keys))):
            for key in several:
                self._note(type=kind, key=key, target=place["target"])
        self._steps[-1].before = self._latest.get(page)

    def _on_upload(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        names = []
        for file in message["files"]:
            name = PurePosixPath(str(file["name"]).replace("\\", "/")).name
            names.append(name)
            if file["content"] is not None:
                self._files[name] = base64.b64decode(file["content"])
            else:
                self.not_kept.append(name)
        parameters = {"selectors": message["selectors"], "files": names}
        self._take_picture(
            page, self._note(message, type="customStep", name="runner.upload", **place, parameters=parameters)
        )

    def _on_read(self, page: Page, message: Mapping[str, Any], place: dict[str, Any]) -> None:
        text = str(message["text"])
        told = [one for one in message["selectors"] if not text or text not in one[-1]]
        words = "".join(sign if sign.isalnum() else " " for sign in str(message["name"])).lower().split()
        parameters = {"selectors": told, "output": "_".join(words)[:40] or "text", "sample": text[:200]}
        noted = self._note(message, type="customStep", name="runner.read", **place, parameters=parameters)
        self._take_picture(page, noted)

    def _on_stop(self, _page: Page, _message: Mapping[str, Any], _place: dict[str, Any]) -> None:
        self._stop()

    def _stop(self) -> None:
        self.stopped = True

    def _reference(self, element: str, value: str) -> str:
        """The reference that stands for a password. Its value is kept in memory only, to mask it elsewhere."""
        if len(value) >= 4:
            with contextlib.suppress(ValueError):  # too short to be told from other text
                self.redactor.register(value)
        name = self._passwords.setdefault(
            element, self._secret if not self._passwords else f"{self._secret}-{len(self._passwords) + 1}"
        )
        return f"${{secret:{name}}}"

    # --- what the browser tells ---

    def _watch(self, page: Page) -> None:
        session = self._context.new_cdp_session(page)
        asked: set[str] = set()  # frames whose page began a navigation

        def requested(event: Mapping[str, Any]) -> None:
            asked.add(event["frameId"])

        def navigated(event: Mapping[str, Any]) -> None:
            frame = event["frame"]
            if "parentId" not in frame:
                self._latest.pop(page, None)  # it shows the page before
                self._went(page, frame["url"] + frame.get("urlFragment", ""), by_page=frame["id"] in asked)
                asked.discard(frame["id"])

        def within(event: Mapping[str, Any]) -> None:
            self._went(page, event["url"], by_page=True)

        session.on("Page.frameRequestedNavigation", requested)
        session.on("Page.frameNavigated", navigated)
        session.on("Page.navigatedWithinDocument", within)
        session.send("Page.enable")
        page.on("load", self._loaded)
        self._watched.add(page)

    def _went(self, page: Page, url: str, *, by_page: bool) -> None:
        if not url.startswith(("http:", "https:")):
            return
        last = self._steps[-1].step if self._steps else {}
        target = self._target(page)
        opened = last.get("type") == "navigate" and "assertedEvents" not in last
        follows = last.get("type") not in {None, "setViewport"} and last.get("target", "main") == target
        caused = opened or (by_page and follows)
        if not caused and target == "main":
            self._forget_reload()
            last = self._note(type="navigate", url=url, target="main").step
        elif not caused:
            return  # a new tab: the steps in it name its address
        last["assertedEvents"] = [{"type": "navigation", "url": url}]

    def _forget_reload(self) -> None:
        """Drop the keys that made the browser load the page again: the navigation that follows is the step."""
        for keys in _RELOAD:
            held = [*(("keyDown", key) for key in keys), *(("keyUp", key) for key in reversed(keys))]
            latest = [
                (one.step["type"], str(one.step.get("key", "")).lower()) for one in self._steps[-len(held) :]
            ]
            if latest == held:
                del self._steps[-len(held) :]
                return

    def _loaded(self, page: Page) -> None:
        from playwright.sync_api import Error

        noted = next((one for one in reversed(self._steps) if one.step.get("assertedEvents")), None)
        with contextlib.suppress(Error):
            title = page.title()
            if noted is not None and noted.step["assertedEvents"][0]["url"] == page.url:
                noted.step["assertedEvents"][0]["title"] = title
        opened = noted if noted is not None and noted.step["type"] == "navigate" else None
        self._take_picture(page, opened)

    def _dialog(self, dialog: OpenDialog) -> None:
        """Answer with OK, and note it before the step that opened the dialog: the page waits, so nobody else can."""
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        noted = _Noted({"type": "customStep", "name": "runner.dialog", "parameters": {"accept": True}})
        behind = (
            len(self._steps) - 1
            if self._steps and self._steps[-1].step["type"] == "click"
            else len(self._steps)
        )
        if not any(one.step == noted.step for one in self._steps):
            self._steps.insert(behind, noted)
        dialog.accept()

    # --- how it is kept ---

    def _note(self, message: Mapping[str, Any] | None = None, /, **step: Any) -> _Noted:
        message = message or {}
        noted = _Noted(step, str(message.get("id", "")), box=message.get("box"))
        self._steps.append(noted)
        return noted

    def _target(self, page: Page) -> str:
        return "main" if page is self._main or self._main is None else page.url

    def _take_picture(self, page: Page, noted: _Noted | None) -> None:
        """Take a picture of the page as it is now, without its passwords and without our panel."""
        from playwright.sync_api import Error

        if page in self._busy:
            self._waiting[page] = (
                noted  # the last one that asks is answered when the present picture is there
            )
            return
        self._busy.add(page)
        url = page.url
        try:
            page.evaluate(_SHOW_PANEL, False)
            mask = [page.locator("input[type=password]")]
            picture = page.screenshot(mask=mask, mask_color=_MASKED, timeout=_PICTURE_WITHIN_MS)
            page.evaluate(_SHOW_PANEL, True)
            self._latest[page] = picture
            if noted is not None and page.url == url:
                noted.picture = picture
        except Error:
            self._waiting.pop(page, None)  # the page went away meanwhile
        finally:
            self._busy.discard(page)
        if page in self._waiting:
            self._take_picture(page, self._waiting.pop(page))


def _lend_pictures(steps: list[_Noted]) -> None:
    """A step whose picture was not taken in time gets that of its neighbour on the same page: the next one, or the last."""
    for backwards in (True, False):
        lent: bytes | None = None
        for noted in reversed(steps) if backwards else steps:
            leads_away = bool(noted.step.get("assertedEvents"))
            if backwards and leads_away:
                lent = None
            own = noted.before or noted.picture
            if own is None and noted.element:
                noted.picture = lent
            lent = None if leads_away and not backwards else own or lent


def _frame_path(frame: Frame) -> list[int]:
    path: list[int] = []
    while (parent := frame.parent_frame) is not None:
        path.insert(0, parent.child_frames.index(frame))
        frame = parent
    return path


def _no_answer(url: str, error: Exception) -> EnvironmentProblem:
    said = str(error).strip().splitlines()[0].removeprefix("Page.goto: ").partition(" at http")[0]
    return EnvironmentProblem(
        f"the page {url} can't be opened: {said}",
        expected="a site that answers",
        hint="look whether the address is right and the site is up, then record again",
        code="PAGE_NETWORK",
    )


def _nothing() -> ConfigurationError:
    return ConfigurationError(
        "the recording has no steps", expected="at least one", hint="record again", code="REC_EMPTY"
    )
