"""What the looks for garbage pass over in a process that serves the desk."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from django.core.signals import request_finished

from runner.desk.garbage import MANY, pass_over_what_stays


class Held:
    """Something that holds itself, so that only a look for garbage ends it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def looks() -> Iterator[None]:
    gc.collect()
    pass_over_what_stays()
    before = request_finished.receivers
    request_finished.receivers = [one for one in before if "garbage" in str(one[0])]
    request_finished.sender_receivers_cache.clear()
    yield
    request_finished.receivers = before
    request_finished.sender_receivers_cache.clear()
    gc.unfreeze()


def test_what_has_been_loaded_since_is_passed_over_and_what_a_request_held_is_not(looks: None) -> None:
    loaded = [[number] for number in range(MANY + 1000)]
    held = Held()
    gone = weakref.ref(held)
    gc.collect()
    assert len(gc.get_objects(generation=2)) > len(loaded)
    del held
    request_finished.send(sender=None)
    assert gone() is None
    assert len(gc.get_objects(generation=2)) < MANY
    assert gc.get_freeze_count() > len(loaded)


def test_a_little_more_is_looked_through_as_before(looks: None) -> None:
    few = [[number] for number in range(MANY // 2)]
    gc.collect()
    request_finished.send(sender=None)
    assert len(gc.get_objects(generation=2)) > len(few)
