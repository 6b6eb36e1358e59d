"""Where a recording types its secrets: the sites of the pages on which it did so when it was made."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from runner.core.errors import ErrorReport
from runner.core.hosts import site_of
from runner.recordings import library
from runner.recordings.binding import read_binding
from runner.recordings.model import Navigate, Recording
from runner.recordings.placeholders import secrets_in, secrets_of_step


def secret_sites(recording: Recording, address: str = "") -> dict[str, list[str]]:
    """The sites on which each secret is typed, by its name, as `runner.core.hosts` writes them.

    `address` takes the place of the recording's first scheme and host, as in a binding. What is typed in a frame of
    another site counts for the page around it; the run then says which site is missing.
    """
    found: dict[str, list[str]] = {}
    here = ""
    for step in recording.steps:
        if isinstance(step, Navigate):
            here = step.url
        elif step.target is not None and step.target.startswith("http"):
            here = step.target
        for name in secrets_of_step(step):
            site = site_of(_moved(here, recording.first_address, address))
            if site and site not in found.setdefault(name, []):
                found[name].append(site)
        if step.leads_to is not None and step.leads_to.url:
            here = step.leads_to.url
    return found


def typed_in(project: Path, name: str) -> list[str]:
    """The sites on which the recordings of a project type the secret `name`; those that can't be read are passed over."""
    found: list[str] = []
    for place, recording in library.all_of(project):
        if isinstance(recording, ErrorReport) or name not in secrets_in(recording):
            continue
        found += secret_sites(recording, address_of(place)).get(name, [])
    return list(dict.fromkeys(found))


def address_of(place: library.Place) -> str:
    """The address that the binding of a recording puts in the place of its own; empty where it has none."""
    try:
        return read_binding(place).address or "" if place.binding.is_file() else ""
    except ErrorReport:
        return ""


def _moved(url: str, first: str, address: str) -> str:
    old, parts = urlsplit(first), urlsplit(url)
    return address if address and (parts.scheme, parts.netloc) == (old.scheme, old.netloc) else url
