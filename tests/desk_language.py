"""Whether a page of the desk is in one language: no English words on a Chinese page, except data, code and names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.db.models import CharField, JSONField, TextField
from playwright.sync_api import Page

from docs import texts
from runner.desk.outside import place

_COMMAND: Final = re.compile(
    r"\brunner(?: [a-z-]+)+(?: [A-Z]+)?"
)  # a command line is the same in every language
_WORD: Final = re.compile(r"[A-Za-z][\w@.+/-]*")
_NAMES: Final = re.compile(
    r"^(Runner|xlsx|xlsm|xls|ods|csv|tsv|zip|har|Excel|CPU|API|SLA|KPI|RACI|SOP|URL|JSON|YAML|SHA-256|[0-9a-f]{6,64}|Esc|Enter|English|UTC|OK|Chrome|DevTools|Recorder|Edge|Playwright|Selenium|IDE|F\d+|\w+/[\w/.-]+|[\w.+-]+@[\w.-]+)$"
)
_VISIBLE_TEXT: Final = """() => {
  const data = "code, pre, kbd, script, style, .data, .who, .me, [lang=en], td.what b, td.what small, td.what a, datalist";
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest(data) && parent.checkVisibility()) found.push(walk.currentNode.textContent);
  }
  for (const one of document.querySelectorAll("[placeholder], [title], [aria-label], [alt]"))
    if (!one.closest(data) && one.checkVisibility())
      for (const name of ["placeholder", "title", "aria-label", "alt"]) found.push(one.getAttribute(name) ?? "");
  return found;
}"""


def assert_one_language(page: Page, language: str, allowed: str = "") -> None:
    """Fail when a page in Chinese shows English words that are neither data of the store or project, nor names.

    Not looked at: ``code``, ``pre``, ``kbd``, what is marked ``.data``, and the texts of ``td.what``. A word of the desk's
    own texts counts as English even where it is data too. `allowed` is a pattern of further words that may stand.
    """
    assert page.locator("html").get_attribute("lang") == language
    if not language.startswith("zh"):
        return
    shown: list[str] = page.evaluate(_VISIBLE_TEXT)
    extra = re.compile(allowed) if allowed else None
    data, own = set(_words_of_data()), set(_words_of_the_desk())
    wrong: set[str] = set()
    for text in shown:
        words = [word for word in _words(text) if len(word) > 1 and not _NAMES.match(word)]
        known = (
            data if len(words) > 3 else data - own
        )  # a sentence of data may have words that the desk has too
        wrong |= {word for word in words if word not in known and not (extra and extra.match(word))}
    assert not wrong, f"English on a Chinese page: {sorted(wrong)}"


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(_COMMAND.sub("", text)):
        yield word.strip("./+-_")


def _words_of_the_desk() -> Iterator[str]:
    """The texts of the desk that are a single word: where one of them stands in English, it was not translated."""
    for area in texts.areas():
        for message in texts.make(area):
            for text in message.id if isinstance(message.id, tuple | list) else [message.id]:
                if re.fullmatch(r"\w+", text):
                    yield text


def _words_of_data() -> Iterator[str]:
    project = place().settings.project
    for file in [*project.glob("bots/*.py"), *project.glob("schedules.yaml")]:
        yield from _words(file.read_text("utf-8"))
    for label in ("store", "people"):
        for model in apps.get_app_config(label).get_models():
            fields = [f.name for f in model._meta.fields if isinstance(f, CharField | TextField | JSONField)]
            for row in model._default_manager.values_list(*fields):
                for value in row:
                    yield from _words(
                        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    )
