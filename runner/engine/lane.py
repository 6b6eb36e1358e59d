"""Serves one lane of a run: answers its child's requests, and says the last word when the child is gone."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runner.cases.batch import PutCounts
from runner.core.contract import (
    CONSOLE_FILE,
    JOURNAL_FILE,
    FoundError,
    NoItem,
    lane_folder,
)
from runner.core.errors import ConflictError, RunnerError
from runner.engine.child import Child
from runner.engine.outcome import LaneEnd, LaneResult
from runner.engine.shared import SharedRun, item_order
from runner.engine.trail import OpenAttempt, Trail
from runner.store.models import Item
from runner.store.outcomes import item_outcomes

_MOST_RESTARTS: Final = 20  # of one lane in one run: a bot that hangs at everything must end
_LAST_WORDS: Final = 10.0  # seconds a child has to end after it said that it finished


class LaneHand:
    """The worker's side of one lane. `serve` runs in a thread of its own until the child is gone."""

    def __init__(self, run: SharedRun, number: int, child: Child) -> None:
        self.number = number
        self.child = child
        self.trail = Trail()
        self.end: LaneEnd | None = None  # set from outside before the child is ended: why
        self.result: LaneResult | None = None
        self._run = run
        self._handed: OpenAttempt | None = None
        self.restarts = 0
        self.is_over = False
        self._finished = False
        self._followed = 0
        self._puts: dict[str, PutCounts] = {}
        self._following = threading.Lock()
        self.thread = threading.Thread(target=self.serve, name=f"lane {number}", daemon=True)

    @property
    def journal(self) -> Path:
        """The lane's own journal."""
        return self._run.folder / lane_folder(self.number) / JOURNAL_FILE

    def serve(self) -> None:
        """Begin the lane, answer requests until the child ends, record how it ended; go on where a limit ended it."""
        from django.db import connections

        try:
            self._serve_child()
            while self.end is LaneEnd.LIMIT and self.restarts < _MOST_RESTARTS and self._renew_child():
                self._serve_child()
        except ConflictError:  # the run is another worker's: nothing of this one may be written any more
            self.child.end(grace=0)
        finally:
            self.is_over = True
            self._run.lane_is_gone(self.number, self.result.end if self.result else None)
            connections.close_all()

    def _serve_child(self) -> None:
        self.child.console_to(self.journal.with_name(CONSOLE_FILE), self._run.redactor)
        reserve = str(self._run.place.settings.reserve)
        begin = {"folder": str(self._run.folder), "lane": self.number, "reserve": reserve}
        self.child.answer({"begin": begin})
        while (request := self.child.ask()) is not None:
            self._answer(request)
        self._record_end()

    def _renew_child(self) -> bool:
        """Put a new process in the place of one that was ended at a limit; False when the run is to end."""
        child = self._run.new_child(self.number)
        if child is None:
            return False
        with self._following:
            self.child, self.end, self.trail, self._finished = child, None, Trail(), False
        self.restarts += 1
        return True

    def _answer(self, request: Mapping[str, Any]) -> None:
        try:
            match request["op"]:
                case "next":
                    self._next(request["queue"])
                case "put":
                    self._put(request["queue"], int(request["number"]))
                case "results":
                    self._results(request["queue"], request["keys"])
                case "secret":
                    found = self._run.secret(request["name"])
                    self.child.answer({"value": found.value, "hosts": found.hosts})
                case "signed_in" | "sign_in" | "pause":
                    self.child.answer(self._about_pages(request))
                case "progress":
                    left = self._run.renew(need=float(request.get("need") or 0))
                    self.child.answer({"stop": self._run.no_item is not None, "lease_left": left})
                case "finished":
                    self._finished = True
                    self._take_in()
                    self.child.answer({})
                case other:
                    self._refuse("CHANNEL", f"unknown request '{other}'")
        except ConflictError:
            raise
        except RunnerError as error:
            self._refuse(error.stable_code, error.what, error.expected, error.hint)

    def _about_pages(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["op"] == "pause":
            return {"go": self._run.on_pause(request["message"])}
        if request["op"] == "signed_in":
            return self._run.signed_in(request["account"])
        self._run.sign_in(request["account"], request["state"])
        return {}

    def _refuse(self, code: str, what: str, expected: str = "", hint: str = "") -> None:
        self.child.refuse(FoundError(code=code, what=what, expected=expected, hint=hint))

    def _next(self, queue: str) -> None:
        self._handed = None
        item = self._take_in(claim=queue)
        order = self._run.hand_out(self.number, queue) if item is None else item_order(item)
        if isinstance(order, NoItem):
            self.child.answer({"item": None, "reason": order})
            return
        self._handed = OpenAttempt(order.queue, order.key, order.attempt)
        self.child.answer({"item": order.model_dump(mode="json")})

    def _put(self, queue: str, number: int) -> None:
        inside_an_item = number == 0  # such rows are in this lane's own journal, whichever lane it is
        if self.number == 1 or inside_an_item:
            self._take_in()
            counts: Mapping[str, int] = dataclasses.asdict(self._puts.pop(queue, PutCounts()))
            if not inside_an_item:
                self._run.put_is_done(queue, number, counts)
        else:
            counts = self._run.wait_for_put(queue, number)
        self.child.answer(counts)

    def _results(self, queue: str, keys: list[str]) -> None:
        self._take_in()
        items = self._run.in_store(lambda: item_outcomes(queue, keys))
        self.child.answer({"items": items})

    def follow(self) -> None:
        """Take in what the lane has written while it asks for nothing, so that people see a long step going on."""
        with contextlib.suppress(FileNotFoundError):
            if self.journal.stat().st_size > self._followed:
                self._take_in()

    def _take_in(self, claim: str | None = None) -> Item | None:
        """Take in what the lane has written, and in the same transaction claim the next item of the queue `claim`."""
        with self._following:
            with contextlib.suppress(FileNotFoundError):
                self._followed = self.journal.stat().st_size
            taken, item = self._run.take_in_and_claim(self.journal, self.number, claim)
            ends = self.trail.follow(taken.lines)
            for queue, counts in taken.puts.items():
                so_far = self._puts.setdefault(queue, PutCounts())
                so_far.new, so_far.known, so_far.bad = (
                    so_far.new + counts.new, so_far.known + counts.known, so_far.bad + counts.bad,
                )  # fmt: skip
        self._run.items_ended(ends, taken)
        if (
            item is not None and self._run.no_item is not None
        ):  # what was taken in says that this lane must stop
            self._run.give_back(item)
            item = None
        return item

    def _record_end(self) -> None:
        code = self.child.wait(_LAST_WORDS if self._finished else 0.5)
        self.child.end(grace=0 if code is not None else 5)
        code = self.child.wait(1) if code is None else code
        self._take_in()
        end = self.end or (LaneEnd.FINISHED if self._finished and self.trail.status else LaneEnd.CRASHED)
        lost = self.trail.attempt or self.trail.waits or self._unstarted()
        if lost is not None:
            self._run.judge_lost(lost, self.number, end, self.trail.last_step)
        self.result = LaneResult(
            lane=self.number,
            end=end,
            status=self.trail.status,
            error=self.trail.error,
            exit_code=code,
            last_step=self.trail.last_step,
            outputs=self.trail.outputs,
            unbalanced=tuple(self.trail.unbalanced),
        )
        signal = -code if code is not None and code < 0 else None
        data = {"lane": self.number, "exit_code": code, "signal": signal, "reason": end}
        self._run.say("lane.ended", f"lane {self.number} {end}", sync=True, data=data)

    def _unstarted(self) -> OpenAttempt | None:
        """The item that was handed out, where the child died before it wrote the attempt's first line."""
        if self._handed is None or self._run.has_ended(self._handed):
            return None
        return self._handed
