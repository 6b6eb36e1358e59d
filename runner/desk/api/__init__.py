"""The JSON interface at /api/v1 for programs, and the URLs that start schedules."""
