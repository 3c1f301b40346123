"""Suppliers and purchase orders.

Path: ``services.purchasing`` moves them along; the Receive screen lists them.
Promise: a number is used once; outstanding units are computed from the lines, never stored.
Never: changes a quantity on hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, delete, func, insert, select, update

from onhand.domain.errors import Refused
from onhand.domain.purchasing import OrderLine, OrderState, PurchaseOrder, Stocked, Supplier
from onhand.domain.stock import sku_key

from .office_tables import purchase_order_lines, purchase_orders, suppliers
from .tables import items
from .times import iso, micros, moment

OPEN = (OrderState.DRAFT.value, OrderState.SENT.value)


class Purchases:
    """Suppliers and purchase orders."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def suppliers(self) -> list[Supplier]:
        return [_supplier(row) for row in self._connection.execute(select(suppliers).order_by(suppliers.c.name_key))]

    def supplier(self, name: str) -> Supplier:
        row = self._connection.execute(select(suppliers).where(suppliers.c.name_key == sku_key(name))).one_or_none()
        if row is None:
            raise Refused(f"There is no supplier {name.strip()!r}: add it under Suppliers.", supplier=name)
        return _supplier(row)

    def add_supplier(self, name: str, email: str, phone: str, note: str) -> int:
        self._check_name(name, None)
        values = {"name": name, "name_key": sku_key(name), "email": email, "phone": phone, "note": note, "active": True}
        return int(self._connection.execute(insert(suppliers).values(values).returning(suppliers.c.id)).scalar_one())

    def edit_supplier(self, supplier: Supplier) -> None:
        self._check_name(supplier.name, supplier.id)
        self._connection.execute(
            update(suppliers)
            .where(suppliers.c.id == supplier.id)
            .values(
                name=supplier.name,
                name_key=sku_key(supplier.name),
                email=supplier.email,
                phone=supplier.phone,
                note=supplier.note,
                active=supplier.active,
                revision=suppliers.c.revision + 1,
            )
        )

    def add(self, supplier: int, note: str, person: str, lines: Sequence[tuple[int, int]], at: datetime) -> str:
        newest = self._connection.execute(select(func.coalesce(func.max(purchase_orders.c.id), 0))).scalar_one()
        number = f"PO-{newest + 1}"
        values = {
            "number": number,
            "supplier_id": supplier,
            "state": OrderState.DRAFT.value,
            "note": note,
            "person": person,
            "created_at": micros(at),
        }
        order = self._connection.execute(
            insert(purchase_orders).values(values).returning(purchase_orders.c.id)
        ).scalar_one()
        self._put_lines(order, lines)
        return number

    def get(self, number: str) -> PurchaseOrder:
        query = (
            select(
                purchase_orders,
                *(column.label(f"supplier_{column.name}") for column in suppliers.c if column.name != "id"),
            )
            .join(suppliers, suppliers.c.id == purchase_orders.c.supplier_id)
            .where(purchase_orders.c.number == number.strip())
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise Refused(
                f"There is no purchase order {number.strip()!r}: see the list of purchase orders.", order=number
            )
        lines = self._connection.execute(
            select(purchase_order_lines, items.c.sku, items.c.name)
            .join(items, items.c.id == purchase_order_lines.c.item_id)
            .where(purchase_order_lines.c.order_id == row.id)
            .order_by(purchase_order_lines.c.line)
        )
        return PurchaseOrder(
            row.id,
            row.number,
            Supplier(
                row.supplier_id,
                row.supplier_name,
                row.supplier_email,
                row.supplier_phone,
                row.supplier_note,
                row.supplier_active,
                row.supplier_revision,
            ),
            OrderState(row.state),
            row.note,
            row.person,
            moment(row.created_at),
            moment(row.sent_at),
            moment(row.closed_at),
            row.revision,
            tuple(OrderLine(x.line, x.item_id, x.sku, x.name, x.ordered, x.received) for x in lines),
        )

    def replace_lines(self, order: int, note: str, lines: Sequence[tuple[int, int]]) -> None:
        self._connection.execute(delete(purchase_order_lines).where(purchase_order_lines.c.order_id == order))
        self._put_lines(order, lines)
        self._change(order, note=note)

    def move(self, order: int, state: OrderState, at: datetime) -> None:
        when = {"sent_at": micros(at)} if state is OrderState.SENT else {"closed_at": micros(at)}
        self._change(order, state=state.value, **when)

    def receive(self, order: int, came: Mapping[int, int]) -> None:
        add = (
            update(purchase_order_lines)
            .where(purchase_order_lines.c.order_id == order, purchase_order_lines.c.line == bindparam("of_line"))
            .values(received=purchase_order_lines.c.received + bindparam("came"))
        )
        self._connection.execute(add, [{"of_line": line, "came": units} for line, units in came.items()])
        self._change(order)

    def stocked(self) -> list[Stocked]:
        coming = _outstanding()
        query = (
            select(
                items.c.id,
                items.c.sku,
                items.c.name,
                items.c.on_hand,
                func.coalesce(coming.c.units, 0).label("outstanding"),
                items.c.reorder_point,
                items.c.reorder_to,
                items.c.supplier_id,
            )
            .outerjoin(coming, coming.c.item_id == items.c.id)
            .where(items.c.on_hand <= items.c.reorder_point, ~items.c.ignore_qoh, ~items.c.drop_ship)
            .order_by(items.c.sku_key)
        )
        return [Stocked(*row) for row in self._connection.execute(query)]

    def orders(self, state: str | None, supplier: str, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Return purchase orders, newest first, with their outstanding units. ``state`` "open": drafts and sent orders."""
        left = case(
            (
                purchase_order_lines.c.ordered > purchase_order_lines.c.received,
                purchase_order_lines.c.ordered - purchase_order_lines.c.received,
            ),
            else_=0,
        )
        query = (
            select(
                purchase_orders,
                suppliers.c.name.label("supplier"),
                func.count(purchase_order_lines.c.line).label("lines"),
                func.coalesce(func.sum(purchase_order_lines.c.ordered), 0).label("ordered"),
                func.coalesce(func.sum(purchase_order_lines.c.received), 0).label("received"),
                func.coalesce(func.sum(left), 0).label("left"),
            )
            .join(suppliers, suppliers.c.id == purchase_orders.c.supplier_id)
            .outerjoin(purchase_order_lines, purchase_order_lines.c.order_id == purchase_orders.c.id)
            .group_by(purchase_orders.c.id, suppliers.c.name)
            .order_by(purchase_orders.c.id.desc())
            .limit(limit)
        )
        if state == "open":
            query = query.where(purchase_orders.c.state.in_(OPEN))
        elif state:
            query = query.where(purchase_orders.c.state == state)
        if supplier.strip():
            query = query.where(suppliers.c.name_key == sku_key(supplier))
        if before is not None:
            query = query.where(purchase_orders.c.id < before)
        return [
            {
                "id": row.id,
                "order": row.number,
                "supplier": row.supplier,
                "state": row.state,
                "lines": row.lines,
                "ordered": int(row.ordered),
                "received": int(row.received),
                "outstanding": int(row.left) if row.state == OrderState.SENT else 0,
                "person": row.person,
                "created_at": iso(row.created_at),
                "sent_at": iso(row.sent_at),
            }
            for row in self._connection.execute(query)
        ]

    def _put_lines(self, order: int, lines: Sequence[tuple[int, int]]) -> None:
        rows = [
            {"order_id": order, "line": n, "item_id": item, "ordered": units, "received": 0}
            for n, (item, units) in enumerate(lines, 1)
        ]
        if rows:
            self._connection.execute(insert(purchase_order_lines), rows)

    def _change(self, order: int, **values: Any) -> None:
        self._connection.execute(
            update(purchase_orders)
            .where(purchase_orders.c.id == order)
            .values(revision=purchase_orders.c.revision + 1, **values)
        )

    def _check_name(self, name: str, but: int | None) -> None:
        taken = self._connection.execute(
            select(suppliers.c.id).where(suppliers.c.name_key == sku_key(name))
        ).scalar_one_or_none()
        if taken is not None and taken != but:
            raise Refused(f"There is already a supplier named {name!r}: choose another name.", name=name)


def _outstanding() -> Any:
    """Return the units on order per item: all units of drafts, outstanding units of sent orders."""
    left = purchase_order_lines.c.ordered - purchase_order_lines.c.received
    return (
        select(purchase_order_lines.c.item_id, func.sum(case((left > 0, left), else_=0)).label("units"))
        .join(purchase_orders, purchase_orders.c.id == purchase_order_lines.c.order_id)
        .where(purchase_orders.c.state.in_(OPEN))
        .group_by(purchase_order_lines.c.item_id)
        .subquery("outstanding")
    )


def _supplier(row: Row[Any]) -> Supplier:
    return Supplier(row.id, row.name, row.email, row.phone, row.note, row.active, row.revision)
