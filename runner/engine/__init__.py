"""Scheduler, worker and supervisor."""
