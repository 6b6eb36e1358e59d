"""Secrets: asked of the worker by name, and from then on masked in every line and file of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import ConfigurationError, did_you_mean
from runner.core.vault import Secret
from runner.journal.redact import SHORTEST
from runner.kit.current import running
from runner.kit.secret_sites import check_site, keep_pages_to

if TYPE_CHECKING:
    from pyotp import TOTP  # needed by few bots

_REFERENCE: Final = re.compile(r"\$\{secret:([^{}\s]+)\}")


def secret(name: str, *, to: str = "") -> str:
    """The secret of this name, which the bot has declared by ``@bot(secrets=[…])``.

    It is masked in journal, evidence and console from now on. Keep it in a variable, never in an item or an output.
    Where the vault names the hosts that it is for, pages of this run that are elsewhere, or go elsewhere afterwards, are
    refused; `to` is the address that a bot will send it to by itself (a request that is no page), which is checked too.
    Raises ConfigurationError for a name that the bot did not declare (BOT_SECRET), a value too short to be masked, and
    another host (SECRET_HOST), and RunFailed when the vault does not have it.
    """
    found = asked(name)
    if to:
        check_site(name, found.hosts, to)
    if found.hosts is not None:
        keep_pages_to(running("secret"), name, found.hosts)
    return found.value


def asked(name: str) -> Secret:
    """The secret with its hosts, for who checks by itself where it goes. Errors as of `secret`, without SECRET_HOST."""
    live = running(f"secret({name!r})")
    if name not in live.secrets:
        raise _undeclared(name, live.order.bot, live.secrets)
    answer = live.channel.ask("secret", name=name)
    value, hosts = str(answer["value"]), answer.get("hosts")
    try:
        live.journal.redactor.register(value)
    except ValueError as error:
        raise ConfigurationError(
            f"secret '{name}' can't be used: {error}", hint="choose a longer one", code="BOT_SECRET"
        ) from error
    return Secret(value, None if hosts is None else tuple(hosts))


def totp(name: str) -> str:
    """The one-time code of this moment (RFC 6238), for a sign-in; the secret `name` holds its key.

    The secret is the key that a site shows beside its QR code (base32; blanks do no harm) or the whole ``otpauth://``
    address. The code itself is not masked: six digits are as likely an order number, and it is worthless once used.
    A site takes each code once: in two lanes that sign in within 30 s the second one must wait for the next code.
    Raises ConfigurationError (BOT_SECRET) for a secret that is no such key, and as `secret` does.
    """
    value = secret(name)
    clock = _clock(value)
    if clock is None:
        raise ConfigurationError(
            f"secret '{name}' is no key for one-time codes",
            expected="a base32 key, or an otpauth://totp/… address",
            hint="store the key that the site shows beside its QR code",
            code="BOT_SECRET",
        )
    running("totp").journal.redactor.register(clock.secret)
    return clock.now()


def refers_to_secret(value: object) -> bool:
    """Whether a parameter holds ``${secret:NAME}``, in whatever depth."""
    return any(True for _ in _names(value))


def check_references(parameters: Mapping[str, Any], bot: str, declared: Sequence[str]) -> None:
    """Raise ConfigurationError (BOT_SECRET) where a parameter refers to a secret that the bot does not declare."""
    for name in _names(parameters):
        if name not in declared:
            raise _undeclared(name, bot, declared)


def with_secrets(value: Any) -> Any:
    """`value` (JSON) with each ``${secret:NAME}`` replaced by the secret, which is masked from then on."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: secret(found[1]), value)
    if isinstance(value, list):
        return [with_secrets(part) for part in value]
    if isinstance(value, dict):
        return {name: with_secrets(part) for name, part in value.items()}
    return value


def _clock(value: str) -> TOTP | None:
    import pyotp

    try:
        made = (
            pyotp.parse_uri(value)
            if value.startswith("otpauth:")
            else pyotp.TOTP(re.sub(r"[\s-]", "", value))
        )
        made.byte_secret()  # a key that is no base32 is noticed here
    except ValueError:  # it would show the key: not passed on
        return None
    return made if isinstance(made, pyotp.TOTP) and len(made.secret) >= SHORTEST else None


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _names(part)


def _undeclared(name: str, bot: str, declared: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(
        f"secret '{name}' is not declared by bot {bot}",
        expected=f"a declared one: {', '.join(declared) or 'no secret'}",
        hint=did_you_mean(name, declared) or f'write @bot(secrets=["{name}"])',
        code="BOT_SECRET",
    )
