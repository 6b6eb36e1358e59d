"""Files that come from pages and go to them: downloads into the run folder with their names kept, uploads that are checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.core.contract import lane_folder
from runner.core.errors import ApplicationError, BusinessError
from runner.kit.current import here, running, running_or_none

if TYPE_CHECKING:
    from playwright.sync_api import Download, Locator, Page

FOLDER: Final = "downloads"
_LONGEST_NAME: Final = 150
_NO_NAMES: Final = re.compile(
    r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"
)  # names that Windows keeps for itself


def download(page: Page, act: Callable[[], object], *, name: str | None = None) -> Path:
    """Do what makes `page` hand out a file, and return where it is: in the run folder, under the site's name for it.

    `name` gives it another one. A name that is taken gets a number. Raises ApplicationError (WEB_DOWNLOAD) when the
    download breaks off, and Playwright's TimeoutError when none begins.
    """
    running("web.download")
    with page.expect_download() as waiting:
        act()
    return _save(waiting.value, name)


def upload(field_or_button: Locator, *files: Path | str) -> None:
    """Give files to a file field, or to the button that opens the chooser.

    Raises BusinessError (FILE_MISSING) for a file that is not there: the item's data names it.
    """
    paths = [Path(file) for file in files]
    for path in paths:
        if not path.is_file():
            raise BusinessError(
                f"there is no file '{path}'",
                expected="a file to upload",
                hint="put it there and retry",
                code="FILE_MISSING",
            )
    if field_or_button.evaluate("e => e.matches('input[type=file]')"):
        field_or_button.set_input_files(paths)
        return
    with field_or_button.page.expect_file_chooser() as waiting:
        field_or_button.click()
    waiting.value.set_files(paths)


@dataclass  # without slots: Playwright notes on a handler's object that it is one
class Downloads:
    """The downloads of one context; `save` puts those into the run folder that nobody has asked for."""

    _begun: list[Download] = field(default_factory=list)

    def began(self, download: Download) -> None:
        """A page hands out a file."""
        if running_or_none() is not None:
            self._begun.append(download)

    def save(self) -> None:
        """Save the rest; one that broke off is a line of the journal, for nobody waits for it."""
        from playwright.sync_api import Error

        for one in self._begun:
            if id(one) in _saved:
                continue
            try:
                _save(one, None)
            except (ApplicationError, Error, OSError) as error:
                running("a download").journal.event(
                    "log", f"A download is not kept: {error}", level="WARNING"
                )
        _saved.difference_update(id(one) for one in self._begun)
        self._begun.clear()


_saved: set[int] = set()


def safe_name(name: str) -> str:
    """A file name that every system takes, as near to `name` as can be."""
    plain = re.sub(r'[\x00-\x1f<>:"|?*]', "_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    if not plain or _NO_NAMES.fullmatch(plain):
        plain = f"_{plain}"
    stem, suffix = Path(plain).stem, Path(plain).suffix
    return plain if len(plain) <= _LONGEST_NAME else stem[: _LONGEST_NAME - len(suffix)] + suffix


def _save(one: Download, name: str | None) -> Path:
    live = running("a download")
    folder = live.folder / lane_folder(live.lane) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    broke_off = one.failure()  # waits for its end
    if broke_off:
        raise ApplicationError(
            f"the download of {one.suggested_filename} broke off: {broke_off}",
            expected="a whole file",
            code="WEB_DOWNLOAD",
        )
    target = _free(folder / safe_name(name or one.suggested_filename))
    one.save_as(target)
    _saved.add(id(one))
    place = here.get()
    live.journal.event(
        "log", f"Downloaded {target.name}", queue=place.queue, item=place.item, attempt=place.attempt, step=place.step,
        parent=place.parent, data={"file": live.relative(target), "url": one.url, "bytes": target.stat().st_size},
    )  # fmt: skip
    return target


def _free(path: Path) -> Path:
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem} ({number})")
    return free
