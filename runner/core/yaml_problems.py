"""What a YAML parser's error means, in words for people who write schedules and not parsers."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from runner.core.errors import ConfigurationError

_UNQUOTED = re.compile(r"^\s*(?:-\s+)?(?P<key>[\w.-]+)\s*:\s+(?P<sign>[*@%`&!])")
_FULLWIDTH = {
    "：": "a full-width colon '：'",
    "“": "a curly quote '“'",
    "‘": "a curly quote '‘'",
    "，": "a full-width comma '，'",
}


def explain_yaml_error(error: MarkedYAMLError, text: str, name: str) -> ConfigurationError:
    """Say what the parser found, in words for somebody who has never seen a YAML error."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    source = lines[line] if line < len(lines) else ""
    before = next((lines[n] for n in range(min(line, len(lines)) - 1, -1, -1) if lines[n].strip()), "")
    what, expected, hint = (
        str(error.problem or error).strip(),
        "valid YAML",
        "compare the line with its neighbours",
    )
    unquoted = _UNQUOTED.match(source)
    fullwidth = next((words for sign, words in _FULLWIDTH.items() if sign in source or sign in before), None)
    if unquoted:
        sign = unquoted["sign"]
        what = f"the value of {unquoted['key']} starts with '{sign}' without quotes"
        expected, hint = "text", "put the expression in quotes"
    elif "\t" in source[: column + 1]:
        what, expected, hint = "the line is indented with a tab", "spaces", "replace the tab by spaces"
    elif fullwidth:
        what, expected, hint = (
            f"there is {fullwidth}",
            "plain ASCII signs",
            "type ':' '\"' and ',' with the English keyboard",
        )
    where = f"{name}:{line + 1}:{column + 1}"
    return ConfigurationError(
        f"line {line + 1}: {what}", expected=expected, hint=hint, where=where, code="SCHED_YAML"
    )


def explain_bad_character(error: YAMLError, text: str, name: str) -> ConfigurationError:
    """Say where a character stands that YAML does not allow; such an error has an offset and no line."""
    offset = getattr(error, "position", None)
    head = text[: offset if isinstance(offset, int) else 0]
    line, column = head.count("\n") + 1, len(head) - (head.rfind("\n") + 1) + 1
    return ConfigurationError(
        f"line {line}: a control character that a text file may not contain",
        expected="printable text",
        hint="delete it, or save the file again as UTF-8",
        where=f"{name}:{line}:{column}",
        code="SCHED_YAML",
    )
