"""What Python passes over when it looks for garbage in a process that serves the desk.

Walking through a desk's modules and templates again and again stops a page for a tenth of a second, and part of them is
loaded when a page first needs it.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Mapping
from typing import Any, Final

from django.core.signals import request_finished

MANY: Final = 20_000  # objects that no look for garbage should walk through again
_grown: Final = threading.Event()


def pass_over_what_stays() -> None:
    """Leave out of all looks for garbage what is here now and, at the end of a request, what has been loaded since."""
    gc.freeze()
    if _after_a_look not in gc.callbacks:
        gc.callbacks.append(_after_a_look)
    request_finished.connect(_after_a_request, dispatch_uid=__name__)


def _after_a_look(phase: str, seen: Mapping[str, Any]) -> None:
    if phase == "stop" and seen["generation"] == 2 and _much_is_here():
        _grown.set()


def _after_a_request(**_of_django: object) -> None:
    if not _grown.is_set():
        return
    gc.collect()  # what the request held is not to stay
    if _much_is_here():
        gc.freeze()
    _grown.clear()


def _much_is_here() -> bool:
    return len(gc.get_objects(generation=2)) > MANY
