"""The vault: secrets in one encrypted file; its key beside it (mode 0600), in RUNNER_VAULT_KEY, or in the system's keyring."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from runner.core.errors import EnvironmentProblem, UsageError, did_you_mean
from runner.core.files import alone, replace_file

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_VARIABLE: Final = "RUNNER_VAULT_KEY"
IN_KEYRING: Final = "keyring:"  # RUNNER_VAULT_KEY=keyring:NAME names an entry of the system's keyring
_SERVICE: Final = "runner-vault"
SHORTEST: Final = 6


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and the sites (`runner.core.hosts`) that it may be sent to; None: nobody has said which."""

    value: str = field(repr=False)
    hosts: tuple[str, ...] | None = None


class Vault:
    """Named secrets (``portal/password``), encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256).

    Every change writes a new file and replaces the old one, so a crash leaves the old or the new vault. RUNNER_VAULT_KEY
    is the key itself, or ``keyring:NAME``: it is kept in the system's keyring then (service ``runner-vault``), and no
    file holds it. Without the variable the key is in a file beside the vault, which nobody but its owner may open.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._key_file = path.with_suffix(".key")
        self._key = environment.get(KEY_VARIABLE, "")

    def names(self) -> tuple[str, ...]:
        """The names of all secrets, sorted; never their values."""
        return tuple(sorted(self._read()))

    def hosts(self) -> dict[str, tuple[str, ...] | None]:
        """The sites that each secret may be sent to, by its name."""
        return {name: one.hosts for name, one in sorted(self._read().items())}

    def get(self, name: str) -> str:
        """The value of the secret `name`. Raises EnvironmentProblem (SECRET_MISSING) when it is not there."""
        return self.look_up(name).value

    def look_up(self, name: str) -> Secret:
        """The secret `name` with its sites. Raises EnvironmentProblem (SECRET_MISSING) when it is not there."""
        secrets = self._read()
        if name not in secrets:
            raise EnvironmentProblem(
                f"there is no secret '{name}'",
                expected=did_you_mean(name, secrets) or "a secret of this name in the vault",
                hint=f"set it with: runner secrets set {name}",
                code="SECRET_MISSING",
            )
        return secrets[name]

    def set(self, name: str, value: str, hosts: tuple[str, ...] | None = None) -> None:
        """Keep `value` under `name`, for `hosts`; None: for those that it had.

        Raises UsageError for a value too short to be masked in logs.
        """
        if len(value) < SHORTEST:
            raise UsageError(
                f"a secret of {len(value)} characters is refused",
                expected=f"at least {SHORTEST} characters: a shorter one can't be masked without blanking ordinary words",
                hint="choose a longer secret",
                where=name,
                code="SECRET_SHORT",
            )
        with self._alone():
            known = self._read()
            before = known[name].hosts if name in known else None
            self._write({**known, name: Secret(value, before if hosts is None else hosts)})

    def set_hosts(self, name: str, hosts: tuple[str, ...] | None) -> None:
        """Say which sites `name` may be sent to; None: nobody has said. Raises EnvironmentProblem when it is not there."""
        with self._alone():
            self._write({**self._read(), name: Secret(self.get(name), hosts)})

    def remove(self, name: str) -> None:
        """Forget `name`. Raises EnvironmentProblem when it is not there."""
        self.get(name)
        with self._alone():
            self._write({key: value for key, value in self._read().items() if key != name})

    def seal(self, data: bytes) -> bytes:
        """`data` encrypted with the vault's key, for what is kept beside it."""
        return self._cipher().encrypt(data)

    def unseal(self, data: bytes) -> bytes:
        """What `seal` was given. Raises EnvironmentProblem (VAULT_KEY) when the key is another one."""
        from cryptography.fernet import InvalidToken

        try:
            return self._cipher().decrypt(data)
        except InvalidToken as error:
            raise EnvironmentProblem(
                "it can't be decrypted with the vault's key", code="VAULT_KEY"
            ) from error

    @property
    def where_the_key_is(self) -> str:
        """Where its key is kept: the keyring, the environment, or the file beside it."""
        if self._key.startswith(IN_KEYRING):
            return f"the keyring ({self._key.removeprefix(IN_KEYRING)})"
        return KEY_VARIABLE if self._key else self._key_file.name

    def _alone(self) -> AbstractContextManager[None]:
        """Two that change it at once would each write what the other does not know, and at first each a key of its own."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return alone(self._path.with_name(f"{self._path.name}.lock"))

    def _read(self) -> dict[str, Secret]:
        from cryptography.fernet import InvalidToken

        if not self._path.exists():
            return {}
        try:
            kept = json.loads(self._cipher().decrypt(self._path.read_bytes()))
        except InvalidToken as error:
            raise EnvironmentProblem(
                "the vault can't be decrypted with this key",
                expected=f"the key it was made with, in {self._key_file.name} or {KEY_VARIABLE}",
                hint="restore the key from your backup",
                where=str(self._path),
                code="VAULT_KEY",
            ) from error
        return {
            name: Secret(one["value"], None if one["hosts"] is None else tuple(one["hosts"]))
            for name, one in kept.items()
        }

    def _write(self, secrets: Mapping[str, Secret]) -> None:
        kept = {name: {"value": one.value, "hosts": one.hosts} for name, one in secrets.items()}
        token = self._cipher().encrypt(json.dumps(kept).encode())
        replace_file(self._path, token)

    def _cipher(self) -> Fernet:
        from cryptography.fernet import Fernet

        name = self._key.removeprefix(IN_KEYRING) if self._key.startswith(IN_KEYRING) else None
        key = _from_keyring(name) if name is not None else self._key or self._from_file()
        if key is None:
            if self._path.exists():
                missing = f"'{name}' is not in the keyring" if name else f"{self._key_file.name} is missing"
                raise EnvironmentProblem(
                    f"the vault's key {missing}",
                    hint=f"restore it from your backup, or give it in {KEY_VARIABLE}",
                    where=str(self._path),
                    code="VAULT_KEY",
                )
            key = Fernet.generate_key().decode()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if name is None:
                replace_file(self._key_file, key.encode())
            else:
                _to_keyring(name, key)
        try:
            return Fernet(key)
        except ValueError as error:
            raise EnvironmentProblem(
                "the vault's key is not a Fernet key (32 bytes, URL-safe base64)",
                where=KEY_VARIABLE,
                code="VAULT_KEY",
            ) from error

    def _from_file(self) -> str | None:
        if not self._key_file.exists():
            return None
        mode = self._key_file.stat().st_mode
        if os.name == "posix" and mode & 0o077:
            raise EnvironmentProblem(
                f"others on this machine may open the vault's key (mode {mode & 0o777:04o})",
                expected="mode 0600: who has the key can read every secret",
                hint=f"chmod 600 {self._key_file}, and change the secrets if somebody may have read it",
                where=str(self._key_file),
                code="VAULT_KEY_OPEN",
            )
        return self._key_file.read_text().strip()


def _from_keyring(name: str) -> str | None:
    ring = _keyring(name)
    try:
        key: str | None = ring.get_password(_SERVICE, name)
    except Exception as error:
        raise _no_keyring(f"the keyring can't be read: {error}") from error
    return key


def _to_keyring(name: str, key: str) -> None:
    try:
        _keyring(name).set_password(_SERVICE, name, key)
    except Exception as error:
        raise _no_keyring(f"the keyring can't be written: {type(error).__name__}") from error


def _keyring(name: str) -> ModuleType:
    if not name:
        raise _no_keyring(f"{KEY_VARIABLE} names no entry of the keyring")
    try:
        import keyring
    except ImportError as error:
        raise _no_keyring("the package 'keyring' is not installed") from error
    return keyring


def _no_keyring(what: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        what,
        expected=f"{KEY_VARIABLE}={IN_KEYRING}NAME, with a keyring that this user may open",
        hint="install 'rpa-runner[keyring]' and unlock the keyring, or leave the variable out",
        where=KEY_VARIABLE,
        code="VAULT_KEYRING",
    )
