"""Search over cases, items, runs, problems, bots and schedules."""
