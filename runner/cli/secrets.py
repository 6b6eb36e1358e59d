"""`runner secrets`: what bots may ask for and nobody may see. Values come by prompt or standard input, never as an argument."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Json
from runner.cli.printing import Col, print_json, print_table, say
from runner.cli.project import Project, open_settings
from runner.core.clock import iso
from runner.core.errors import UsageError
from runner.core.settings import prepare_home
from runner.core.sign_ins import SignIns
from runner.core.vault import Vault

app = group("Passwords and keys for bots, encrypted on this machine.")
Name = Annotated[str, typer.Argument(help="The name that bots ask for, such as portal/password.")]


@app.command("set")
def set_secret(name: Name) -> None:
    """Keep a secret. Its value is asked for, or it is all of standard input, without the line feed at its end."""
    project = open_settings()
    prepare_home(project.settings)
    value = _from_terminal(name) if sys.stdin.isatty() else _from_input()
    if not value:
        raise UsageError(
            f"no value for '{name}'",
            expected="the value on standard input",
            hint=f"call it on a terminal: runner secrets set {name}",
            where="standard input",
        )
    _vault(project).set(name, value)
    say(f"{name}: kept")


@app.command("list")
def list_secrets(as_json: Json = False) -> None:
    """List the names of the secrets; never their values."""
    names = _vault(open_settings()).names()
    if as_json:
        print_json([{"name": name} for name in names])
    else:
        print("\n".join(names) or "No secret yet. Set one with: runner secrets set NAME")


@app.command("remove")
def remove_secret(name: Name) -> None:
    """Forget a secret."""
    _vault(open_settings()).remove(name)
    say(f"{name}: removed")


@app.command("sign-ins")
def sign_ins(
    forget: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Forget this one: the next run signs in anew.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List the sign-ins that browsers keep for the next run, or forget one."""
    project = open_settings()
    kept = SignIns(project.settings.sign_ins, _vault(project))
    if forget:
        kept.forget(forget)
        say(f"{forget}: forgotten")
        return
    found = [(one.account, iso(one.saved)) for one in kept.all()]
    if as_json:
        print_json([{"account": account, "saved": saved} for account, saved in found])
    else:
        print_table([Col("ACCOUNT", fixed=True), Col("KEPT SINCE")], found, "No sign-in is kept.")


def _from_input() -> str:
    """All of it: a private key has many lines, and one that was cut short would only be noticed by the bot."""
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _from_terminal(name: str) -> str:
    value = getpass.getpass(f"Value of {name}: ")
    if getpass.getpass("Once more: ") != value:
        raise UsageError("the two values differ", expected="the same value twice", hint="call it again")
    return value


def _vault(project: Project) -> Vault:
    return Vault(project.settings.vault, project.environment)
