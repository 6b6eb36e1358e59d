"""What is remembered, one file per subject. Times are aware UTC; JSON columns hold what the journal carried."""

from runner.store.models.bots import Bot, BotVersion
from runner.store.models.cases import Act, Case, Problem
from runner.store.models.items import Attempt, Item, Queue
from runner.store.models.runs import Lane, Run, Step
from runner.store.models.schedules import Occurrence, TriggerUrl, Watermark

__all__ = [
    "Act",
    "Attempt",
    "Bot",
    "BotVersion",
    "Case",
    "Item",
    "Lane",
    "Occurrence",
    "Problem",
    "Queue",
    "Run",
    "Step",
    "TriggerUrl",
    "Watermark",
]
