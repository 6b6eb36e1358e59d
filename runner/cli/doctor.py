"""`runner doctor`: is everything there that is needed? One line for each thing, with the remedy where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from runner.cli.options import Json
from runner.cli.printing import clean, console, print_json
from runner.cli.project import open_settings
from runner.cli.tongue import said, told

_STYLES: Final[Mapping[str, str]] = {"OK": "green", "warning": "yellow", "error": "bold red"}
_CONFIGURATION, _ENVIRONMENT = 3, 4


def doctor(as_json: Json = False) -> int:
    """Check this machine and this project; each line says OK, warning or error, and what to do.

    Ends with 4 when the machine lacks something, 3 when a file of the project is wrong, 0 with warnings at most.
    """
    project = open_settings()
    from runner.cli.checkup import check_all
    from runner.cli.finding import State

    findings = check_all(project)
    if as_json:
        print_json(
            [{"check": f.check, "state": f.state, "text": f.text, "remedy": f.remedy} for f in findings]
        )
    else:
        out = console()
        for one in findings:
            line = Text.assemble(
                (_padded(said(one.state), 8), _STYLES[one.state]),
                _padded(said(one.check), 12),
                clean(told(one.text)),
            )
            out.print(line, soft_wrap=True)
            if one.remedy:
                out.print(Text(f"{'':<20}→ {clean(told(one.remedy))}"), soft_wrap=True)
    wrong = [one for one in findings if one.state is State.ERROR]
    if not wrong:
        return 0
    return _CONFIGURATION if all(one.is_configuration for one in wrong) else _ENVIRONMENT


def _padded(text: str, width: int) -> str:
    """The text with blanks behind it, so that the next one begins below its neighbours; a Chinese sign is two wide."""
    return text + " " * max(width - cell_len(text), 1)
