"""Replays a recording in a page: step by step, with what was typed or other values, and each failure named by its step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from runner.core.errors import ApplicationError, BusinessError, RunnerError
from runner.core.hosts import site_of
from runner.core.vault import Secret
from runner.kit.camera import Camera
from runner.kit.current import here, running_or_none
from runner.kit.replay_acts import Doing, do
from runner.kit.replay_find import poll
from runner.kit.replay_pages import Tabs, same_place
from runner.kit.replay_seen import seen_on
from runner.kit.secret_sites import check_site, tell_where, where_it_goes
from runner.kit.step import step as named_step
from runner.recordings.failing import Seen, failed_step
from runner.recordings.model import (
    Act,
    Click,
    DoubleClick,
    KeyDown,
    KeyUp,
    Navigate,
    Recording,
    Step,
)
from runner.recordings.placeholders import fill, holds_placeholder, with_values
from runner.recordings.uploads import find_upload
from runner.recordings.wording import element_name, words_of

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

_NO_ANSWER: Final = re.compile(
    r"\bnet::(ERR_(?!ABORTED)\w+)"
)  # an aborted one was left for another page, or is a download
_BEFORE_THE_ACT: Final = frozenset({"REC_NOT_FOUND", "REC_AMBIGUOUS", "REC_NO_TAB", "REC_NO_FRAME"})
DEFAULT_WITHIN_MS: Final = 30_000
SHORTEST_MS: Final = (
    1_000  # a shorter time, as some recordings have, fails on a busy machine and nothing else
)


@dataclass(frozen=True)
class Script:
    """What is replayed and how. `shown` names the recording in errors.

    Files to upload: `files` is the folder of those that were chosen while recording; what a row names lies in one of
    `beside`, the folders of the workbooks, or elsewhere in the project.
    `address` (``https://portal.example``) takes the place of the scheme and host that the recording begins at, wherever it
    occurs; `secret` gives the secrets that the steps refer to, which are typed on their own hosts only; `slow_ms` is a pause behind each step.
    """

    recording: Recording
    shown: str
    project: Path
    files: Path
    beside: tuple[Path, ...] = ()
    address: str = ""
    secret: Callable[[str], Secret] | None = None
    within_ms: float = DEFAULT_WITHIN_MS
    slow_ms: float = 0
    on_step: Callable[[int, str], None] = field(default=lambda _number, _words: None)


class Player:
    """Does the steps of a script in a page, one after the other; `outputs` is what steps have read."""

    def __init__(self, page: Page, script: Script) -> None:
        self.script = script
        self.tabs = Tabs(page)
        self.values: dict[str, object] = {}
        self.outputs: dict[str, str] = {}
        self._secrets: set[str] = set()  # those that were typed: no error may show one
        self._wanted: dict[str, Secret] = {}  # by their names: those that the step at hand types
        self._kept_to: set[tuple[str, str]] = set()  # which secret went to which site, to tell it once
        self._moves = 0  # of the tabs, before the last act
        self._alerts: set[str] = set()  # of the page, before it
        self.number = 0  # of the step that was begun last
        self.refused = False  # the page said no to the last step
        self.nothing_done = False  # the last step did not come to its act: its element was not there
        self.arrived = False  # the page that follows the last step came
        self.camera: Camera | None = None

    def begin(self, values: Mapping[str, object]) -> None:
        """Use these values from now on, and forget what was read."""
        self.values = dict(values)
        self.outputs = {}

    def play(self, first: int = 1, last: int | None = None, *, only_first_choice: bool = False) -> None:
        """Do the steps from `first` to `last` (both included, from 1).

        Raises RunnerError with the step's number and words: BusinessError where the page refuses the data, ApplicationError
        for everything else that goes wrong in the page. `only_first_choice`: a lower selector is not good enough.
        """
        steps = self.script.recording.steps
        for number in range(first, (len(steps) if last is None else last) + 1):
            self._play_one(number, steps[number - 1], only_first_choice=only_first_choice)

    def _play_one(self, number: int, recorded: Step, *, only_first_choice: bool) -> None:
        from playwright.sync_api import Error

        words = words_of(recorded)
        self.script.on_step(number, words)
        self.number = number
        self.refused = self.arrived = self.nothing_done = False
        try:
            with named_step(words):
                self._do(number, recorded, only_first_choice=only_first_choice)
        except RunnerError as error:
            self.nothing_done = error.stable_code in _BEFORE_THE_ACT
            if not error.where:
                seen = self._seen(recorded) if isinstance(error, ApplicationError) else None
                error.where, error.what = (
                    self._where(number),
                    self._masked(failed_step(error.what, words, seen)),
                )
            raise
        except (Error, AssertionError) as error:
            what = str(error).strip().splitlines()[0]
            silent = _NO_ANSWER.search(what)
            if silent:
                raise ApplicationError(
                    failed_step(f"the site does not answer ({silent[1]})", words),
                    expected="a site that answers",
                    hint="look whether the address is right and the site is up",
                    where=self._where(number),
                    code="PAGE_NETWORK",
                ) from error
            raise ApplicationError(
                self._masked(failed_step(what, words, self._seen(recorded))),
                expected="the page as it was while recording",
                hint="look at the picture of the page; where the page has changed, record the step again",
                where=self._where(number),
                code="REC_FAILED",
            ) from error

    def _seen(self, step: Step) -> Seen | None:
        """What the page of the step shows now; None where there is no page any more."""
        try:
            found: Any = self.tabs.page_of(step, 0)
        except ApplicationError:
            found = self.tabs.main
        page: Page = getattr(found, "page", found)  # a frame knows its own
        return None if page.is_closed() else seen_on(page, step.selectors_parsed)

    def _where(self, number: int) -> str:
        return f"{Path(self.script.shown).stem} step {number}"

    def _do(self, number: int, recorded: Step, *, only_first_choice: bool) -> None:
        script = self.script
        asked = recorded.timeout or script.recording.timeout
        within = max(float(asked), SHORTEST_MS) if asked else script.within_ms
        prepared = self._prepared(recorded)
        frame = self.tabs.frame_of(prepared, within)
        page = frame.page
        for name, found in self._wanted.items():
            self._keep_to_its_hosts(name, found, prepared, frame)
        if not isinstance(prepared, KeyUp):  # what a key leads to may be there before it is let go
            self._moves, self._alerts = self.tabs.moves, self._alerts_before(page, prepared)
        doing = Doing(
            prepared, number, frame, self.tabs, self._files(recorded), within, self.outputs,
            only_first=only_first_choice,
        )  # fmt: skip
        camera = self.camera
        if camera is not None:
            doing.on_found = lambda element: camera.before(number, recorded, element)
        do(doing)
        self._note_use(recorded, doing.rank)
        if prepared.leads_to is not None and prepared.leads_to.url:
            self._wait_for_page(page, prepared.leads_to.url, within)
        if camera is not None and not page.is_closed():
            camera.after(number, recorded, page, doing.found)
        if script.slow_ms:
            page.wait_for_timeout(script.slow_ms)

    def _prepared(self, recorded: Step) -> Step:
        self._wanted = {}
        secret = self._secret if self.script.secret else None
        step = with_values(recorded, lambda text: fill(text, self.values, secret))
        if self.script.address:
            step = _at_address(step, self.script.recording.first_address, self.script.address)
        return step

    def _secret(self, name: str) -> str:
        assert self.script.secret is not None
        found = self._wanted[name] = self.script.secret(name)
        self._secrets.add(found.value)
        return found.value

    def _keep_to_its_hosts(self, name: str, found: Secret, step: Step, frame: Frame) -> None:
        """Refuse to type a secret elsewhere; where it is typed is told once."""
        url = step.url if isinstance(step, Navigate) else where_it_goes(frame)
        check_site(name, found.hosts, url)
        if (name, site_of(url)) not in self._kept_to:
            self._kept_to.add((name, site_of(url)))
            tell_where(name, url)

    def hides_secrets_in(self, text: str) -> bool:
        """Whether a text that can be read on a page has none of the secrets that were typed."""
        return not any(value in text for value in self._secrets)

    def _masked(self, text: str) -> str:
        for value in self._secrets:
            text = text.replace(value, "***")
        return text

    def _alerts_before(self, page: Page, step: Step) -> set[str]:
        """What the page objects to before a step that may lead to another one: that is not said of the step."""
        leads = isinstance(step, Click | DoubleClick | Act) and step.leads_to is not None
        acts = leads or isinstance(step, KeyDown)  # letting the key go may say where it leads
        return self.tabs.alerts(page) if acts else set()

    def _wait_for_page(self, page: Page, url: str, within: float) -> None:
        """Wait for the page that followed while recording. What the page objects to is a business exception."""

        def look() -> bool:
            if self.tabs.moves <= self._moves:
                return False
            self._refuse_error_page(page)
            if same_place(page.url, url):
                return True
            new = self.tabs.alerts(page) - self._alerts
            if new:
                self.refused = True
                raise BusinessError(
                    f"the page refuses it: {' '.join(sorted(new))}",
                    hint="correct the data and retry",
                    code="REFUSED",
                )
            return False

        if not poll(page.main_frame, look, within):
            raise ApplicationError(
                f"after {within / 1000:g} s the page is {page.url}",
                expected=url,
                hint="look at the picture of the page",
                code="REC_NAVIGATION",
            )
        page.wait_for_load_state(timeout=within)
        self.arrived = True

    def _refuse_error_page(self, page: Page) -> None:
        if page.url.startswith("chrome-error:") or self.tabs.status >= 500:
            status = self.tabs.status
            raise ApplicationError(
                f"the site answers with an error page ({status or 'no answer'})", code="REC_STATUS"
            )

    def _files(self, recorded: Step) -> Callable[[str], Path | None]:
        """Where the files of a step are looked for: what a row names not beside the recording, which has another row's."""
        script = self.script
        own = () if holds_placeholder(recorded) else (script.files,)
        return lambda name: find_upload(name, (*own, *script.beside, script.project))

    def _note_use(self, step: Step, rank: int) -> None:
        """Count which selector found the element, as `web.find` does; a lower one is a line of the journal."""
        live, place = running_or_none(), here.get()
        if live is None or not rank:
            return
        name = element_name(step).strip('"')
        live.uses.used(name)
        if rank == 1:
            return
        live.uses.fell(name, rank)
        first, used = (
            f"{one.kind} {one.value}" for one in (step.selectors_parsed[0], step.selectors_parsed[rank - 1])
        )
        live.journal.event(
            "locator.fallback", f"{name} was found by its choice {rank}, not by its first", level="WARNING",
            queue=place.queue, item=place.item, attempt=place.attempt, step=place.step, parent=place.parent,
            data={"name": name, "rank": rank, "first": first, "used": used},
        )  # fmt: skip


def _at_address(step: Step, recorded: str, address: str) -> Step:
    """The step with another scheme and host, wherever the recording's own first ones stand."""
    old, new = urlsplit(recorded), urlsplit(address)

    def moved(url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if (parts.scheme, parts.netloc) != (old.scheme, old.netloc):
            return url
        return urlunsplit((new.scheme, new.netloc, parts.path, parts.query, parts.fragment))

    changes: dict[str, Any] = {"target": moved(step.target)}
    if hasattr(step, "url"):
        changes["url"] = moved(step.url)
    if step.asserted_events:
        changes["asserted_events"] = [
            one.model_copy(update={"url": moved(one.url) or ""}) for one in step.asserted_events
        ]
    return step.model_copy(update=changes)
