"""Every text of the desk is collected, translated and compiled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import phrases, texts


def test_every_text_is_translated_and_every_catalogue_is_current() -> None:
    assert texts.problems() == []


def test_every_sentence_of_errors_and_commands_is_translated_too() -> None:
    assert phrases.problems() == []


@pytest.mark.parametrize(
    "source", ["{% trans 'A new text' %}", "{% blocktrans %}A new text{% endblocktrans %}"]
)
def test_a_text_without_translation_is_found(tmp_path: Path, source: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(source, "utf-8")

    catalog = texts.make(tmp_path)

    assert [message.id for message in texts._open(catalog)] == ["A new text"]


def test_what_an_operation_of_the_json_interface_says_of_itself_is_a_text(tmp_path: Path) -> None:
    source = '''HOW: Final = "Whole\\nwords."
class Wanted:
    """Not shown."""
    how: Annotated[str, Field(max_length=5, description=HOW)] = ""
    why: Annotated[str, Field(description="Why.")] = ""
@operation("GET", "things")
def things():
    """What
    it does."""
def other():
    """Not shown either."""
'''
    (tmp_path / "things.py").write_text(source, "utf-8")

    assert {message.id for message in texts.make(tmp_path) if message.id} == {
        "Whole words.",
        "Why.",
        "What it does.",
    }


def test_a_text_inside_an_f_string_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text("""x = f"{_('Own')} {1}"\ny = _("Other")\n""", "utf-8")

    assert texts.hidden(tmp_path) == ["views.py:1"]


def test_shared_words_are_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "views.py").write_text('x = _("Bot"); y = _("Own"); z = pgettext("case", "open")\n', "utf-8")

    found = texts.make(tmp_path, texts.make(texts.DESK))

    assert [message.id for message in found if message.id] == ["Own"]


_TAGS = re.compile(
    r"\{%-?\s*comment.*?endcomment\s*%\}|\{%\s*blocktrans.*?endblocktrans\s*%\}|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}",
    re.DOTALL,
)
_UNTOUCHED = re.compile(r"<(code|pre|kbd|script|style)\b.*?</\1>|<!doctype.*?>|<meta.*?>", re.DOTALL)
_SHOWN = re.compile(r"\b(?:placeholder|title|aria-label|alt)=\"([^\"]*)\"")


_NAMES = re.compile(r"\b(Runner|HTTP|URL|SHA-256|Excel|CSV|JSON|YAML|PDF|SLA|KPI|RACI|SOP|CPU|ID)\b")


def bare_texts(template: str) -> list[str]:
    """The texts of a template that people see and that no tag translates."""
    plain = _UNTOUCHED.sub(" ", _TAGS.sub(" ", template))
    shown = [*_SHOWN.findall(plain), *re.sub(r"<[^>]*>", "\n", plain).splitlines()]
    words = (text.strip() for text in shown)
    return [text for text in words if re.search(r"[A-Za-z]{2,}|[\u4e00-\u9fff]", _NAMES.sub("", text))]


@pytest.mark.parametrize(
    "template",
    [path for path in sorted(texts.DESK.rglob("templates/**/*")) if path.is_file()],
    ids=lambda path: path.name,
)
def test_a_template_has_no_text_that_is_not_translated(template: Path) -> None:
    assert bare_texts(template.read_text("utf-8")) == []


def test_a_text_that_is_not_translated_is_found() -> None:
    assert bare_texts("<b title=\"A title\">Some {% trans 'x' %} words</b> {{ name }} <code>x.y</code>") == [
        "A title",
        "Some   words",
    ]
