"""The tabs of a replay: which page a step is about, what the pages did since the step began, how dialogs are answered."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from runner.core.errors import ApplicationError
from runner.kit.replay_find import poll

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Page, Response
    from playwright.sync_api import Dialog as OpenDialog

    from runner.recordings.model import Dialog, Step

ALERTS: Final = "[role=alert], [aria-live=assertive]"
_TAB: Final = re.compile(r"tab (\d+)")
_CHANGES: Final = re.compile(r"[^/]*\d[^/]*")


class Tabs:
    """The pages of one browser context while steps are done in them."""

    def __init__(self, page: Page) -> None:
        self.main = page
        self.context: BrowserContext = page.context
        self.moves = 0  # how often a page has gone somewhere since the replay began
        self.status = 0  # of the last document that was loaded
        self.dialogs: list[str] = []
        self._answer: Dialog | None = None
        for one in self.context.pages:
            self._watch(one)
        self.context.on("page", self._watch)
        self.context.on("dialog", self._on_dialog)

    def page_of(self, step: Step, within_ms: float) -> Page | Frame:
        """The page, or the frame with an address of its own, that a step names as its target.

        Raises ApplicationError (REC_NO_TAB) when none appears within the time.
        """
        target = step.target or "main"
        if target == "main":
            return self.main
        found = poll(self.main.main_frame, lambda: self._named(target), within_ms)
        if found is None:
            raise ApplicationError(
                f"there is no tab with the address {target}",
                expected="a tab that an earlier step opened",
                hint="record the step again",
                code="REC_NO_TAB",
            )
        return found

    def frame_of(self, step: Step, within_ms: float) -> Frame:
        """The frame that a step is about. Raises ApplicationError (REC_NO_TAB, REC_NO_FRAME)."""
        page = self.page_of(step, within_ms)
        top: Any = getattr(page, "main_frame", page)  # a frame has none

        def walk() -> Frame | None:
            frame: Frame = top
            for number in step.frame or ():
                if number >= len(frame.child_frames):
                    return None
                frame = frame.child_frames[number]
            return frame

        found = poll(top, walk, within_ms)
        if found is None:
            raise ApplicationError(
                f"the page has no frame {step.frame}",
                expected="the frame in which the step was recorded",
                hint="record the step again",
                code="REC_NO_FRAME",
            )
        return found

    def answer(self, how: Dialog) -> None:
        """Answer dialogs that way from now on."""
        self._answer = how

    def alerts(self, page: Page) -> set[str]:
        """The messages that a page shows as alerts now."""
        texts = page.locator(ALERTS).filter(visible=True).all_inner_texts()
        return {plain for text in texts if (plain := " ".join(text.split()))}

    def close_others(self) -> None:
        """Close the tabs that were opened besides the first, and forget how dialogs were to be answered."""
        self._answer = None
        for page in self.context.pages:
            if page is not self.main:
                page.close()

    def close(self) -> None:
        """Listen no more; the pages stay open."""
        self.context.remove_listener("page", self._watch)
        self.context.remove_listener("dialog", self._on_dialog)

    def _named(self, target: str) -> Page | Frame | None:
        pages = self.context.pages
        if number := _TAB.fullmatch(target):
            return pages[int(number[1]) - 1] if int(number[1]) <= len(pages) else None
        frames = [frame for page in pages for frame in page.frames if frame is not page.main_frame]
        others = [page for page in pages if page is not self.main]
        known: list[Page | Frame] = [*others, *frames, self.main]
        for alike in (lambda url: url == target, lambda url: same_place(url, target)):
            for one in known:
                if alike(one.url):
                    return one
        return None

    def _watch(self, page: Page) -> None:
        page.on("framenavigated", self._moved)
        page.on("response", self._answered)

    def _moved(self, frame: Frame) -> None:
        if frame.parent_frame is None:
            self.moves += 1

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame.parent_frame is None:
            self.status = response.status

    def _on_dialog(self, dialog: OpenDialog) -> None:
        from playwright.sync_api import Error

        self.dialogs.append(dialog.message)
        how = self._answer.parameters if self._answer else None
        with contextlib.suppress(Error):  # another replay in the same browser context has answered it
            if dialog.type == "beforeunload" or (how and how.accept):
                dialog.accept(how.text) if how and dialog.type == "prompt" else dialog.accept()
            else:
                dialog.dismiss()


def same_place(url: str, wanted: str) -> bool:
    """Whether two addresses are the same page: host and path, where parts of the path that hold a digit may differ.

    ``/orders/confirmation/PC-000007`` is the same place as ``/orders/confirmation/PC-000041``.
    """
    one, other = urlsplit(url), urlsplit(wanted)
    if (one.scheme, one.netloc) != (other.scheme, other.netloc):
        return False
    pattern = "/".join(
        "[^/]+" if _CHANGES.fullmatch(part) else re.escape(part) for part in other.path.strip("/").split("/")
    )
    return re.fullmatch(pattern, one.path.strip("/")) is not None
