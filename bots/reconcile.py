"""Compares the bank's statement with the ledger: each payment that is not the same in both becomes an exception."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path

from pydantic import BaseModel, Field

from runner import BusinessError, Item, Queue, bot, run, sheets, step


class Payment(BaseModel):
    """A row of the statement or of the ledger, which call their columns differently."""

    reference: str = Field(json_schema_extra={"aliases": ["Document", "凭证号"]})
    booked: date = Field(json_schema_extra={"aliases": ["Booking date", "Posting date", "日期"]})
    partner: str = Field("", json_schema_extra={"aliases": ["Counterparty", "对方"]})
    amount: Decimal = Field(json_schema_extra={"aliases": ["Amount EUR", "金额"]})


class Pair(BaseModel):
    """What the bank and the ledger have under one reference: one payment each, where all is well."""

    reference: str
    bank: list[Payment] = []
    ledger: list[Payment] = []


pairs = Queue("reconciliation", Pair, key="reference", retry=None)


@bot(process="accounting", time_limit="10m")
def reconcile(bank: Path, ledger: Path) -> None:
    """Compare the bank's statement with the ledger, payment by payment."""
    statement, book = sheets.read(bank, Payment), sheets.read(ledger, Payment)
    found: dict[str, Pair] = {}
    for row in statement.good:
        found.setdefault(row.data.reference, Pair(reference=row.data.reference)).bank.append(row.data)
    for row in book.good:
        found.setdefault(row.data.reference, Pair(reference=row.data.reference)).ledger.append(row.data)
    pairs.put(chain(statement.bad, book.bad, found.values()))
    pairs.each(compare)
    run.output("payments", {"bank": len(statement), "ledger": len(book)})


@step
def compare(item: Item[Pair]) -> None:
    """One payment in both, with the same amount and date: or a person has to look."""
    bank, ledger = item.data.bank, item.data.ledger
    if not ledger:
        raise BusinessError("only in the bank", hint="post it in the ledger", code="ONLY_IN_BANK")
    if not bank:
        raise BusinessError("only in the ledger", hint="ask the bank, or cancel it", code="ONLY_IN_LEDGER")
    if len(bank) > 1 or len(ledger) > 1:
        raise BusinessError(
            f"{len(bank)} times in the bank, {len(ledger)} times in the ledger", expected="once", code="TWICE"
        )
    if bank[0].amount != ledger[0].amount:
        raise BusinessError(
            f"{bank[0].amount} in the bank, {ledger[0].amount} in the ledger",
            expected="the same amount",
            hint="correct the ledger",
            code="AMOUNT_DIFFERS",
        )
    if bank[0].booked != ledger[0].booked:
        raise BusinessError(
            f"{bank[0].booked} in the bank, {ledger[0].booked} in the ledger",
            expected="the same date",
            hint="correct the ledger",
            code="DATE_DIFFERS",
        )
    item.output["amount"] = bank[0].amount
