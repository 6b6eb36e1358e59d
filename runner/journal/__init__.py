"""The structured log of a run: written, read and redacted."""

from runner.journal.read import Fault, Line, Reading, read_journal
from runner.journal.redact import Redactor

__all__ = ["Fault", "Line", "Reading", "Redactor", "read_journal"]
