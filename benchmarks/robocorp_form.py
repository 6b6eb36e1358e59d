"""The job as a task of robocorp-tasks and robocorp-browser, which are in an environment of their own (.venv-bench)."""
# mypy: ignore-errors

from __future__ import annotations

import os

from robocorp import browser
from robocorp.browser import _context
from robocorp.tasks import task

from benchmarks.form_script import enter_all

# It has no option for the path of an installed browser; all sides shall drive the same one.
_usual = _context.browser_type_launch_args
_context.browser_type_launch_args = lambda: {**_usual(), "executable_path": os.environ["RUNNER_BROWSER"]}


@task
def post_form() -> None:
    browser.configure(headless=True)
    enter_all(
        browser.page(), os.environ["BENCH_FORM"], os.environ["BENCH_WORKBOOK"], os.environ["BENCH_RESULT"]
    )
