"""A recording with a binding as a bot: each row of its workbook is one item, replayed with the row's own values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from loguru import logger
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import ApplicationError, BusinessError
from runner.kit import web
from runner.kit.bot import BotSpec, parameters_model
from runner.kit.camera import Camera
from runner.kit.current import running_or_none
from runner.kit.items import Item, Queue
from runner.kit.replay import Player, Script
from runner.kit.retry import Retry
from runner.kit.run import run
from runner.kit.secret_sites import only_hosts
from runner.kit.secrets import asked
from runner.recordings.binding import Binding, item_model, read_binding
from runner.recordings.library import Place, place_of
from runner.recordings.model import Expect, Read, Recording, WaitForElement
from runner.recordings.presses import end_of_act
from runner.recordings.wording import words_of

_LOOKS: Final = (Expect, Read, WaitForElement)  # steps by which a recording says that something is there


@dataclass(frozen=True)
class Recorded:
    """A recording, its place and its binding; `workbook` is what a run was given."""

    place: Place
    recording: Recording
    binding: Binding
    workbook: Path | None = None

    @property
    def address(self) -> str:
        """Scheme and host of the site, unless a run names others."""
        parts = urlsplit(self.recording.first_address)
        return self.binding.address or (f"{parts.scheme}://{parts.netloc}" if parts.netloc else "")

    @property
    def beside(self) -> tuple[Path, ...]:
        """The folders of the run's workbook and of the binding's: the files that rows name lie there."""
        books = (self.workbook, Path(self.binding.for_each) if self.binding.for_each else None)
        return tuple(dict.fromkeys(self.place.project / book.parent for book in books if book))

    def script(self, address: str) -> Script:
        """What is replayed, with secrets from the vault."""
        return Script(
            self.recording,
            self.place.shown,
            self.place.project,
            self.place.folder,
            beside=self.beside,
            address=address,
            secret=asked,
        )


def load_recorded(project: Path, name: str) -> tuple[BotSpec, Queue[Any] | None]:
    """The bot that a binding makes of a recording, and its queue where it has a workbook.

    Raises what reading recording and binding raises (REC_…), each mistake with its line or step.
    """
    place = Place(project, name)
    found = Recorded(place, place.read(), read_binding(place))
    if found.binding.for_each is None:
        return _spec(found, _runs_once(found)), None
    queue = _queue(found)
    return _spec(found, _runs_rows(found, queue)), queue


def _spec(found: Recorded, function: Callable[..., object]) -> BotSpec:
    binding = found.binding
    function.__name__ = function.__qualname__ = found.place.name
    function.__doc__ = binding.title or found.recording.title or f"Replays {found.place.shown}."
    return BotSpec(
        name=found.place.name,
        function=function,
        parameters=parameters_model(function),
        process=binding.process,
        time_limit=binding.time_limit,
        lanes=binding.lanes,
        stop_after=binding.stop_after,
        secrets=binding.secrets,
        results=binding.results,
    )


def _queue(found: Recorded) -> Queue[Any]:
    tries = found.binding.retry
    retry = Retry(tries.times, wait=tries.wait, longest_wait=tries.longest_wait) if tries.times else None
    model = item_model(found.binding, found.place.name)
    return Queue(found.place.name, model, key=found.binding.key or "", retry=retry)


def _runs_once(found: Recorded) -> Callable[..., object]:
    default = found.address

    def once(address: str = default) -> None:
        with _player(found, address) as player:
            player.begin(found.binding.values)
            player.camera = _camera(found)
            player.play()
            _keep_pictures(found, player)
            for name, value in player.outputs.items():
                run.output(found.binding.outputs.get(name, name), value)

    return once


def _runs_rows(found: Recorded, queue: Queue[Any]) -> Callable[..., object]:
    binding = found.binding
    default = Path(binding.for_each or "")
    default_address = found.address

    def rows(workbook: Path | None = default, address: str = default_address) -> None:
        read = sheets.read(workbook, queue.model, sheet=binding.sheet) if workbook else None
        if read is not None:
            queue.put(read)
        given = replace(found, workbook=workbook)
        queue.each(lambda item, seat: _pictured(given, item, seat), session=lambda: _session(given, address))
        if read is not None:
            run.output("result", queue.write_results(read))

    return rows


@contextmanager
def _player(found: Recorded, address: str) -> Iterator[Player]:
    other = found.binding.already_done
    recordings = [found.recording, *([place_of(found.place.project, other).read()] if other else [])]
    hosts = only_hosts(recordings, map(asked, found.binding.secrets))
    with web.context(hosts=hosts) as context:
        player = Player(context.new_page(), found.script(address))
        try:
            yield player
        finally:
            player.tabs.close()


@dataclass
class _Seat:
    """A signed-in page, and the address at which each row begins."""

    player: Player
    start: str


@contextmanager
def _session(found: Recorded, address: str) -> Iterator[_Seat]:
    with _player(found, address) as player:
        player.begin(found.binding.values)
        player.camera = _camera(found)
        player.play(1, found.binding.each_from - 1)
        yield _Seat(player, player.tabs.main.url)


def _camera(found: Recorded) -> Camera | None:
    """Pictures are taken where the recording has none, as one that another recorder made, and the binding does not forbid it."""
    live = running_or_none()
    if live is None or not found.binding.pictures or found.place.has_pictures:
        return None
    return Camera(
        found.recording, lambda text: not live.journal.redactor.finds(text.encode("utf-8", "replace"))
    )


def _keep_pictures(found: Recorded, player: Player) -> None:
    """Write the pictures beside the recording. A disk that is full costs the pictures, not the row."""
    camera, player.camera = player.camera, None
    try:
        if camera is not None and camera.write(found.place):
            logger.info("pictures of the steps are in recordings/{}", found.place.name)
    except OSError as error:
        logger.warning("the pictures of the steps can't be kept: {}", error)


def _pictured(found: Recorded, item: Item[BaseModel], seat: _Seat) -> None:
    """One row; the first that goes through gives the recording its pictures."""
    _one(found, item, seat)
    _keep_pictures(found, seat.player)


def _one(found: Recorded, item: Item[BaseModel], seat: _Seat) -> None:
    """Replay the steps that are done for each row, the irreversible one and all behind it at most once."""
    binding, player = found.binding, seat.player
    player.begin({name: getattr(item.data, name) for name in binding.fields})
    player.tabs.close_others()
    if binding.each_from > 1:
        player.tabs.main.goto(seat.start)
    point = binding.irreversible
    if point is None:
        player.play(binding.each_from)
        _bring_out(binding, item, player.outputs)
        return
    player.play(binding.each_from, point - 1)
    entered = _Entered(found, item, player, point)
    result = item.irreversible(
        words_of(found.recording.steps[point - 1]), entered.act, already_done=entered.is_done
    )
    outputs = result if isinstance(result, Mapping) else entered.seen
    _bring_out(binding, item, outputs)
    missing = [name for name in binding.outputs if not outputs.get(name)]
    if missing:
        raise BusinessError(
            f"it is entered, but {', '.join(missing)} could not be read",
            expected="a text on the page that follows",
            hint="look it up in the other system and resolve the case as done by hand",
            code="OUTPUT_MISSING",
        )


class _Entered:
    """The irreversible step of one item with what follows it, and the question whether it has happened."""

    def __init__(self, found: Recorded, item: Item[BaseModel], player: Player, point: int) -> None:
        self._found = found
        self._item = item
        self._player = player
        self._point = point
        self._last = end_of_act(found.recording.steps, point - 1) + 1
        self._acted = False
        self.seen: dict[str, str] = {}

    def act(self) -> dict[str, str]:
        self._acted = True
        self._player.play(self._point, self._last, only_first_choice=True)
        try:
            self._player.play(self._last + 1)
        except (ApplicationError, BusinessError) as error:
            logger.warning("the step is done, what follows it failed: {}", error)
        return dict(self._player.outputs)

    def is_done(self) -> bool:
        """Whether it has happened: the page said no, or the element was not there; else the other recording looks."""
        if self._acted and (self._player.refused or self._player.nothing_done):
            return False
        name = self._found.binding.already_done
        if name is None:
            raise ApplicationError(
                "nothing says whether it happened", expected="already_done: RECORDING in the binding"
            )
        return self._look(name)

    def _look(self, name: str) -> bool:
        """Replay the recording that looks, in a tab of its own; False where just a step that expects something fails."""
        place = place_of(self._found.place.project, name)
        looking = place.read()
        main = self._player.script
        script = Script(
            looking, place.shown, place.project, place.folder,
            beside=main.beside, address=main.address, secret=main.secret,
        )  # fmt: skip
        page = self._player.tabs.context.new_page()
        player = Player(page, script)
        try:
            player.begin(self._player.values)
            player.play()
        except (ApplicationError, BusinessError) as error:
            failed = looking.steps[player.number - 1]
            if isinstance(failed, _LOOKS) and error.stable_code in {
                "REC_NOT_FOUND",
                "REC_EXPECTED",
                "REC_FAILED",
            }:
                return False
            raise
        finally:
            player.tabs.close()
            page.close()
        self.seen = dict(player.outputs)
        return True


def _bring_out(binding: Binding, item: Item[BaseModel], outputs: Mapping[str, str]) -> None:
    for name, value in outputs.items():
        item.output[binding.outputs.get(name, name)] = value
