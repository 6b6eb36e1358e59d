"""Nothing but `fill`, so many times, by plain Playwright: FORM COUNT."""

from __future__ import annotations

import os
import sys

from playwright.sync_api import sync_playwright


def main(form: str, count: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["RUNNER_BROWSER"])
        page = browser.new_context().new_page()
        page.goto(form)
        for number in range(count):
            page.get_by_label("Customer").fill(f"Customer {number}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
