"""The exception queue on the desk: lists, one case, every decision, two people at once."""

from __future__ import annotations

from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)


def test_the_pages_open(desk: Desk) -> None:  # noqa: F811
    from runner.store.models import Case

    client = desk.client("admin")
    for path in ["/", "/cases/", "/cases/overdue/", "/cases/mine/", "/cases/waiting/", "/cases/closed/"]:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.content.decode()[-2000:])
    for case in Case.objects.all():
        for path in [f"/cases/{case.pk}/", f"/cases/{case.pk}/journal"]:
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.content.decode()[-2000:])
