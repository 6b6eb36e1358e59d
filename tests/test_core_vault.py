"""The vault: where its key may be, and what is said when it is not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from runner.core.errors import EnvironmentProblem, UsageError
from runner.core.vault import KEY_VARIABLE, Vault


class FileRing(KeyringBackend):
    """A keyring in a file: the library's own interface, without a desktop session."""

    priority = 1.0

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        found: str | None = self._read().get(f"{service}/{username}")
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.path.write_text(json.dumps({**self._read(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError

    def _read(self) -> dict[str, str]:
        read: dict[str, str] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return read


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    before = keyring.get_keyring()
    made = FileRing(tmp_path / "ring.json")
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_secrets_are_kept_encrypted_and_listed_by_name_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault.json", {})
    vault.set("portal/password", "correct horse")
    vault.set("mail", "battery staple")

    assert Vault(tmp_path / "vault.json", {}).get("portal/password") == "correct horse"
    assert vault.names() == ("mail", "portal/password")
    vault.remove("mail")
    assert vault.names() == ("portal/password",)
    assert b"correct" not in (tmp_path / "vault.json").read_bytes()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_short_secret_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"SECRET_SHORT.*at least 6 characters"):
        Vault(tmp_path / "vault.json", {}).set("pin", "1234")


def test_a_key_in_the_keyring_is_made_there_and_in_no_file(tmp_path: Path, ring: FileRing) -> None:
    chosen = {KEY_VARIABLE: "keyring:office"}
    Vault(tmp_path / "home" / "vault.json", chosen).set("portal", "correct horse")

    filled = [path.name for path in (tmp_path / "home").iterdir() if path.stat().st_size]
    assert filled == ["vault.json"]
    assert list(json.loads(ring.path.read_text())) == ["runner-vault/office"]
    assert Vault(tmp_path / "home" / "vault.json", chosen).get("portal") == "correct horse"


def test_a_vault_whose_key_is_not_in_the_keyring_is_not_given_a_new_one(
    tmp_path: Path, ring: FileRing
) -> None:
    Vault(tmp_path / "vault.json", {KEY_VARIABLE: "keyring:office"}).set("portal", "correct horse")

    with pytest.raises(EnvironmentProblem, match="VAULT_KEY: the vault's key 'home' is not in the keyring"):
        Vault(tmp_path / "vault.json", {KEY_VARIABLE: "keyring:home"}).names()
    assert "runner-vault/home" not in ring.path.read_text()


@pytest.mark.parametrize("does", ["get", "set"])
def test_a_locked_keyring_is_named_with_what_to_do(tmp_path: Path, ring: FileRing, does: str) -> None:
    vault = Vault(tmp_path / "vault.json", {KEY_VARIABLE: "keyring:office"})
    if does == "get":
        vault.set("portal", "correct horse")
    ring.locked = True

    with pytest.raises(EnvironmentProblem, match=r"VAULT_KEYRING.*unlock the keyring"):
        vault.set("portal", "battery staple") if does == "set" else vault.get("portal")


def test_a_variable_that_names_no_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"VAULT_KEYRING.*names no entry.*keyring:NAME"):
        Vault(tmp_path / "vault.json", {KEY_VARIABLE: "keyring:"}).set("portal", "correct horse")


def test_a_wrong_key_and_a_missing_one_are_told_apart(tmp_path: Path) -> None:
    Vault(tmp_path / "vault.json", {}).set("portal", "correct horse")

    with pytest.raises(EnvironmentProblem, match="not a Fernet key"):
        Vault(tmp_path / "vault.json", {KEY_VARIABLE: "short"}).names()
    with pytest.raises(EnvironmentProblem, match="can't be decrypted"):
        Vault(tmp_path / "vault.json", {KEY_VARIABLE: "A" * 43 + "="}).names()
    (tmp_path / "vault.key").unlink()
    with pytest.raises(EnvironmentProblem, match=r"vault\.key is missing"):
        Vault(tmp_path / "vault.json", {}).names()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps who may open a file in another way")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_may_open_is_refused_until_it_is_the_owners_alone(
    tmp_path: Path, mode: int
) -> None:
    vault = Vault(tmp_path / "vault.json", {})
    vault.set("portal/password", "correct horse")
    key = tmp_path / "vault.key"
    key.chmod(mode)
    for use in (vault.names, lambda: vault.set("mail", "battery staple")):
        with pytest.raises(EnvironmentProblem, match=rf"VAULT_KEY_OPEN.*mode {mode:04o}.*chmod 600"):
            use()
    assert Vault(tmp_path / "vault.json", {KEY_VARIABLE: key.read_text()}).names() == ("portal/password",)
    key.chmod(0o600)
    assert vault.get("portal/password") == "correct horse"


def test_several_who_set_secrets_at_once_lose_none_and_make_one_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"

    def keep(number: int) -> None:
        Vault(path, {}).set(f"secret-{number}", f"value-{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(40)))
    assert len(Vault(path, {}).names()) == 40
    assert Vault(path, {}).get("secret-39") == "value-39"
