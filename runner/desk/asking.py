"""Who is asking: the request as the desk's views get it, and what its person may do, process by process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from runner.desk.people.models import Person, SignIn
from runner.desk.roles import PERMISSIONS, Role, has

Row = TypeVar("Row", bound=Model)


class NotAllowed(PermissionDenied):
    """Raised when a role is too low; `role` is the one they have, `needed` the least that would do.

    `of_key`: it is not the role but the key of a program that lacks the permission among its scopes.
    """

    def __init__(self, role: Role, permission: str, *, of_key: bool = False) -> None:
        super().__init__(permission)
        self.role = role
        self.permission = permission
        self.of_key = of_key
        self.needed = PERMISSIONS.get(permission, Role.VIEWER)


class TooOften(Exception):
    """Raised when somebody calls more often than is allowed; `wait` is after how many seconds they may again."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"again in {wait} s")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Access:
    """What one person may do: `role` everywhere, except in the processes that `by_process` names.

    `scopes` are the permissions of the token with which a program acts for them; None: no token, all that the roles give.
    """

    role: Role = Role.NONE
    by_process: Mapping[str, Role] = field(default_factory=dict)
    scopes: frozenset[str] | None = None

    def role_in(self, process: str) -> Role:
        """The role in one process (empty: what belongs to no process)."""
        return self.by_process.get(process, self.role)

    def may(self, permission: str, process: str | None = None) -> bool:
        """Whether they may, in `process`; None asks whether they may anywhere."""
        if self.scopes is not None and permission not in self.scopes:
            return False
        if process is not None:
            return has(self.role_in(process), permission)
        return has(self.role, permission) or any(has(role, permission) for role in self.by_process.values())

    def require(self, permission: str, process: str | None = None) -> None:
        """Go on only when they may. Raises NotAllowed, which becomes a page with status 403."""
        if self.scopes is not None and permission not in self.scopes:
            raise NotAllowed(self.role, permission, of_key=True)
        if not self.may(permission, process):
            raise NotAllowed(self.role if process is None else self.role_in(process), permission)

    def limit(self, rows: QuerySet[Row], permission: str, process_field: str = "process") -> QuerySet[Row]:
        """The rows of the processes in which they may; `process_field` is the column that names the process."""
        if self.scopes is not None and permission not in self.scopes:
            return rows.none()
        allowed = [name for name, role in self.by_process.items() if has(role, permission)]
        refused = [name for name, role in self.by_process.items() if not has(role, permission)]
        if has(self.role, permission):
            return rows.exclude(Q(**{f"{process_field}__in": refused})) if refused else rows
        return rows.filter(**{f"{process_field}__in": allowed})


class DeskRequest(HttpRequest):
    """A request of the desk. `person` and `sign_in` are those of whoever is signed in.

    On pages for anybody nobody may be signed in: `person` is then an inactive Person without a key.
    """

    person: Person
    sign_in: SignIn | None
    access: Access
    htmx: HtmxDetails


def access_of(person: Person) -> Access:
    """What a person may do. One query."""
    roles = dict(person.process_roles.values_list("process", "role"))
    return Access(Role(person.role), {process: Role(role) for process, role in roles.items()})
