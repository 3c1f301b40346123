"""Count sheets and their lines.

Path: ``services.counting`` writes and posts; the Count screens and commands read pages of them.
Promise: a page costs the same on a sheet with ten lines or ten thousand; entering a count changes one row.
Never: writes a movement or a balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, insert, literal, or_, select, update

from onhand.domain.counting import CountLine, CountSheet, SheetState
from onhand.domain.errors import Refused
from onhand.domain.stock import Kind, sku_key

from .dialects import upsert
from .inventory import has_in_it
from .ledger import chunks
from .office_tables import count_lines, count_sheets, suppliers
from .tables import items, movements
from .times import iso, micros, moment

Rows = list[dict[str, Any]]


class Counts:
    """Count sheets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, name: str, person: str, at: datetime) -> int:
        values = {"name": name, "state": SheetState.OPEN.value, "person": person, "created_at": micros(at)}
        return int(
            self._connection.execute(insert(count_sheets).values(values).returning(count_sheets.c.id)).scalar_one()
        )

    def get(self, sheet: int) -> CountSheet:
        row = self._connection.execute(select(count_sheets).where(count_sheets.c.id == sheet)).one_or_none()
        if row is None:
            raise Refused(f"There is no count sheet {sheet}: see the list of count sheets.", sheet=sheet)
        return CountSheet(
            row.id,
            row.name,
            SheetState(row.state),
            row.person,
            moment(row.created_at),
            moment(row.closed_at),
            row.revision,
        )

    def fill(self, sheet: int, search: str, supplier: str, limit: int) -> tuple[int, int]:
        """Put items on a new sheet in one statement. Return how many, at most one more than ``limit``, and how many drop-ship items
        were left out.
        """
        wanted: list[ColumnElement[bool]] = []
        if search.strip():
            wanted.append(has_in_it(search))
        if supplier.strip():
            wanted.append(items.c.supplier_id == self._supplier(supplier))
        chosen = (
            select(literal(sheet), items.c.id, literal(""), literal(0))
            .where(~items.c.drop_ship, *wanted)
            .limit(limit + 1)
        )
        self._connection.execute(insert(count_lines).from_select(_KEYS, chosen))
        left = select(func.count()).select_from(items).where(items.c.drop_ship, *wanted)
        return self.size(sheet), int(self._connection.execute(left).scalar_one())

    def _supplier(self, name: str) -> int:
        query = select(suppliers.c.id).where(suppliers.c.name_key == sku_key(name))
        found = self._connection.execute(query).scalar()
        if found is None:
            raise Refused(f"There is no supplier {name!r}: see the list of suppliers.", supplier=name)
        return int(found)

    def put(self, sheet: int, chosen: Sequence[int]) -> None:
        """Put these items on a sheet."""
        rows = [{"sheet_id": sheet, "item_id": item, "person": "", "revision": 0} for item in chosen]
        if rows:
            self._connection.execute(upsert(self._connection, count_lines).on_conflict_do_nothing(), rows)

    def drop_shipped(self, chosen: Sequence[int]) -> set[int]:
        """Return which of the items are drop-ship items."""
        found: set[int] = set()
        for chunk in chunks(chosen):
            query = select(items.c.id).where(items.c.id.in_(chunk), items.c.drop_ship)
            found.update(self._connection.execute(query).scalars())
        return found

    def size(self, sheet: int) -> int:
        query = select(func.count()).select_from(count_lines).where(count_lines.c.sheet_id == sheet)
        return int(self._connection.execute(query).scalar_one())

    def lines(self, sheet: int, chosen: Sequence[int]) -> dict[int, CountLine]:
        """Return the sheet's lines for these items."""
        found = {}
        for chunk in chunks(chosen):
            rows = self._connection.execute(_LINES.where(count_lines.c.sheet_id == sheet, items.c.id.in_(chunk)))
            found.update({row.item_id: _line(row) for row in rows})
        return found

    def counted(self, sheet: int) -> dict[int, CountLine]:
        """Return all counted lines."""
        rows = self._connection.execute(_LINES.where(count_lines.c.sheet_id == sheet, _COUNTED))
        return {row.item_id: _line(row) for row in rows}

    def enter(self, sheet: int, lines: Sequence[CountLine]) -> None:
        """Save the entered counts, and raise the sheet's revision."""
        statement = (
            update(count_lines)
            .where(count_lines.c.sheet_id == bindparam("of_sheet"), count_lines.c.item_id == bindparam("of_item"))
            .values({name: bindparam(name) for name in _ENTERED})
        )
        rows = [
            {
                "of_sheet": sheet,
                "of_item": line.item,
                "counted": line.counted,
                "expected": line.expected,
                "counted_at": None if line.counted_at is None else micros(line.counted_at),
                "movement": line.movement,
                "person": line.person,
                "revision": line.revision,
            }
            for line in lines
        ]
        self._connection.execute(statement, rows)
        changed = {"revision": count_sheets.c.revision + 1}
        self._connection.execute(update(count_sheets).where(count_sheets.c.id == sheet).values(changed))

    def close(self, sheet: int, state: SheetState, at: datetime) -> None:
        values = {"state": state.value, "closed_at": micros(at), "revision": count_sheets.c.revision + 1}
        self._connection.execute(update(count_sheets).where(count_sheets.c.id == sheet).values(values))

    def newest_by(self, at: datetime) -> int:
        """Return the number of the newest movement booked by a time, 0 if none. Search from the newest, as most counts are recent."""
        query = select(movements.c.id).where(movements.c.at <= micros(at)).order_by(movements.c.id.desc()).limit(1)
        return int(self._connection.execute(query).scalar() or 0)

    def moved_after(self, chosen: Sequence[int], movement: int) -> dict[int, int]:
        """Return the signed units booked for each item after a movement."""
        found: dict[int, int] = {}
        for chunk in chunks(chosen):
            query = (
                select(movements.c.item_id, func.sum(movements.c.quantity))
                .where(movements.c.item_id.in_(chunk), movements.c.id > movement)
                .group_by(movements.c.item_id)
            )
            found.update({item: int(units) for item, units in self._connection.execute(query)})
        return found

    def overtaken(self, sheet: int) -> list[str]:
        """Return the SKUs on this sheet that another count has corrected since they were counted."""
        query = (
            select(items.c.sku)
            .distinct()
            .select_from(count_lines)
            .join(items)
            .join(movements, movements.c.item_id == count_lines.c.item_id)
            .where(
                count_lines.c.sheet_id == sheet,
                _COUNTED,
                movements.c.id > count_lines.c.movement,
                movements.c.kind == Kind.COUNT.value,
            )
            .order_by(items.c.sku)
        )
        return list(self._connection.execute(query).scalars())

    # For screens and commands

    def sheets(self, before: int | None, limit: int) -> Rows:
        """Return count sheets, newest first, each with the number of lines and of counted lines."""
        page = select(count_sheets).order_by(count_sheets.c.id.desc()).limit(limit)
        if before is not None:
            page = page.where(count_sheets.c.id < before)
        rows = self._connection.execute(page).all()
        sizes = (
            select(
                count_lines.c.sheet_id, func.count().label("lines"), func.count(count_lines.c.counted).label("counted")
            )
            .where(count_lines.c.sheet_id.in_([row.id for row in rows]))
            .group_by(count_lines.c.sheet_id)
        )
        of = {row.sheet_id: (row.lines, row.counted) for row in self._connection.execute(sizes)}
        return [
            {
                "sheet": row.id,
                "name": row.name,
                "state": row.state,
                "person": row.person,
                "created_at": iso(row.created_at),
                "closed_at": iso(row.closed_at),
                "lines": of.get(row.id, (0, 0))[0],
                "counted": of.get(row.id, (0, 0))[1],
            }
            for row in rows
        ]

    def page(self, sheet: int, after: str, before: str, search: str, left: bool, limit: int) -> list[CountLine]:
        """Return lines in SKU order: those after a SKU, or the last ones before one; with ``left``, only uncounted lines."""
        query = _LINES.where(count_lines.c.sheet_id == sheet).limit(limit)
        if before:
            query = query.where(items.c.sku_key < sku_key(before)).order_by(items.c.sku_key.desc())
        else:
            query = query.where(items.c.sku_key > sku_key(after)).order_by(items.c.sku_key)
        if search.strip():
            query = query.where(has_in_it(search))
        if left:
            query = query.where(count_lines.c.counted.is_(None))
        return [_line(row) for row in self._connection.execute(query)][:: -1 if before else 1]

    def biggest(self, sheet: int, after: tuple[int, int] | None, limit: int) -> list[CountLine]:
        """Return counted lines, biggest variance first, optionally after a given variance and item."""
        size = func.abs(count_lines.c.counted - count_lines.c.expected)
        query = _LINES.where(count_lines.c.sheet_id == sheet, _COUNTED).order_by(size.desc(), items.c.id).limit(limit)
        if after is not None:
            query = query.where(or_(size < after[0], (size == after[0]) & (items.c.id > after[1])))
        return [_line(row) for row in self._connection.execute(query)]

    def totals(self, sheet: int, big_above: int) -> dict[str, int]:
        """Return the numbers of lines, counted, differing and largely differing lines, and the units above and below expectation."""
        variance = count_lines.c.counted - count_lines.c.expected
        row = self._connection.execute(
            select(
                func.count().label("lines"),
                func.count(count_lines.c.counted).label("counted"),
                func.coalesce(func.sum(case((variance != 0, 1), else_=0)), 0).label("differing"),
                func.coalesce(func.sum(case((func.abs(variance) > big_above, 1), else_=0)), 0).label("big"),
                func.coalesce(func.sum(case((variance > 0, variance), else_=0)), 0).label("more"),
                func.coalesce(func.sum(case((variance < 0, variance), else_=0)), 0).label("fewer"),
            ).where(count_lines.c.sheet_id == sheet)
        ).one()
        return {name: int(number) for name, number in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name


def _line(row: Row[Any]) -> CountLine:
    return CountLine(
        row.item_id,
        row.sku,
        row.name,
        row.counted,
        row.expected,
        moment(row.counted_at),
        row.movement,
        row.person,
        row.revision,
    )


_KEYS = ["sheet_id", "item_id", "person", "revision"]
_ENTERED = ("counted", "expected", "counted_at", "movement", "person", "revision")
_COUNTED = count_lines.c.counted.is_not(None)
_LINES = select(count_lines, items.c.sku, items.c.name).join(items)
