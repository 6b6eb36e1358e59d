"""Sign-ins that browsers keep for the next run: one encrypted file an account, under the vault's key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runner.core.clock import from_iso, iso
from runner.core.errors import EnvironmentProblem, UsageError, did_you_mean
from runner.core.files import replace_file
from runner.core.ids import short_id
from runner.core.vault import Vault

SHORTEST_KEY: Final = 16  # characters from which on a value that a site stores is a key and no setting
_MOST_KEYS: Final = 500
_SUFFIX: Final = ".sealed"


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a browser kept of one sign-in (Playwright's storage state, JSON), and when it was kept."""

    account: str
    saved: datetime
    state: Mapping[str, Any]


class SignIns:
    """The kept sign-ins of a project. A file that can't be read any more (another key) is none: the bot signs in again."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    def get(self, account: str) -> SignIn | None:
        """The last sign-in of `account`, None where there is none."""
        path = self._path(account)
        return self._read(path) if path.exists() else None

    def keep(self, account: str, state: Mapping[str, Any], at: datetime) -> None:
        """Keep a sign-in in the place of the last one; a crash leaves the one or the other."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = json.dumps({"account": account, "saved": iso(at), "state": state}).encode()
        replace_file(self._path(account), self._vault.seal(plain))

    def forget(self, account: str) -> None:
        """Forget the sign-in. Raises UsageError when there is none."""
        path = self._path(account)
        if not path.exists():
            raise UsageError(
                f"no sign-in of '{account}' is kept",
                expected=did_you_mean(account, [one.account for one in self.all()])
                or "an account of the list",
                hint="see: runner secrets sign-ins",
                code="SIGN_IN",
            )
        path.unlink()

    def all(self) -> list[SignIn]:
        """All of them, by account."""
        found = (self._read(path) for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted((one for one in found if one is not None), key=lambda one: one.account)

    def _path(self, account: str) -> Path:
        return self._folder / f"{short_id('sign-in', account)}{_SUFFIX}"

    def _read(self, path: Path) -> SignIn | None:
        try:
            found = json.loads(self._vault.unseal(path.read_bytes()))
        except (EnvironmentProblem, OSError, ValueError):
            return None
        return SignIn(found["account"], from_iso(found["saved"]), found["state"])


def keys_in(state: object) -> list[str]:
    """The values in a storage state that let somebody in, for masking: long ones, also those inside stored JSON."""
    found = dict.fromkeys(_long_values(state, in_value=False))
    return list(found)[:_MOST_KEYS]


def _long_values(part: object, *, in_value: bool) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _long_values(value, in_value=in_value or name in {"value", "valueEncoded"})
    elif isinstance(part, list):
        for value in part:
            yield from _long_values(value, in_value=in_value)
    elif isinstance(part, str) and in_value and len(part) >= SHORTEST_KEY:
        try:
            inner = json.loads(part)
        except ValueError:
            inner = None
        if isinstance(inner, dict | list):
            yield from _long_values(inner, in_value=True)
        elif not any(sign.isspace() for sign in part):
            yield part
