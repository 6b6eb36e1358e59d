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
    elif "end of stream" in what or "<stream end>" in what:
        line, column = _opening(error, text) or (line, column)
        what, expected, hint = (
            "a bracket or a quotation mark is opened and never closed",
            "its counterpart",
            "close it, or put the whole value in quotes",
        )
    elif what.startswith("expected <block end>"):
        what, expected, hint = (
            "the line begins further left or right than its neighbours",
            "entries of one list below each other",
            "count the spaces at its beginning",
        )
    elif "could not find expected ':'" in what and error.context_mark:
        line, column = error.context_mark.line, error.context_mark.column
        what, expected, hint = (
            "there is no ':' behind the key",
            "key: value",
            "write a colon and a space behind the key",
        )
    where = f"{name}:{line + 1}:{column + 1}"
    return ConfigurationError(
        f"line {line + 1}: {what}", expected=expected, hint=hint, where=where, code="SCHED_YAML"
    )


def _opening(error: MarkedYAMLError, text: str) -> tuple[int, int] | None:
    """Where the bracket or quotation mark stands that is never closed, from 0; None where the parser doesn't say."""
    mark = error.context_mark
    if mark is None:
        return None
    lines = text.splitlines()
    is_there = mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] in tuple("[{'\"")
    return (mark.line, mark.column) if is_there else None


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
