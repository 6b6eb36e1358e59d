"""The pictures of the desk in docs/pictures/: `make pictures` runs the demo and takes them, in both languages and themes.

Chinese needs a font with Chinese letters on the machine (Debian: fonts-noto-cjk).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs.palette import small

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "docs" / "pictures"
LARGEST: Final = 120_000  # bytes of one picture
LANGUAGES: Final = {"en": "en", "zh": "zh-hans"}
THEMES: Final = ("light", "dark")
SIZE: Final = {"width": 1180, "height": 760}


def main() -> None:
    """Run the demo in a folder of its own, open its desk, and take every picture."""
    with tempfile.TemporaryDirectory(prefix="runner-pictures-") as folder:
        environment = {**os.environ, "RUNNER_HOME": folder, "RUNNER_DESK_PORT": "0"}
        subprocess.run(
            [sys.executable, "-m", "runner.cli.main", "demo"],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        environment.pop("RUNNER_HOME")
        print("the demo has run", flush=True)
        with _desk(Path(folder) / "demo", environment) as url:
            _take(url)


def pages() -> dict[str, str]:
    """The pages that are shown: name of the picture, and address."""
    from runner.store.models import Case, Run

    case = Case.objects.filter(waits=True).order_by("key").first()
    run = Run.objects.filter(bot="post_orders").order_by("queued").first()
    assert case is not None
    assert run is not None
    return {
        "queue": "/",
        "case": f"/cases/{case.pk}/",
        "problem": f"/problems/{case.problem_id}/",
        "run": f"/runs/{run.pk}/",
        "calendar": "/schedules/calendar",
        "search": "/search/?q=desk",
    }


@contextmanager
def _desk(project: Path, environment: dict[str, str]) -> Iterator[str]:
    """The desk of a project, served on a free port; gives its address."""
    from runner.cli.desk import place_of
    from runner.cli.project import Project
    from runner.core.settings import load_settings
    from runner.desk.serve import DeskServer, open_desk

    settings = load_settings(project, environment)
    open_desk(place_of(Project(settings, environment, "pictures")))
    server = DeskServer(settings)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(10)


def _take(url: str) -> None:
    from playwright.sync_api import sync_playwright

    from runner.kit.web import find_browser

    TARGET.mkdir(exist_ok=True)
    addresses = pages()
    keys = {
        (short, theme): _signed_in(language, theme)
        for short, language in LANGUAGES.items()
        for theme in THEMES
    }
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find_browser(), args=arguments)
        for (short, theme), key in keys.items():
            for name, address in addresses.items():
                target = TARGET / f"{name}-{short}-{theme}.png"
                target.write_bytes(_picture(browser, url, address, key, theme))
                print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1000:.0f} kB", flush=True)
        browser.close()


def _picture(browser: Browser, url: str, address: str, key: str, theme: str) -> bytes:
    from django.conf import settings

    context = browser.new_context(viewport=SIZE, color_scheme="dark" if theme == "dark" else "light")  # type: ignore[arg-type]
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}])
    page = context.new_page()
    page.goto(f"{url}{address}", wait_until="load")
    taken = small(page.screenshot(animations="disabled"))
    context.close()
    if len(taken) > LARGEST:
        raise ValueError(f"the picture of {address} has {len(taken):,} bytes, at most {LARGEST:,} are wanted")
    return taken


def _signed_in(language: str, theme: str) -> str:
    """The key of a session of somebody who reads this language in this theme."""
    from django.contrib.sessions.backends.db import SessionStore

    from runner.core.clock import now
    from runner.desk.people.models import Person, SignIn

    person = Person(
        username=f"mei-{language}-{theme}",
        name="Mei Lin",
        role="supervisor",
        created=now(),
        language=language,
        theme=theme,
    )
    person.set_unusable_password()
    person.save()
    session = SessionStore()
    session["_auth_user_id"] = str(person.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = person.get_session_auth_hash()
    session.create()
    key = str(session.session_key)
    SignIn.objects.create(session=key, person=person, started=now(), seen=now(), confirmed=now())
    return key


if __name__ == "__main__":
    main()
