"""Processes: what the bots work for."""
