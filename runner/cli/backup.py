"""`runner backup` and `runner restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.printing import say, warn
from runner.cli.project import open_project, open_settings


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, as in backup-2026-11-24.tar.gz.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the vault's key in too; the file then opens every secret.")
    ] = False,
) -> int:
    """Copy store, journals, evidence and vault into one file, while runs go on."""
    from runner.engine.backup import make_backup

    project = open_project()
    report = make_backup(project.settings, file, with_key=with_key)
    say(f"{file}: {report.files} files, {report.size / 1e6:.1f} MB before packing")
    key = project.settings.vault.with_suffix(".key")
    if key.exists() and not with_key:
        warn(f"the vault's key is not in it: keep a copy of {key} in another place")
    return 0


def restore(file: Annotated[Path, typer.Argument(help="A file made by: runner backup.")]) -> int:
    """Put a backup into an empty data folder, and into an empty database where one is set."""
    from runner.engine.backup import restore_backup

    project = open_settings()
    settings = project.settings

    def make_tables() -> None:
        from runner.cli.desk import place_of
        from runner.desk.serve import open_desk

        open_desk(place_of(project))  # with the tables of people and their sessions

    report = restore_backup(settings, file, make_tables=make_tables)
    say(
        f"{settings.store if settings.database_url else settings.home}: {report.files} files, {report.size / 1e6:.1f} MB"
    )
    if settings.vault.exists() and not report.with_key:
        warn(
            f"put the vault's key back as {settings.vault.with_suffix('.key')} before bots need their secrets"
        )
    return 0
