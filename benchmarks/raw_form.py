"""The job by plain Playwright and openpyxl, as a script of its own: WORKBOOK FORM RESULT."""

from __future__ import annotations

import os
import sys

from playwright.sync_api import sync_playwright

from benchmarks.form_script import enter_all


def main(workbook: str, form: str, result: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["RUNNER_BROWSER"])
        enter_all(browser.new_context().new_page(), form, workbook, result)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
