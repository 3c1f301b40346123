"""The arguments of the verbs in ``verbs.orders``: orders collected from carts, and orders entered by hand.

Path: bound by ``verbs.orders``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc
from annotated_types import MaxLen

from onhand.domain.orders import LINES_MAX, LineState
from onhand.domain.people import Scope

from .declaring import Argument, Option, request
from .kinds import Number, PageLimit, Person, Sku, Text, Units

Order = Annotated[Text, Doc("The order's number."), Argument("ORDER")]
OfCart = Annotated[Text, Doc("The shop that took the order; leave it out for your own orders."), Option(metavar="CART")]
Epoch = Annotated[Text, Doc("The epoch, if the shop used the order number more than once; the newest if left out.")]
Reason = Annotated[Text, Doc("The reason, kept with the movements.")]


@request(Scope.STOCK, books=True)
class OrderAdd:
    """Book an order taken by phone or at the counter."""

    lines: Annotated[
        list[tuple[Sku, Units]],
        MaxLen(LINES_MAX),
        Doc("A SKU and a number of units, such as TEA=12."),
        Argument("SKU=N..."),
    ]
    number: Annotated[Text, Doc("Your order number; the same number is booked once.")] = ""
    person: Person = ""
    note: Annotated[Text, Doc("A note to keep with it.")] = ""
    oversell: Annotated[bool, Doc("Take the order even if there is not enough stock.")] = False


@request(Scope.READ)
class OrderList:
    """List orders, newest first, with their lines."""

    search: Annotated[Text, Doc("An order number, or a SKU in the order."), Argument("TEXT")] = ""
    cart: Annotated[Text, Doc("Only orders from this shop."), Option(metavar="CART")] = ""
    by_phone: Annotated[bool, Doc("Only orders entered by hand.")] = False
    state: Annotated[LineState | None, Doc("Only orders with a line in this state.")] = None
    before: Annotated[
        Text, Doc("Continue after the order with this ``place``, a field of the JSON answer."), Option(metavar="PLACE")
    ] = ""
    limit: PageLimit = 100


@request(Scope.READ)
class OrderShow:
    """Show one order with its lines, cancellations and returns."""

    order: Order
    cart: OfCart = ""
    epoch: Epoch = ""


@request(Scope.STOCK, books=True)
class OrderCancel:
    """Cancel one of your own orders, or some of its lines. Cancel a shop's order in the shop."""

    order: Order
    lines: Annotated[
        Annotated[list[Number], MaxLen(LINES_MAX)] | None, Doc("Only lines with these numbers."), Argument("LINE...")
    ] = None
    cart: OfCart = ""
    reason: Reason = ""
    person: Person = ""


@request(Scope.STOCK, books=True)
class OrderReturn:
    """Book returned goods."""

    order: Order
    lines: Annotated[
        list[tuple[Number, Units]],
        MaxLen(LINES_MAX),
        Doc("A line's number and the units returned, such as 1=2."),
        Argument("LINE=N..."),
    ]
    cart: OfCart = ""
    epoch: Epoch = ""
    reason: Reason = ""
    person: Person = ""
