"""Who may do what: the roles, and for each permission the least role that has it. One table, used by every page."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person is on the desk, each with everything that those before it may do.

    `NONE` opens nothing: for a process that somebody is not to see, or as the role of somebody who only has roles for
    single processes.
    """

    NONE = "none"
    VIEWER = "viewer"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    DEVELOPER = "developer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Its place in the order; a higher one has everything that a lower one has."""
        return list(Role).index(self)


ANYBODY: Final = "anybody"  # no sign-in: sign-in itself, the one-time link, styles
SIGNED_IN: Final = "signed-in"  # whoever is signed in, about themselves

PERMISSIONS: Final[Mapping[str, Role]] = MappingProxyType({
    "cases.see": Role.VIEWER,
    "cases.comment": Role.OPERATOR,
    "cases.assign": Role.OPERATOR,
    "cases.decide": Role.OPERATOR,
    "cases.bulk": Role.OPERATOR,
    "cases.import": Role.OPERATOR,
    "cases.attest": Role.SUPERVISOR,
    "problems.see": Role.VIEWER,
    "problems.work": Role.SUPERVISOR,
    "problems.merge": Role.SUPERVISOR,
    "evidence.see": Role.VIEWER,
    "runs.see": Role.VIEWER,
    "runs.start": Role.OPERATOR,
    "runs.cancel": Role.OPERATOR,
    "schedules.see": Role.VIEWER,
    "schedules.run": Role.OPERATOR,
    "schedules.pause": Role.OPERATOR,
    "schedules.edit": Role.OPERATOR,
    "schedules.promote": Role.SUPERVISOR,
    "schedules.urls": Role.SUPERVISOR,
    "calendars.edit": Role.SUPERVISOR,
    "bots.see": Role.VIEWER,
    "recordings.see": Role.VIEWER,
    "recordings.edit": Role.OPERATOR,
    "queues.see": Role.VIEWER,
    "items.put": Role.OPERATOR,
    "processes.see": Role.VIEWER,
    "processes.edit": Role.SUPERVISOR,
    "search.use": Role.VIEWER,
    "health.see": Role.OPERATOR,
    "people.see": Role.SUPERVISOR,
    "people.add": Role.SUPERVISOR,
    "people.change": Role.ADMIN,
    "audit.see": Role.SUPERVISOR,
    "secrets.see": Role.DEVELOPER,
    "secrets.set": Role.ADMIN,
    "webhooks.edit": Role.ADMIN,
})  # fmt: skip


def has(role: Role, permission: str) -> bool:
    """Whether `role` has `permission`. Raises KeyError for a permission that the table doesn't hold."""
    if permission in {ANYBODY, SIGNED_IN}:
        return True
    return role.rank >= PERMISSIONS[permission].rank


def is_known(permission: str) -> bool:
    """Whether `permission` can be asked for."""
    return permission in PERMISSIONS or permission in {ANYBODY, SIGNED_IN}
