"""Sweeps up behind killed workers: their children's processes have ended, their temporary folders go."""

from __future__ import annotations

from runner.engine import tree
from runner.engine.scratch import makers, remove_scratch


def sweep_scratch() -> None:
    """Remove the folders of killed workers whose children have ended, too."""
    for folder, maker in makers():
        if not tree.is_alive(maker.pid, maker.started) and not tree.marked(maker.marker):
            remove_scratch(folder)
