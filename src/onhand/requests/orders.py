"""What the verbs of ``verbs.orders`` take: orders collected from carts, and those entered by hand.

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
OfCart = Annotated[Text, Doc("The shop it came from; without, one of your own."), Option(metavar="CART")]
Epoch = Annotated[Text, Doc("Which alignment of the shop it is of, where numbers came again; else the newest.")]
Reason = Annotated[Text, Doc("Why; it is kept with the movements.")]


@request(Scope.STOCK, books=True)
class OrderAdd:
    """Book an order taken by phone or at the counter."""

    lines: Annotated[
        list[tuple[Sku, Units]],
        MaxLen(LINES_MAX),
        Doc("A SKU and how many units, as in TEA=12."),
        Argument("SKU=N..."),
    ]
    number: Annotated[Text, Doc("Your number for it; it is booked once.")] = ""
    person: Person = ""
    note: Annotated[Text, Doc("A remark that is kept with it.")] = ""
    oversell: Annotated[bool, Doc("Take it although there is not enough.")] = False


@request(Scope.READ)
class OrderList:
    """List orders, newest first, with their lines."""

    search: Annotated[Text, Doc("An order's number, or a SKU in it."), Argument("TEXT")] = ""
    cart: Annotated[Text, Doc("Only orders of this shop."), Option(metavar="CART")] = ""
    by_phone: Annotated[bool, Doc("Only orders entered by hand.")] = False
    state: Annotated[LineState | None, Doc("Only orders with a line in this state.")] = None
    before: Annotated[
        Text, Doc("Begin behind the order with this ``place``, as --json has it."), Option(metavar="PLACE")
    ] = ""
    limit: PageLimit = 100


@request(Scope.READ)
class OrderShow:
    """Show one order with its lines, and what came back of them."""

    order: Order
    cart: OfCart = ""
    epoch: Epoch = ""


@request(Scope.STOCK, books=True)
class OrderCancel:
    """Cancel an order of your own, or some of its lines; an order of a shop is cancelled there."""

    order: Order
    lines: Annotated[
        Annotated[list[Number], MaxLen(LINES_MAX)] | None, Doc("Only these lines."), Argument("LINE...")
    ] = None
    cart: OfCart = ""
    reason: Reason = ""
    person: Person = ""


@request(Scope.STOCK, books=True)
class OrderReturn:
    """Book goods that came back."""

    order: Order
    lines: Annotated[
        list[tuple[Number, Units]],
        MaxLen(LINES_MAX),
        Doc("A line's number and how many units came back, as in 1=2."),
        Argument("LINE=N..."),
    ]
    cart: OfCart = ""
    epoch: Epoch = ""
    reason: Reason = ""
    person: Person = ""
