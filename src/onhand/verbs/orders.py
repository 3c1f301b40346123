"""Verbs about orders: collected from carts, or entered by hand.

Path: called by name through ``verbs.run``.
Promise: only the services change quantities; an order is named by its number, and by its cart if it has one.
Never: contacts a shop.
"""

from __future__ import annotations

from onhand.app import App, Books
from onhand.domain.errors import Refused
from onhand.domain.orders import Order
from onhand.requests import orders as requests
from onhand.services import selling
from onhand.wire import Data

from .registry import cart_names, iso, verb


@verb(requests.OrderAdd)
def order_add(app: App, asked: requests.OrderAdd) -> Data:
    chosen, on_hand = selling.take_order(app.house, asked.lines, asked.number, asked.person, asked.note, asked.oversell)
    return {"order": chosen, "on_hand": on_hand}


@verb(requests.OrderList)
def order_list(app: App, asked: requests.OrderList) -> Data:

    def read(books: Books) -> list[Order]:
        of_cart = books.carts.named(asked.cart).id if asked.cart else None
        return books.orders.page(
            asked.limit,
            before=asked.before,
            cart=of_cart,
            by_phone=asked.by_phone,
            state=asked.state,
            search=asked.search,
        )

    found = app.read(read)
    names = cart_names(app)
    return {"orders": [_order(order, names) for order in found]}


@verb(requests.OrderShow)
def order_show(app: App, asked: requests.OrderShow) -> Data:
    found = app.read(
        lambda books: books.orders.find(
            asked.order, books.carts.named(asked.cart).id if asked.cart else None, asked.epoch
        )
    )
    return _order(found, cart_names(app))


@verb(requests.OrderCancel)
def order_cancel(app: App, asked: requests.OrderCancel) -> Data:
    if asked.cart:
        raise Refused(
            f"Order {asked.order} was collected from {asked.cart}: delete it in that shop and let the shop restock it; OnHand books that.",
            order=asked.order,
            cart=asked.cart,
        )
    return selling.cancel_order(app.house, asked.order, asked.lines, asked.person, asked.reason)


@verb(requests.OrderReturn)
def order_return(app: App, asked: requests.OrderReturn) -> Data:
    of_cart = app.read(lambda books: books.carts.named(asked.cart).id) if asked.cart else None
    return selling.take_back(app.house, asked.order, of_cart, asked.epoch, asked.lines, asked.person, asked.reason)


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
