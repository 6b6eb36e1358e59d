"""Secrets: asked of the worker by name, and from then on masked in every line and file of the run."""

from __future__ import annotations

from runner.core.errors import ConfigurationError, did_you_mean
from runner.kit.current import running


def secret(name: str) -> str:
    """The secret of this name, which the bot has declared by ``@bot(secrets=[…])``.

    It is masked in journal, evidence and console from now on. Keep it in a variable, never in an item or an output.
    Raises ConfigurationError for a name that the bot did not declare or a value too short to be masked, and RunFailed
    when the vault does not have it.
    """
    live = running(f"secret({name!r})")
    if name not in live.secrets:
        declared = ", ".join(live.secrets) or "no secret"
        raise ConfigurationError(
            f"secret '{name}' is not declared by bot {live.order.bot}",
            expected=f"a declared one: {declared}",
            hint=did_you_mean(name, live.secrets) or f'write @bot(secrets=["{name}"])',
            code="BOT_SECRET",
        )
    value = str(live.channel.ask("secret", name=name)["value"])
    try:
        live.journal.redactor.register(value)
    except ValueError as error:
        raise ConfigurationError(
            f"secret '{name}' can't be used: {error}", hint="choose a longer one", code="BOT_SECRET"
        ) from error
    return value
