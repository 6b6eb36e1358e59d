"""A bot's process dies at every call between INTENT and OUTCOME, here with a file as the other system; full size: make chaos."""

from __future__ import annotations

from chaos.boundaries import die_everywhere, of_ledger_bot, settle
from chaos.place import a_place, left_over


def test_wherever_the_process_dies_the_entry_is_made_once_or_a_person_is_asked() -> None:
    with a_place() as place:
        run, entered = of_ledger_bot(place)
        found = die_everywhere(place, run, entered)

        # write and fsync of the intent, the act's own write, write and fsync of the outcome
        assert found.calls == 5
        assert found.twice == []
        assert found.lost == []
        assert found.wrong == []
        assert any("unknown" in end and "entered 1" in end for end in found.ends)
        assert any("unknown" in end and "entered 0" in end for end in found.ends)
        assert settle(place, run, entered) == []
        assert left_over(place.folder) == []
