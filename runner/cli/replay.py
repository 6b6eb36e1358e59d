"""`runner replay`: does the steps of a recording once, here and now."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from runner.cli.options import Json
from runner.cli.printing import print_json, say
from runner.cli.project import open_settings
from runner.cli.run import parameters_of
from runner.cli.tongue import in_chinese
from runner.core.errors import ApplicationError, BusinessError, RunnerError, UsageError, did_you_mean
from runner.recordings.failing import step_failure, told_failure
from runner.recordings.model import Recording
from runner.recordings.wording import all_words

SLOW_MS: Final = 700


def replay(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The recording's name.")],
    *,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A value for a placeholder; may be repeated."),
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="With a pause behind each step.")] = False,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    address: Annotated[
        str, typer.Option("--address", metavar="URL", help="Another scheme and host, as for a test system.")
    ] = "",
    within: Annotated[
        float, typer.Option("--within", metavar="SECONDS", min=1, help="The longest wait of a step.")
    ] = 30,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Keep a picture of each step beside the recording.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Do the steps of a recording once, with what was typed while recording or with other values.

    It really does them: what the recording enters is entered again. Nothing is journalled; `runner run` is for that. With
    --pictures a recording that another recorder made gets pictures of its steps.
    """
    from runner.core.vault import Vault
    from runner.kit.camera import Camera
    from runner.kit.replay import Player, Script
    from runner.kit.replay_window import window
    from runner.kit.secret_sites import only_hosts
    from runner.recordings.binding import read_binding
    from runner.recordings.library import place_of
    from runner.recordings.placeholders import names_in, secrets_in

    project = open_settings()
    settings = project.settings
    place = place_of(settings.project, name)
    recording = place.read()
    binding = read_binding(place) if place.binding.is_file() else None
    samples = dict(binding.values) if binding else {}
    book = (
        binding.for_each if binding else None
    )  # the files that were chosen while recording lie beside the recording
    beside = (place.folder, *([(settings.project / book).parent] if book else []))
    given = _known(parameters_of(values or (), flag="--set"), names_in(recording))
    vault = Vault(settings.vault, project.environment)

    steps = all_words(recording, "zh" if in_chinese() else "en")

    def told(number: int, _words: str) -> None:
        if not as_json:
            print(f"{number:>3}  {steps[number - 1]}", flush=True)

    script = Script(
        recording, place.shown, settings.project, place.folder, beside=beside, address=address, secret=vault.look_up,
        within_ms=within * 1000, slow_ms=SLOW_MS if slow else 0, on_step=told,
    )  # fmt: skip
    hosts = only_hosts([recording], map(vault.look_up, secrets_in(recording)))
    with window(headed=headed, browser=settings.browser, hosts=hosts) as context:
        player = Player(context.new_page(), script)
        player.begin({**samples, **given})
        if pictures:
            player.camera = Camera(recording, player.hides_secrets_in)
        try:
            player.play()
        except (ApplicationError, BusinessError) as error:
            raise _in_the_language(error, recording) from error
        if player.camera is not None:
            player.camera.write(place)
    if as_json:
        print_json({"name": place.name, "steps": len(recording.steps), "outputs": player.outputs})
        return
    for output, value in player.outputs.items():
        print(f"{output}: {value}")
    say(f"\n{len(recording.steps)} steps done.")


def _in_the_language(error: RunnerError, recording: Recording) -> RunnerError:
    """The error of a step, in Chinese where the terminal speaks it."""
    line = f"{error.where}: {error.what}"
    failure = step_failure(f"{line} - {error.expected}" if error.expected else line)
    if failure is None or not in_chinese():
        return error
    words = told_failure(failure, error.stable_code, recording, "zh")
    return type(error)(words, where=error.where, code=error.stable_code)


def _known(given: dict[str, str], names: list[str]) -> dict[str, str]:
    for name in given:
        if name not in names:
            raise UsageError(
                f"the recording has no placeholder '{name}'",
                expected=f"one of {', '.join(names) or 'none'}",
                hint=did_you_mean(name, names) or "see: runner recordings show NAME",
                where="--set",
                code="REC_PLACEHOLDER",
            )
    return given
