"""The title of a problem, as a sentence for whoever answers for it; its technical words stand behind it, folded away.

A title is made anew for each reader from what the problem's failures have in common: their code, the step, the element, what
the page says. What a bot's author wrote stays as it is. The fingerprint has nothing to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from runner.cases.fingerprint import sentence_of as words_of_title
from runner.core import errors as tree
from runner.desk.errors.phrases import title_phrase_of
from runner.desk.errors.telling import is_english, is_technical, sentence_of

_CODE: Final = re.compile(r"(?P<code>[A-Z]{2,}(?:_[A-Z0-9]+)*): (?P<rest>.+)", re.DOTALL)
_OWN_WORDS: Final = ("PAGE_", "REC_", "WEB_", "LOCATOR_")  # whose errors name what they are about
_QUOTED: Final = re.compile(r"\"([^\"…]*[^\W_…][^\"]*)\"|'([^'…]*[^\W_…][^']*)'")
_ELEMENT: Final = re.compile(r"(?:label|placeholder|test_id|alt_text|title|text|name=|TestId|Label)")
_BLAMES: Final = frozenset(
    {"BOT_ERROR", "OS_ERROR", "UNEXPECTED"}
)  # the kind of error says more than the code does
_OURS: Final = frozenset(name for name in vars(tree) if name[0].isupper()) | {"BadRow", "AttemptLost", ""}


def title_of(title: str, parts: Mapping[str, Any] | None = None) -> str:
    """The title of a problem in the language of the page; `title` and `parts` as the problem has them."""
    facts = parts or {}
    found = _CODE.fullmatch(title)
    rest = found["rest"] if found else title
    code = found["code"] if found else _code_of(facts)
    sentence = sentence_of(code)
    if not sentence:
        return words_of_title(title, facts)
    phrase = title_phrase_of(rest)
    if phrase:
        return phrase
    if is_english() and code.startswith(_OWN_WORDS) and not _is_foreign(rest, facts):
        return words_of_title(title, facts)
    return _with_details(sentence, code, facts)


def _code_of(facts: Mapping[str, Any]) -> str:
    """The code of failures that are known by their kind: the problem's title does not begin with it."""
    if facts.get("type") == "OutcomeUnknown" or (
        facts.get("kind") == "unknown" and facts.get("type") == "AttemptLost"
    ):
        return "OUTCOME_UNKNOWN"
    return "ITEM_QUARANTINED" if facts.get("why") == "quarantined" else str(facts.get("code") or "")


def _is_foreign(rest: str, facts: Mapping[str, Any]) -> bool:
    """Whether the words are those of a library, not of Runner or of a bot's author."""
    return is_technical(rest) or str(facts.get("type") or "") not in _OURS


def _with_details(sentence: str, code: str, facts: Mapping[str, Any]) -> str:
    said = sentence.rstrip(".。")
    details = _(", ").join(_details(code, facts))
    return _("%(what)s (%(more)s)") % {"what": said, "more": details} if details else said


def _details(code: str, facts: Mapping[str, Any]) -> Iterator[str]:
    if code in _BLAMES and facts.get("type"):
        yield str(facts["type"])
    element = _element(str(facts.get("locator") or ""))
    if element:
        yield _("“%(value)s”") % {"value": element}
    if facts.get("step"):
        yield _("step “%(step)s”") % {"step": facts["step"]}
    if str(facts.get("page_error") or "").strip("… "):
        yield _("the page says: %(said)s") % {"said": facts["page_error"]}


def _element(locator: str) -> str:
    """What an element is called on the page: its label, name or text; empty for one that is found in another way."""
    if not _ELEMENT.search(locator):
        return ""
    texts = [one or other for one, other in _QUOTED.findall(locator)]
    return texts[-1] if texts else ""
