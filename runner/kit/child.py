"""The child process (``python -m runner.kit.child``): it starts here; what it does for its worker is in `tasks`."""

from __future__ import annotations

from runner.core.collector import collect_less_often
from runner.kit.ending import end_at_once


def main() -> int:
    """Do what the worker asks, and return the exit code: 0, or 1 when the run failed."""
    collect_less_often()  # before the many things that a bot needs are loaded
    from runner.kit.tasks import serve_worker

    return serve_worker()


if __name__ == "__main__":
    end_at_once(main())
