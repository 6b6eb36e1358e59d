"""Pictures of steps, for the instructions that people read: what the page looked like when the step had ended."""

from __future__ import annotations

from runner.kit.current import Here, Running
from runner.kit.snapshot import read_page


def picture_of_step(live: Running, name: str, seq: int, place: Here) -> None:
    """Keep a picture of the page that was opened last; none where a secret can be seen, or there is no page.

    A disk that is full costs the picture, not the step.
    """
    pages = [page for context in live.contexts for page in context.pages if not page.is_closed()]
    if not pages:
        return
    redactor = live.journal.redactor
    path = live.evidence / f"{seq:06d}-step.png"
    try:
        live.evidence.mkdir(parents=True, exist_ok=True)
        seen = read_page(pages[-1], path, lambda text: not redactor.finds(text.encode("utf-8", "replace")))
    except OSError as error:
        live.journal.event("log", f"The picture of step {name} is missing: {error}", level="WARNING")
        return
    if seen.picture:
        live.journal.event(
            "evidence",
            f"What the page looked like at the end of {name}",
            queue=place.queue,
            item=place.item,
            attempt=place.attempt,
            step=name,
            parent=seq,
            data={"kind": "step", "url": seen.url},
            evidence=live.relative(path),
        )
