"""The portal's own store: an append-only table of what was entered, in a SQLite file that survives restarts."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from runner.core.clock import iso, now
from runner.core.errors import ConflictError

PORTAL = "portal"
BENCH = "bench"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    form TEXT NOT NULL,
    number TEXT NOT NULL,
    customer TEXT NOT NULL,
    product TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    amount TEXT NOT NULL,
    delivery_date TEXT NOT NULL,
    notes TEXT NOT NULL,
    file_name TEXT,
    file_content BLOB,
    posted_by TEXT NOT NULL,
    posted_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_number ON entries (form, number);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER IF NOT EXISTS entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with an order."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Order:
    """What a clerk enters; `amount` is in EUR with two decimals."""

    number: str
    customer: str
    product: str
    quantity: int
    amount: Decimal
    delivery_date: date
    notes: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting of an order: what was entered, by whom, and when (ISO 8601, UTC)."""

    id: int
    order: Order
    posted_by: str
    posted_at: str

    @property
    def confirmation(self) -> str:
        """The number that the portal answered with: ``PC-000123``."""
        return f"PC-{self.id:06d}"


class OrderBook:
    """The entries in one SQLite file (WAL). Every call opens its own connection, so any thread may call."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(self._connect()) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    def post(
        self, order: Order, *, posted_by: str, form: str = PORTAL, refuse_duplicates: bool = True
    ) -> Entry:
        """Keep `order` as a new entry.

        Raises ConflictError with code DUPLICATE_ORDER when the number was entered before and that is refused;
        the look and the insert are one transaction.
        """
        posted_at = iso(now())
        with self._writing() as db:
            if refuse_duplicates:
                self._refuse_second(db, form, order.number)
            file = order.attachment
            cursor = db.execute(
                "INSERT INTO entries (form, number, customer, product, quantity, amount, delivery_date, notes,"
                " file_name, file_content, posted_by, posted_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    form,
                    order.number,
                    order.customer,
                    order.product,
                    order.quantity,
                    f"{order.amount:.2f}",
                    order.delivery_date.isoformat(),
                    order.notes,
                    file.name if file else None,
                    file.content if file else None,
                    posted_by,
                    posted_at,
                ),
            )
        return Entry(cursor.lastrowid or 0, order, posted_by, posted_at)

    def entries(self, number: str = "", form: str = PORTAL) -> list[Entry]:
        """Every entry in the order it came, of one order number or (empty) of all."""
        return self._read("form = ? AND (? = '' OR number = ?) ORDER BY id", form, number, number)

    def entry(self, identity: int) -> Entry | None:
        """The entry with this id, whichever form it came from, or None."""
        return next(iter(self._read("id = ?", identity)), None)

    def latest(self, text: str = "", limit: int = 20) -> list[Entry]:
        """The newest portal entries whose order number contains `text`, newest first."""
        return self._read(
            "form = ? AND instr(lower(number), lower(?)) > 0 ORDER BY id DESC LIMIT ?", PORTAL, text, limit
        )

    def _read(self, condition: str, *values: object) -> list[Entry]:
        with closing(self._connect()) as db:
            rows = db.execute(f"SELECT * FROM entries WHERE {condition}", values).fetchall()  # noqa: S608 - fixed text
        return [_entry(row) for row in rows]

    @staticmethod
    def _refuse_second(db: sqlite3.Connection, form: str, number: str) -> None:
        row = db.execute("SELECT id FROM entries WHERE form = ? AND number = ?", (form, number)).fetchone()
        if row:
            raise ConflictError(
                f"Order number {number} was entered before, as PC-{row['id']:06d}.",
                expected="a new order number",
                code="DUPLICATE_ORDER",
            )

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            with db:  # commits, or rolls back on an exception
                yield db


def _entry(row: sqlite3.Row) -> Entry:
    attachment = Attachment(row["file_name"], row["file_content"]) if row["file_name"] is not None else None
    order = Order(
        number=row["number"],
        customer=row["customer"],
        product=row["product"],
        quantity=row["quantity"],
        amount=Decimal(row["amount"]),
        delivery_date=date.fromisoformat(row["delivery_date"]),
        notes=row["notes"],
        attachment=attachment,
    )
    return Entry(row["id"], order, row["posted_by"], row["posted_at"])
