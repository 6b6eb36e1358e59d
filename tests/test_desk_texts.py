"""Every text of the desk is collected, translated and compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import texts


def test_every_text_is_translated_and_every_catalogue_is_current() -> None:
    assert texts.problems() == []


@pytest.mark.parametrize(
    "source", ["{% trans 'A new text' %}", "{% blocktrans %}A new text{% endblocktrans %}"]
)
def test_a_text_without_translation_is_found(tmp_path: Path, source: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(source, "utf-8")

    catalog = texts.make(tmp_path)

    assert [message.id for message in texts._open(catalog)] == ["A new text"]


def test_shared_words_are_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "views.py").write_text('x = _("Bot"); y = _("Own"); z = pgettext("case", "open")\n', "utf-8")

    found = texts.make(tmp_path, texts.make(texts.DESK))

    assert [message.id for message in found if message.id] == ["Own"]
