"""Secrets of bots: their names, and new values; never a value that is there."""
