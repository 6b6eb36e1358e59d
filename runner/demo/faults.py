"""What goes wrong on purpose: the plan of faults, how it is changed, and which request each one hits."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.core.errors import ErrorReport, UsageError, did_you_mean

LONGEST_DELAY_MS = 60_000

Status = Annotated[int, Field(ge=400, le=599)]
Milliseconds = Annotated[int, Field(ge=0, le=LONGEST_DELAY_MS)]


class Fault(StrEnum):
    """The faults that ``?fault=`` understands, on any page, several with commas between them."""

    ERROR_500 = "500"
    ERROR_503 = "503"
    SLOW = "slow"  # by &ms=, 1000 when it is not given
    HANG = "hang"
    LABELS = "labels"
    SESSION = "session"
    MODAL = "modal"
    CONFIRM = "confirm"
    ALERT = "alert"
    ENDLESS = "endless"
    COMMIT = "commit"


class FailNext(BaseModel):
    """The next `times` requests to exactly `path` fail with `status`; `method` narrows it to GET or POST."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    status: Status = 500
    times: Annotated[int, Field(ge=1)] = 1
    method: Literal["", "GET", "POST"] = ""


class FaultPlan(BaseModel):
    """All that the admin page can set. Paths are prefixes ("" is every page), except in `fail_next`.

    Faults hit the pages that a clerk sees, never the static files, `/admin`, `/api`, `/health` or `/bench`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    error_seed: int = 1
    error_path: str = ""
    error_method: Literal["", "GET", "POST"] = ""
    error_statuses: Annotated[tuple[Status, ...], Field(min_length=1)] = (500, 503)
    fail_next: tuple[FailNext, ...] = ()
    commit_then_fail: Annotated[int, Field(ge=0)] = 0
    delay_ms: Milliseconds = 0
    delay_paths: Mapping[str, Milliseconds] = {}
    hang_path: str | None = None
    session_limit: Annotated[int, Field(ge=0)] = 0
    moved_labels: bool = False
    popup: Literal["", "modal", "confirm", "alert"] = ""
    endless_script: bool = False
    refuse_duplicates: bool = True


class Faults:
    """The plan in force and what it has done so far; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan = FaultPlan()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._served: Counter[str] = Counter()

    @property
    def plan(self) -> FaultPlan:
        """The plan in force."""
        return self._plan

    @property
    def served(self) -> dict[str, int]:
        """How often each kind of fault was served since the portal started."""
        with self._lock:
            return dict(self._served)

    def change(self, changes: Mapping[str, object]) -> FaultPlan:
        """Put `changes` over the plan in force. A new error seed or rate starts its sequence from the beginning.

        Raises ErrorReport, with a JSON pointer for each value that can't be; the plan is then as it was.
        """
        with self._lock:
            try:
                plan = FaultPlan.model_validate({**self._plan.model_dump(), **changes})
            except ValidationError as error:
                raise ErrorReport([_complaint(detail["loc"], detail) for detail in error.errors()]) from None
            if changes.keys() & {"error_seed", "error_rate", "error_path", "error_method"}:
                self._requests.clear()
            self._plan = plan
            return plan

    def reset(self) -> FaultPlan:
        """Back to a portal without faults."""
        with self._lock:
            self._plan = FaultPlan()
            self._requests.clear()
            return self._plan

    def count(self, fault: str) -> None:
        """Note that a fault was served."""
        with self._lock:
            self._served[fault] += 1

    def error_for(self, method: str, path: str) -> int | None:
        """The status that this request must fail with, or None.

        The same seed gives the same answers for the nth request of a method to a path, whatever else happens.
        """
        with self._lock:
            for index, rule in enumerate(self._plan.fail_next):
                if rule.path == path and rule.method in {"", method}:
                    self._use_up(index)
                    return rule.status
            return self._random_error(method, path)

    def delay_for(self, path: str) -> int:
        """How many milliseconds this page waits: by its longest matching prefix, else `delay_ms`."""
        prefixes = [prefix for prefix in self._plan.delay_paths if path.startswith(prefix)]
        return self._plan.delay_paths[max(prefixes, key=len)] if prefixes else self._plan.delay_ms

    def take_commit_failure(self) -> bool:
        """Whether the order that was just stored is to be answered with an empty 500; uses up one."""
        with self._lock:
            left = self._plan.commit_then_fail
            if left:
                self._plan = self._plan.model_copy(update={"commit_then_fail": left - 1})
            return left > 0

    def _use_up(self, index: int) -> None:
        rules = list(self._plan.fail_next)
        rule = rules.pop(index)
        if rule.times > 1:
            rules.insert(index, rule.model_copy(update={"times": rule.times - 1}))
        self._plan = self._plan.model_copy(update={"fail_next": tuple(rules)})

    def _random_error(self, method: str, path: str) -> int | None:
        plan = self._plan
        if (
            not plan.error_rate
            or not path.startswith(plan.error_path)
            or plan.error_method not in {"", method}
        ):
            return None
        self._requests[method, path] += 1
        word = f"{plan.error_seed} {method} {path} {self._requests[method, path]}"
        digest = hashlib.blake2b(word.encode(), digest_size=16).digest()
        if int.from_bytes(digest[:8], "big") / 2**64 >= plan.error_rate:
            return None
        return plan.error_statuses[digest[8] % len(plan.error_statuses)]


def asked_faults(text: str) -> frozenset[Fault]:
    """The faults that a query asks for: ``"slow,labels"``.

    Raises UsageError naming the ones that exist.
    """
    return frozenset(_fault(word.strip()) for word in text.split(",") if word.strip())


def _fault(word: str) -> Fault:
    try:
        return Fault(word)
    except ValueError:
        known = ", ".join(Fault)
        raise UsageError(
            f"there is no fault '{word}'", expected=f"one of {known}", where="?fault", code="DEMO_FAULT"
        ) from None


def _complaint(location: Iterable[object], detail: Mapping[str, object]) -> UsageError:
    keys = [str(key) for key in location]
    pointer = "/" + "/".join(keys)
    if detail["type"] == "extra_forbidden":
        known = FailNext.model_fields if keys[0] == "fail_next" else FaultPlan.model_fields
        near = did_you_mean(keys[-1], known)
        return UsageError(
            f"there is no setting '{keys[-1]}'",
            expected=f"one of {', '.join(known)}",
            hint=near,
            where=pointer,
            code="DEMO_FAULT",
        )
    return UsageError(
        f"{detail['input']!r} can't be used", expected=str(detail["msg"]), where=pointer, code="DEMO_FAULT"
    )
