"""What is remembered, one file per subject. Times are aware UTC; JSON columns hold what the journal carried."""

from runner.store.models.bots import Bot, BotVersion
from runner.store.models.cases import Act, Case
from runner.store.models.items import Attempt, Item, Queue
from runner.store.models.locators import LocatorDay
from runner.store.models.people import AuditEntry, AuditHead, BulkSelection, Mention
from runner.store.models.problems import CorrectiveAction, GroupingRule, Problem
from runner.store.models.processes import Process
from runner.store.models.runs import Lane, Run, Step
from runner.store.models.schedules import Occurrence, TriggerUrl, Watermark
from runner.store.models.webhooks import Delivery, Webhook
from runner.store.models.workbooks import WorkbookWrite

__all__ = [
    "Act",
    "Attempt",
    "AuditEntry",
    "AuditHead",
    "Bot",
    "BotVersion",
    "BulkSelection",
    "Case",
    "CorrectiveAction",
    "Delivery",
    "GroupingRule",
    "Item",
    "Lane",
    "LocatorDay",
    "Mention",
    "Occurrence",
    "Problem",
    "Process",
    "Queue",
    "Run",
    "Step",
    "TriggerUrl",
    "Watermark",
    "Webhook",
    "WorkbookWrite",
]
