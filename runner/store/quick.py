"""The statements that every item costs, compiled once: Django builds each query anew, which takes longer than running it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Field, Model

Row = TypeVar("Row", bound=Model)
_Converters = tuple[tuple[int, Any, tuple[Callable[[Any, Any, Any], Any], ...]], ...]


class Table(Generic[Row]):
    """One model's table: find, insert and update by column name, in the running transaction, on any database.

    Names are the models' columns (`run_id`, not `run`); values are Python values, as on the model.
    """

    def __init__(self, model: type[Row]) -> None:
        self._model = model
        meta = model._meta  # noqa: SLF001 (documented by Django, in spite of its name)
        self._fields: tuple[Field[Any, Any], ...] = meta.concrete_fields
        self._key = meta.pk.attname if meta.pk is not None else "id"
        self._raw_name = meta.db_table
        self._by_name = {field.attname: field for field in self._fields}
        self._names = [field.attname for field in self._fields]
        self._name = connection.ops.quote_name(meta.db_table)
        self.columns = ", ".join(self._quoted(self._names))
        self._sql: dict[tuple[str, ...], str] = {}

    def find(self, **where: Any) -> Row | None:
        """The row with these values, or None."""
        names = tuple(where)
        sql = self._sql.get(("find", *names))
        if sql is None:
            sql = self._sql["find", *names] = (
                f"SELECT {self.columns} FROM {self._name} WHERE {self._equal(names)}"  # noqa: S608 (names of columns)
            )
        with connection.cursor() as cursor:
            cursor.execute(sql, [self._plain(name, value) for name, value in where.items()])
            found = cursor.fetchone()
        return None if found is None else self.row(found)

    def values(self, wanted: tuple[str, ...], **where: Any) -> tuple[Any, ...] | None:
        """Columns of the row with these values (numbers and texts only: nothing is converted), or None."""
        names = tuple(where)
        key = ("values", *wanted, "", *names)
        sql = self._sql.get(key)
        if sql is None:
            columns = ", ".join(self._quoted(wanted))
            sql = self._sql[key] = f"SELECT {columns} FROM {self._name} WHERE {self._equal(names)}"  # noqa: S608 (names of columns)
        with connection.cursor() as cursor:
            cursor.execute(sql, [self._plain(name, value) for name, value in where.items()])
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found

    def insert(self, row: Row) -> None:
        """Insert the row; its primary key is set on it."""
        names = [name for name in self._names if name != self._key or row.pk is not None]
        sql = self._sql.get(("insert", *names))
        if sql is None:
            marks = ", ".join(["%s"] * len(names))
            sql = self._sql["insert", *names] = (
                f"INSERT INTO {self._name} ({', '.join(self._quoted(names))}) VALUES ({marks})"  # noqa: S608 (names of columns)
                f" RETURNING {self._quoted([self._key])[0]}"
            )
        with connection.cursor() as cursor:
            cursor.execute(sql, [self._plain(name, getattr(row, name)) for name in names])
            row.pk = cursor.fetchone()[0]

    def update(self, row: Row, names: Iterable[str]) -> None:
        """Write these columns of the row."""
        self.set(row.pk, {name: getattr(row, name) for name in names})

    def set(self, key: Any, values: dict[str, Any]) -> None:
        """Write columns of the row with the primary key `key`."""
        names = tuple(sorted(values))
        sql = self._sql.get(("set", *names))
        if sql is None:
            marks = ", ".join(f"{column} = %s" for column in self._quoted(names))
            sql = self._sql["set", *names] = (
                f"UPDATE {self._name} SET {marks} WHERE {self._equal((self._key,))}"  # noqa: S608 (names of columns)
            )
        with connection.cursor() as cursor:
            cursor.execute(sql, [*(self._plain(name, values[name]) for name in names), key])

    def row(self, found: Sequence[Any]) -> Row:
        """The model of a row whose `columns` were read."""
        values = list(found)
        for place, column, converters in self._converters:
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)

    @cached_property
    def _converters(self) -> _Converters:
        found = []
        for place, field in enumerate(self._fields):
            column = field.get_col(self._raw_name)
            converters = (*connection.ops.get_db_converters(column), *field.get_db_converters(connection))
            if converters:
                found.append((place, column, converters))
        return tuple(found)

    def _plain(self, name: str, value: Any) -> Any:
        return self._by_name[name].get_db_prep_save(value, connection)

    def _quoted(self, names: Iterable[str]) -> list[str]:
        return [connection.ops.quote_name(str(self._by_name[name].column)) for name in names]

    def _equal(self, names: Iterable[str]) -> str:
        return " AND ".join(f"{column} = %s" for column in self._quoted(names))


def table(model: type[Row]) -> Table[Row]:
    """The statements of one model's table."""
    return _table(model, connection.vendor)


@lru_cache(maxsize=64)
def _table(model: type[Row], vendor: str) -> Table[Row]:
    del vendor  # values are read differently from each database
    return Table(model)
