"""Secrets in parameters, and one-time codes: in place when the bot is called, and in no file."""

from __future__ import annotations

import json
from pathlib import Path

import pyotp
import pytest

from tests.kit_worker import Finished, Project

HEAD = """
    from pydantic import SecretStr
    from runner import bot, log, run, secret, totp
"""
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def files_with(folder: Path, word: str) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file() and word.encode() in p.read_bytes()]


def asked_for(finished: Finished) -> list[str]:
    return [request["name"] for request in finished.asked if request["op"] == "secret"]


def test_a_reference_in_a_parameter_is_the_secret_for_the_bot_and_for_nobody_else(tmp_path: Path) -> None:
    body = """
    @bot(secrets=["portal/password", "db"])
    def work(password: SecretStr, urls: list[str], plain: str = "x") -> None:
        assert password.get_secret_value() == "correct horse"
        assert urls == ["db://me:battery-staple@host", "none"], urls
        assert run.parameters["password"] == "${secret:portal/password}"
        log.info("with {} {}", urls, password.get_secret_value())
        print(urls)
    """
    finished = Project(tmp_path, HEAD + body).run(
        "work",
        parameters={
            "password": "${secret:portal/password}",
            "urls": ["db://me:${secret:db}@host", "none"],
        },
        secrets={"portal/password": "correct horse", "db": "battery-staple"},
    )

    assert finished.lines[-1].error is None
    assert sorted(asked_for(finished)) == ["db", "portal/password"]
    assert files_with(tmp_path / "run", "correct horse") == files_with(tmp_path / "run", "staple") == []
    assert "***" in finished.console
    assert "horse" not in finished.console


def test_what_the_worker_is_told_of_the_parameters_is_the_reference(tmp_path: Path) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(password: SecretStr, times: int = 3) -> None:
        pass
    """
    project = Project(tmp_path, HEAD + body)
    said = project.ask("load", bot="work", parameters={"password": "${secret:portal}", "times": "4"})

    assert said["parameters"] == {"password": "${secret:portal}", "times": 4}


def test_a_reference_to_a_secret_that_the_bot_does_not_declare_is_refused_before_the_run(
    tmp_path: Path,
) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(password: str) -> None:
        pass
    """
    said = Project(tmp_path, HEAD + body).ask("load", bot="work", parameters={"password": "${secret:portel}"})

    assert said["op"] == "refused"
    (error,) = said["errors"]
    assert error["code"] == "BOT_SECRET"
    assert error["hint"] == "did you mean 'portal'?"


def test_a_secret_that_does_not_fit_its_parameter_fails_the_run_without_showing_it(tmp_path: Path) -> None:
    body = """
    from typing import Annotated
    from pydantic import Field

    @bot(secrets=["portal"])
    def work(password: Annotated[str, Field(max_length=20)]) -> None:
        pass
    """
    value = 'quoted "and\\long \n' * 4
    finished = Project(tmp_path, HEAD + body).run(
        "work", parameters={"password": "${secret:portal}"}, secrets={"portal": value}
    )

    error = finished.lines[-1].error
    assert error is not None
    assert (error["code"], finished.code) == ("BOT_SECRET", 1)
    assert "--param password" in error["message"]
    assert "quoted" not in json.dumps(error)


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        " ".join(KEY[n : n + 4].lower() for n in range(0, 32, 4)),
        pyotp.TOTP(KEY).provisioning_uri(name="me", issuer_name="portal"),
    ],
)
def test_a_one_time_code_is_the_one_that_the_site_expects(tmp_path: Path, value: str) -> None:
    body = """
    @bot(secrets=["portal/totp"])
    def work() -> None:
        print("code", totp("portal/totp"))
    """
    finished = Project(tmp_path, HEAD + body).run("work", secrets={"portal/totp": value})

    assert finished.lines[-1].error is None
    code = finished.console.split()[-1]
    assert pyotp.TOTP(KEY).verify(code, valid_window=2)
    assert files_with(tmp_path / "run", KEY) == []


@pytest.mark.parametrize("value", ["not-a-key!", "otpauth://hotp/me?secret=" + KEY + "&counter=1"])
def test_a_secret_that_is_no_key_gives_no_code(tmp_path: Path, value: str) -> None:
    body = """
    @bot(secrets=["portal/totp"])
    def work() -> None:
        totp("portal/totp")
    """
    finished = Project(tmp_path, HEAD + body).run("work", secrets={"portal/totp": value})

    error = finished.lines[-1].error
    assert error is not None
    assert error["code"] == "BOT_SECRET"
    assert value not in finished.journal.read_text("utf-8")
