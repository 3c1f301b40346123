"""The arguments of the verbs in ``verbs.buying``: suppliers and purchase orders.

Path: bound by ``verbs.buying``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc
from annotated_types import Interval

from onhand.domain.people import Scope
from onhand.domain.purchasing import LINES_MAX

from .declaring import Argument, Option, request
from .kinds import NUMBER_MAX, PageLimit, Person, Revision, Sku, Text, Units

SupplierName = Annotated[Text, Doc("The supplier's name."), Argument("SUPPLIER")]
Order = Annotated[Text, Doc("The purchase order's number, such as PO-7."), Argument("ORDER")]
Lines = Annotated[list[tuple[Sku, Units]], Doc("A SKU and a number of units, such as TEA=12."), Argument("SKU=N...")]
SomeLines = Annotated[
    list[tuple[Sku, Units]] | None, Doc("A SKU and a number of units, such as TEA=12."), Argument("SKU=N...")
]
Email = Doc("The address that orders are emailed to.")
Phone = Doc("The supplier's phone number.")
Note = Doc("A note to keep with it.")


@request(Scope.READ)
class SupplierList:
    """List suppliers by name."""

    after: Annotated[Text, Doc("Continue after this supplier."), Option(metavar="NAME")] = ""
    active: Annotated[
        bool | None, Doc("Only active suppliers, or only inactive ones."), Option("--active/--inactive")
    ] = None
    limit: PageLimit = 100


@request(Scope.READ)
class SupplierShow:
    """Show one supplier."""

    supplier: SupplierName


@request(Scope.MANAGE)
class SupplierAdd:
    """Add a supplier."""

    name: SupplierName
    email: Annotated[Text, Email] = ""
    phone: Annotated[Text, Phone] = ""
    note: Annotated[Text, Note] = ""


@request(Scope.MANAGE)
class SupplierEdit:
    """Change a supplier's details. Fields you leave out keep their value."""

    supplier: SupplierName
    name: Annotated[Text | None, Doc("The new name.")] = None
    email: Annotated[Text | None, Email] = None
    phone: Annotated[Text | None, Phone] = None
    note: Annotated[Text | None, Note] = None
    active: Annotated[bool | None, Doc("Whether you still buy from this supplier."), Option("--active/--inactive")] = (
        None
    )
    revision: Revision = None


@request(Scope.READ)
class PurchaseSuggest:
    """Suggest what to order from which supplier. Nothing is changed.

    An item is suggested if it is at or below its reorder point, counting units on order. ``lines`` are sorted by supplier and SKU.
    ``without`` has the first items that have no active supplier. ``suppliers`` says how many items to order from each supplier, and
    ``items`` how many from all of them.
    """

    after_supplier: Annotated[Text, Doc("Continue with this supplier."), Option("--supplier", metavar="NAME")] = ""
    after: Annotated[Sku, Doc("Continue after this SKU of that supplier."), Option(metavar="SKU")] = ""
    limit: PageLimit = 100


@request(Scope.MANAGE, books=True)
class PurchaseRaise:
    """Create draft purchase orders for everything to reorder, one per supplier."""

    supplier: Annotated[Text, Doc("Only for this supplier."), Option(metavar="NAME")] = ""
    person: Person = ""


@request(Scope.MANAGE, books=True)
class PurchaseAdd:
    """Create a draft purchase order by hand."""

    supplier: SupplierName
    lines: Lines
    note: Annotated[Text, Note] = ""
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseEdit:
    """Change a draft: change or add lines, remove lines set to 0, keep the rest."""

    order: Order
    lines: SomeLines = None
    note: Annotated[Text | None, Note] = None
    revision: Revision = None


@request(Scope.MANAGE)
class PurchaseSend:
    """Mark a draft as sent, so that its goods can be received."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseClose:
    """Close a sent order, even if units are outstanding."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseCancel:
    """Cancel an order that nothing was received for."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.STOCK, books=True)
class PurchaseReceive:
    """Receive goods for a sent order; without lines, everything outstanding."""

    order: Order
    lines: SomeLines = None
    over: Annotated[bool, Doc("Allow more units than are outstanding.")] = False
    reference: Annotated[Text, Doc("The delivery note's number.")] = ""
    revision: Revision = None
    person: Person = ""


@request(Scope.READ)
class PurchaseList:
    """List purchase orders, newest first."""

    state: Annotated[
        Literal["open", "draft", "sent", "closed", "cancelled"] | None,
        Doc("Only orders in this state; open means draft or sent."),
    ] = None
    supplier: Annotated[Text, Doc("Only orders from this supplier."), Option(metavar="NAME")] = ""
    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None,
        Doc("Only orders before this one: the id of the last one you saw."),
        Option(metavar="NO"),
    ] = None
    limit: PageLimit = 100


@request(Scope.READ)
class PurchaseShow:
    """Show one purchase order with its lines."""

    order: Order
    left: Annotated[bool, Doc("Only lines with outstanding units.")] = False
    after: Annotated[int, Interval(ge=0), Doc("Continue after this line."), Option(metavar="LINE")] = 0
    limit: Annotated[int, Interval(ge=1, le=LINES_MAX), Doc("The most lines to return.")] = LINES_MAX
