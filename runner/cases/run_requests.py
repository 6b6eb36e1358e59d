"""People ask for runs: of a bot with parameters, or again like one that was; written down with who, and checked before."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.cancel import cancel_run
from runner.cases.queued import queue_run, row_of
from runner.core.clock import from_iso, iso
from runner.core.errors import ConfigurationError, ConflictError, UsageError
from runner.core.ids import uuid7
from runner.core.parameters import check_values
from runner.store.bot_lists import bot_of
from runner.store.models import Act, Bot, Run

__all__ = ["RunWish", "ask_run", "cancel_run", "checked_parameters", "new_token", "run_again"]

START: Final = "start"  # the verb of the act, on the subject kind `run`
_KEPT: Final = ("resources", "sample")  # of the policy of a run that is asked for again


@dataclass(frozen=True, slots=True)
class RunWish:
    """What somebody asks for. `like` is the run it repeats; `not_before` lets it wait; `lanes` 0 is the bot's own number.

    `token` is that of the form (`new_token`): the same wish sent twice is one run.
    """

    bot: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    lanes: int = 0
    priority: int = 0
    not_before: datetime | None = None
    like: str = ""
    note: str = ""
    token: str = ""


def new_token(at: datetime) -> str:
    """A token for one form: what is sent with it counts once, however often it is sent."""
    return f"{iso(at)}.{secrets.token_urlsafe(12)}"


def moment_of(token: str, at: datetime) -> datetime:
    """When the form of a token was made; `at` without one. Raises UsageError (TOKEN) for what is no token."""
    if not token:
        return at
    try:
        made = from_iso(token.rpartition(".")[0])
        if made.tzinfo is not None and made <= at:
            return made
    except ValueError:
        pass
    raise UsageError(
        f"'{token[:60]}' is no token",
        expected="the one of the form",
        hint="load the page again",
        code="TOKEN",
    )


def ask_run(wish: RunWish, *, by: str, at: datetime) -> str:
    """Queue a run of a bot; gives its id. A worker starts it when a place is free.

    Raises UsageError (CLI_BOT) for an unknown bot, ConfigurationError (BOT_BROKEN) while its file can't be loaded, and
    ErrorReport with one error per parameter (see `check_values`).
    """
    bot = bot_of(wish.bot)
    values = checked_parameters(bot, wish.parameters)
    row = {"bot": bot.pk, "bot_file": bot.file, "process": bot.process, "parameters": values}
    return _queue(wish, row, by=by, at=at)


def run_again(
    run_id: str,
    *,
    by: str,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    note: str = "",
    token: str = "",
) -> str:
    """Queue a run like `run_id`, with the same parameters or with `parameters` in their place; gives its id.

    It is no due time of a schedule, and settles no case: a failed run's case is answered with its own retry.
    Raises UsageError (NOT_FOUND) for an unknown run, and what `ask_run` raises when parameters are given.
    """
    before = Run.objects.filter(pk=run_id).first()
    if before is None:
        raise UsageError(f"run '{run_id}' not found", hint="see: runner runs list", code="NOT_FOUND")
    row = row_of(before, by) | {"time_limit": before.time_limit}
    if parameters is not None:
        row["parameters"] = checked_parameters(bot_of(before.bot), parameters)
    row["policy"] = {name: before.policy[name] for name in _KEPT if name in before.policy}
    lanes, priority = before.lanes_wanted, before.priority
    wish = RunWish(before.bot, row["parameters"], lanes, priority, like=run_id, note=note, token=token)
    return _queue(wish, row, by=by, at=at)


def checked_parameters(bot: Bot, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` by the bot's described signature. Raises what `ask_run` raises for parameters and broken files."""
    if not bot.present:
        raise UsageError(
            f"bot '{bot.pk}' is no longer there: it was in {bot.file}",
            expected="a bot of bots/",
            hint="see: runner bots",
            code="CLI_BOT",
        )
    if bot.error:
        raise ConfigurationError(
            f"bot '{bot.pk}' can't be started: {bot.error}",
            expected="a bot file that loads",
            hint="correct the file; it is read again when it changes",
            code="BOT_BROKEN",
        )
    return check_values(bot.description.get("parameters", {}), values, bot.pk)


def _queue(wish: RunWish, row: dict[str, Any], *, by: str, at: datetime) -> str:
    made = moment_of(wish.token, at)
    run_id = uuid7(made, seed=f"{by} {wish.token}" if wish.token else None)
    row |= {
        "lanes_wanted": wish.lanes or 1,
        "priority": wish.priority,
        "not_before": iso(wish.not_before) if wish.not_before else None,
        "requested_by": by,
        "queued": iso(at),
    }
    data = {"run_row": row, **({"like": wish.like} if wish.like else {})}
    with transaction.atomic():
        known = Run.objects.filter(pk=run_id).first()
        if known is not None and known.bot == wish.bot:
            return run_id  # the same form, sent again
        if known is not None:
            raise ConflictError(
                "the token was used for another run", hint="load the page again", code="TOKEN"
            )
        act = Act(pk=uuid7(at), at=at, by=by, subject_kind="run", subject=run_id)
        act.verb, act.note, act.data = START, wish.note.strip(), data
        record_act(act)
        queue_run(run_id, row, at)
    return run_id
