"""`runner secrets`: what bots may ask for and nobody may see. Values come by prompt or standard input, never as an argument."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Final

import typer

from runner.cli.groups import group
from runner.cli.options import Json
from runner.cli.printing import Col, print_json, print_table, say
from runner.cli.project import Project, open_settings
from runner.core.clock import iso
from runner.core.errors import UsageError
from runner.core.hosts import sites_of
from runner.core.settings import prepare_home
from runner.core.sign_ins import SignIns
from runner.core.vault import Vault
from runner.recordings.secret_places import typed_in

app = group("Passwords and keys for bots, encrypted on this machine.")
Name = Annotated[str, typer.Argument(help="The name that bots ask for, such as portal/password.")]
_SITES: Final = (
    "portal.example, *.portal.example, http://portal.intern:8080 where it is not encrypted, or * for any."
)


@app.command("set")
def set_secret(
    name: Name,
    hosts: Annotated[
        str, typer.Option("--hosts", metavar="SITES", help=f"The only sites that it is for: {_SITES}")
    ] = "",
) -> None:
    """Keep a secret. Its value is asked for, or it is all of standard input, without the line feed at its end.

    With --hosts recordings type it on those sites only, and pages of bots that have asked for it go nowhere else. A
    secret that has hosts keeps them when its value is replaced.
    """
    project = open_settings()
    sites = sites_of([hosts]) if hosts else None
    prepare_home(project.settings)
    value = _from_terminal(name) if sys.stdin.isatty() else _from_input()
    if not value:
        raise UsageError(
            f"no value for '{name}'",
            expected="the value on standard input",
            hint=f"call it on a terminal: runner secrets set {name}",
            where="standard input",
        )
    vault = _vault(project)
    vault.set(name, value, sites)
    kept = vault.hosts()[name]
    say(f"{name}: kept{f', for {_shown(kept)}' if kept is not None else ''}")
    if kept is None:
        typed = sites_of(typed_in(project.settings.project, name))
        say(
            f"Recordings may not type it before its hosts are said: runner secrets hosts {name} {' '.join(typed) or 'SITE'}"
        )


@app.command("hosts")
def hosts_of_secret(
    name: Name,
    sites: Annotated[
        list[str] | None, typer.Argument(metavar="SITE", help=f"The only sites that it is for: {_SITES}")
    ] = None,
    *,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="SITE", help="One more, beside those it has.")
    ] = None,
    unsaid: Annotated[
        bool, typer.Option("--unsaid", help="Forget them: recordings don't type it, bots are not watched.")
    ] = False,
) -> None:
    """Show or say which sites a secret is for."""
    vault = _vault(open_settings())
    before = vault.look_up(name).hosts
    if bool(sites) + bool(add) + unsaid > 1:
        raise UsageError("SITE, --add and --unsaid are given together", expected="one of them", where="--add")
    if sites or add or unsaid:
        wanted = None if unsaid else sites_of(sites or [*(before or ()), *(add or ())], where="SITE")
        vault.set_hosts(name, wanted)
        before = wanted
    say(f"{name}: {_shown(before)}")


@app.command("list")
def list_secrets(as_json: Json = False) -> None:
    """List the names of the secrets with the sites that they are for; never their values."""
    found = _vault(open_settings()).hosts()
    if as_json:
        print_json([{"name": name, "hosts": hosts} for name, hosts in found.items()])
        return
    rows = [(name, _shown(hosts)) for name, hosts in found.items()]
    print_table(
        [Col("NAME", fixed=True), Col("FOR")], rows, "No secret yet. Set one with: runner secrets set NAME"
    )


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


def _shown(hosts: tuple[str, ...] | None) -> str:
    return "any host; recordings may not type it" if hosts is None else ", ".join(hosts) or "no host"


def _from_terminal(name: str) -> str:
    value = getpass.getpass(f"Value of {name}: ")
    if getpass.getpass("Once more: ") != value:
        raise UsageError("the two values differ", expected="the same value twice", hint="call it again")
    return value


def _vault(project: Project) -> Vault:
    return Vault(project.settings.vault, project.environment)
