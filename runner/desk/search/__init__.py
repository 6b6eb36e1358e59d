"""Search over cases, items, runs and bots."""
