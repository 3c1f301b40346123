"""Verbs about orders: those collected from carts, and those entered by hand.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only; an order is named by its number, and by its cart if it has one.
Never: speaks to a shop.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from onhand.app import App, Books
from onhand.domain.errors import Refused
from onhand.domain.orders import LineState, Order
from onhand.domain.people import Scope
from onhand.services import selling
from onhand.wire import Data

from .registry import Number, Sku, Text, Units, cart_names, iso, verb

PageLimit = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.STOCK, books=True)
def order_add(
    app: App,
    lines: Annotated[list[tuple[Sku, Units]], Field(max_length=selling.LINES_MAX)],
    number: Text = "",
    person: Text = "",
    note: Text = "",
    oversell: bool = False,
) -> Data:
    """Book an order taken by phone or at the counter."""
    chosen, on_hand = selling.take_order(app.house, lines, number, person, note, oversell)
    return {"order": chosen, "on_hand": on_hand}


@verb(Scope.READ)
def order_list(
    app: App,
    search: Text = "",
    cart: Text = "",
    by_phone: bool = False,
    state: LineState | None = None,
    before: Text = "",
    limit: PageLimit = 100,
) -> Data:
    """Orders with their lines, newest first, from behind an order's ``place``. ``search`` is an order's number or a SKU in it;
    with ``state`` at least one of its lines is in that state."""

    def read(books: Books) -> list[Order]:
        of_cart = books.carts.named(cart).id if cart else None
        return books.orders.page(limit, before=before, cart=of_cart, by_phone=by_phone, state=state, search=search)

    found = app.read(read)
    names = cart_names(app)
    return {"orders": [_order(order, names) for order in found]}


@verb(Scope.READ)
def order_show(app: App, order: Text, cart: Text = "", epoch: Text = "") -> Data:
    """One order: of a cart, or without one entered by hand."""
    found = app.read(lambda books: books.orders.find(order, books.carts.named(cart).id if cart else None, epoch))
    return _order(found, cart_names(app))


@verb(Scope.STOCK, books=True)
def order_cancel(
    app: App,
    order: Text,
    lines: Annotated[list[Number], Field(max_length=selling.LINES_MAX)] | None = None,
    cart: Text = "",
    reason: Text = "",
    person: Text = "",
) -> Data:
    """Cancel an order entered by hand, or some of its lines."""
    if cart:
        raise Refused(
            f"Order {order} was collected from {cart}: delete it in that shop and let the shop restock it; OnHand books that.",
            order=order,
            cart=cart,
        )
    return selling.cancel_order(app.house, order, lines, person, reason)


@verb(Scope.STOCK, books=True)
def order_return(
    app: App,
    order: Text,
    lines: Annotated[list[tuple[Number, Units]], Field(max_length=selling.LINES_MAX)],
    cart: Text = "",
    epoch: Text = "",
    reason: Text = "",
    person: Text = "",
) -> Data:
    """Book goods that came back: a line's number and how many units of it."""
    of_cart = app.read(lambda books: books.carts.named(cart).id) if cart else None
    return selling.take_back(app.house, order, of_cart, epoch, lines, person, reason)


def _order(order: Order, names: dict[int, str]) -> Data:
    return {
        "order": order.number,
        "cart": names.get(order.cart) if order.cart else None,
        "cart_id": order.cart,
        "epoch": order.epoch,
        "at": iso(order.at),
        "state": order.word,
        "person": order.person,
        "note": order.note,
        "place": order.place,
        "lines": [
            {
                "line": line.line,
                "sku": line.sku,
                "name": line.name,
                "known": line.item is not None,
                "quantity": line.quantity,
                "state": line.word,
                "paid": line.paid,
                "deleted": not line.present,
                "cancelled": line.cancelled,
                "returned": line.returned,
                "left": line.left,
            }
            for line in order.lines
        ],
    }
