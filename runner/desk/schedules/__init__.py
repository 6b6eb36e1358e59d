"""Schedules: when bots run."""
