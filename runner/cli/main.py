"""The command `runner`: its table of commands, and the border where every error becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from runner.cli.groups import Entry, LazyGroup, root
from runner.cli.tongue import in_chinese, told, told_error
from runner.core.collector import collect_less_often
from runner.core.errors import RunnerError, UsageError, did_you_mean, exit_code_of
from runner.core.phrase_book import help_text

INTERRUPTED: Final = 130
_START, _BOTS, _LOOK, _DECIDE, _KEEP = (
    "Start here", "Run bots", "See what happened", "Follow up exceptions", "Look after it",
)  # fmt: skip
_HELP: Final = "Bots for repetitive process steps, with a scheduler and an exception queue."


class Commands(LazyGroup):
    """All commands."""

    entries = {  # noqa: RUF012 - a class variable of the base class, typed there
        "init": Entry("runner.cli.init:init", "Make a new project in a folder", _START),
        "demo": Entry("runner.cli.demo:demo", "Show the whole thing at work, in a minute", _START),
        "doctor": Entry("runner.cli.doctor:doctor", "Check this machine and this project", _START),
        "run": Entry("runner.cli.run:run", "Run a bot here and now", _BOTS),
        "up": Entry("runner.cli.up:up", "Scheduler, worker and desk in one, until Ctrl-C", _BOTS),
        "desk": Entry("runner.cli.desk:desk", "The web pages, until Ctrl-C", _BOTS),
        "scheduler": Entry("runner.cli.up:scheduler", "Only the scheduler, until Ctrl-C", _BOTS),
        "worker": Entry("runner.cli.up:worker", "Only a worker, until Ctrl-C", _BOTS),
        "bots": Entry("runner.cli.bots:app", "List the bots, show one, its locators", _BOTS),
        "record": Entry("runner.cli.record:record", "Record what you do in a browser", _BOTS),
        "replay": Entry("runner.cli.replay:replay", "Do the steps of a recording once", _BOTS),
        "recordings": Entry("runner.cli.recordings:app", "List, show, import, make a bot of one", _BOTS),
        "new": Entry("runner.cli.new:new", "Write a new bot script, also from a recording", _BOTS),
        "schedules": Entry("runner.cli.schedule_edits:app", "List, check, look ahead, edit, decide", _BOTS),
        "runs": Entry("runner.cli.runs:app", "Runs: list, show, logs, cancel", _LOOK),
        "queues": Entry("runner.cli.items:queues_app", "Work queues: list", _LOOK),
        "items": Entry("runner.cli.items:items_app", "Items of a work queue: list, show", _LOOK),
        "trace": Entry("runner.cli.trace:trace", "Which run wrote a cell of a workbook", _LOOK),
        "cases": Entry("runner.cli.case_files:app", "Cases: list, show, and every decision", _DECIDE),
        "problems": Entry("runner.cli.problem_acts:app", "Problems: cases with one cause", _DECIDE),
        "audit": Entry("runner.cli.audit:app", "Who did what: list, verify", _DECIDE),
        "webhooks": Entry("runner.cli.webhooks:app", "Who is told what happens: list, add, test", _KEEP),
        "users": Entry("runner.cli.users:app", "People of the desk: add, role, reset, list", _KEEP),
        "secrets": Entry("runner.cli.secrets:app", "Passwords for bots: set, list, remove", _KEEP),
        "backup": Entry("runner.cli.backup:backup", "Copy store, journals and vault into one file", _KEEP),
        "restore": Entry("runner.cli.backup:restore", "Put a backup into an empty data folder", _KEEP),
        "rebuild": Entry("runner.cli.rebuild:rebuild", "Make the store again from the journals", _KEEP),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's) and return its exit code.

    0 done; 1 the run failed or ended with exceptions; 2 usage; 3 configuration; 4 environment; 5 conflict; 130 Ctrl-C.
    """
    collect_less_often()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _take_debug(words)
    try:
        code = command_line().main(words, prog_name="runner", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the border of a command: a person gets one line, not a traceback
        if debug:
            import traceback

            traceback.print_exc()
        return _report(error)
    if code == INTERRUPTED:
        print(told("runner: interrupted"), file=sys.stderr)
    return int(code or 0)


def command_line() -> Any:
    """The outermost command, with all others in it."""
    return root(Commands, _options, _HELP)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"runner {version('rpa-runner')}")
        raise typer.Exit


def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    del debug, version  # taken by `main`, wherever it stands; printed by its callback


def _take_debug(words: list[str]) -> bool:
    """Take ``--debug`` out of the words, wherever it stands before a ``--``."""
    end = words.index("--") if "--" in words else len(words)
    rest = [word for word in words[:end] if word != "--debug"]
    found = len(rest) < end
    words[:end] = rest
    return found


def _report(error: Exception) -> int:
    known = error if isinstance(error, RunnerError) else _usage(error)
    if known is None:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error)
            return 0
        from runner.cli.faults import explain

        known = explain(error)
    print(told_error(known), file=sys.stderr)
    return exit_code_of(known)


def _usage(error: Exception) -> RunnerError | None:
    """What the parser of the command line refused, in our words; None for any other error."""
    refused = typer.BadParameter.__mro__[1]  # the parser's own UsageError, which Typer does not export
    if type(error).__name__ == "Abort":
        return UsageError("nothing was done", expected="an answer", hint="call it again", code="ABORTED")
    if not isinstance(error, refused) or type(error).__name__ == "NoArgsIsHelpError":
        return None
    found: Any = error
    command = found.ctx.command_path if found.ctx else "runner"
    help_hint = f"see: {command} --help"
    option = str(getattr(found, "option_name", None) or "")
    if type(error).__name__ == "NoSuchOption":
        known = [o for p in found.ctx.command.params for o in p.opts] if found.ctx else []
        near = did_you_mean(option, known)
        expected = near or f"one of {', '.join(sorted(k for k in known if k.startswith('--')))}"
        return UsageError(f"there is no option '{option}'", expected=expected, hint=help_hint, where=option)
    parameter = getattr(found, "param", None)
    where = option or (parameter.get_error_hint().strip("'") if parameter else command)
    what = (found.message or "it is missing").rstrip(".")
    return UsageError(what[:1].lower() + what[1:], expected=_kind(parameter), hint=help_hint, where=where)


def _kind(parameter: Any) -> str:
    told_in_help = str(getattr(parameter, "help", None) or "")
    return (help_text(told_in_help) if in_chinese() else told_in_help).rstrip(".。")


def _quiet() -> int:
    """End without a word when the reader of our output has gone."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the interpreter's last flush
    return 1


if __name__ == "__main__":
    sys.exit(main())
