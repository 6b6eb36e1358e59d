"""`runner record`: opens a browser and records what is done in it."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.printing import say, warn
from runner.cli.project import open_settings
from runner.cli.tongue import in_chinese
from runner.core.errors import EnvironmentProblem, UsageError


def record(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to begin: http://… or https://…")],
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The recording's name.")],
    title: Annotated[str, typer.Option("--title", metavar="WORDS", help="What is done, in words.")] = "",
    secret: Annotated[
        str,
        typer.Option("--secret", metavar="NAME", help="Under which name a typed password will be asked for."),
    ] = "",
    har: Annotated[
        bool, typer.Option("--har", help="Keep the network traffic too, for tests without the site.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a recording of that name.")] = False,
) -> None:
    """Record what you do in a browser, until you click Done, close it, or press Ctrl-C.

    Passwords are never written down: in their place stands ${secret:NAME}. In the panel, "Read a value" marks a text that
    the bot is to bring back, such as a confirmation number.
    """
    from runner.cli.bind import set_command
    from runner.core.clock import now
    from runner.kit.record import Recorder
    from runner.kit.replay_window import has_screen, mask_har, traffic_or_none, window
    from runner.recordings.former import keep_former
    from runner.recordings.library import new_place
    from runner.recordings.reading import check_address
    from runner.recordings.secret_places import secret_sites
    from runner.recordings.wording import Language, all_words

    opened = open_settings()
    settings = opened.settings
    place = new_place(settings.project, name, overwrite=force)
    if why := check_address(url):
        raise UsageError(
            f"the address '{url}' {why}", expected="http and https only", where="URL", code="REC_URL"
        )
    if not has_screen():
        raise EnvironmentProblem(
            "there is no screen to show a browser on",
            expected="a desktop",
            hint="record on a machine with a screen, or import a recording: runner recordings import FILE",
            code="BROWSER_START",
        )
    traffic = place.folder / "network.har" if har else None
    tongue: Language = "zh" if in_chinese() else "en"
    say(
        "A browser opens. Do one piece of work in it, from the sign-in to the end; then click Done, or close it."
    )
    with (
        traffic_or_none(traffic),
        window(headed=True, browser=settings.browser, har=traffic, fits=True) as context,
    ):
        recorder = Recorder(
            context, title or name.replace("-", " "), secret=secret or f"{name}/password", panel=tongue
        )
        recorder.open(url)
        recorder.wait()
        recorded = recorder.finish()
    if traffic is not None and traffic.exists():
        mask_har(traffic, recorder.redactor)
    elif traffic is not None:
        warn("the network traffic is not there: Ctrl-C ended the browser - click Done in the panel instead")
    keep_former(settings.home, place, "import", by=opened.who, at=now())
    recorded.write(place)
    for number, words in enumerate(all_words(recorded.recording, tongue), start=1):
        say(f"{number:>3}  {words}")
    say(f"\n{place.shown} has {len(recorded.recording.steps)} steps. Go on with:")
    for file in dict.fromkeys(recorder.not_kept):
        warn(
            f"the file '{file}' is too large to be kept: put it into recordings/{name}/, or bind its step to a column"
        )
    typed = secret_sites(recorded.recording)
    for secret_name in recorder.secrets:
        say(f"  {set_command(secret_name, typed.get(secret_name, []))}")
    say(f"  runner replay {name} --headed --slow\n  runner recordings bind {name} WORKBOOK")
