"""What the verbs of ``verbs.buying`` take: suppliers and purchase orders.

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
Order = Annotated[Text, Doc("The purchase order's number, as in PO-7."), Argument("ORDER")]
Lines = Annotated[list[tuple[Sku, Units]], Doc("A SKU and how many units, as in TEA=12."), Argument("SKU=N...")]
SomeLines = Annotated[
    list[tuple[Sku, Units]] | None, Doc("A SKU and how many units, as in TEA=12."), Argument("SKU=N...")
]
Email = Doc("Where orders are mailed to.")
Phone = Doc("A number to call.")
Note = Doc("A remark that is kept with it.")


@request(Scope.READ)
class SupplierList:
    """List suppliers by name."""

    after: Annotated[Text, Doc("Begin after this one."), Option(metavar="NAME")] = ""
    active: Annotated[bool | None, Doc("Only active ones, or only the others."), Option("--active/--inactive")] = None
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
    """Change what is known of a supplier; what is not given stays."""

    supplier: SupplierName
    name: Annotated[Text | None, Doc("The new name.")] = None
    email: Annotated[Text | None, Email] = None
    phone: Annotated[Text | None, Phone] = None
    note: Annotated[Text | None, Note] = None
    active: Annotated[bool | None, Doc("Whether we buy from it."), Option("--active/--inactive")] = None
    revision: Revision = None


@request(Scope.READ)
class PurchaseSuggest:
    """Show what ought to be ordered, and of whom; nothing is made.

    These are the items at or below their reorder point, counting what is on its way. ``lines`` go by supplier and SKU. Items without an
    active supplier are apart, in ``without``; of those the first. ``suppliers`` says how many items are to be ordered of each, ``items``
    of all of them.
    """

    after_supplier: Annotated[Text, Doc("Go on with this supplier."), Option("--supplier", metavar="NAME")] = ""
    after: Annotated[Sku, Doc("Go on after this SKU of that supplier."), Option(metavar="SKU")] = ""
    limit: PageLimit = 100


@request(Scope.MANAGE, books=True)
class PurchaseRaise:
    """Make a draft of what ought to be ordered, for each supplier or for one."""

    supplier: Annotated[Text, Doc("Only for this one."), Option(metavar="NAME")] = ""
    person: Person = ""


@request(Scope.MANAGE, books=True)
class PurchaseAdd:
    """Make a draft by hand."""

    supplier: SupplierName
    lines: Lines
    note: Annotated[Text, Note] = ""
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseEdit:
    """Change a draft: other units for a SKU, new SKUs, and 0 to take one away; what is left out stays."""

    order: Order
    lines: SomeLines = None
    note: Annotated[Text | None, Note] = None
    revision: Revision = None


@request(Scope.MANAGE)
class PurchaseSend:
    """Mark a draft as sent: from now on goods may come."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseClose:
    """End a sent order, whatever is outstanding."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.MANAGE)
class PurchaseCancel:
    """Cancel an order of which nothing came."""

    order: Order
    revision: Revision = None
    person: Person = ""


@request(Scope.STOCK, books=True)
class PurchaseReceive:
    """Book what came of a sent order; without lines, all that is outstanding."""

    order: Order
    lines: SomeLines = None
    over: Annotated[bool, Doc("More than is outstanding is meant.")] = False
    reference: Annotated[Text, Doc("The delivery note's number.")] = ""
    revision: Revision = None
    person: Person = ""


@request(Scope.READ)
class PurchaseList:
    """List purchase orders, the newest first."""

    state: Annotated[
        Literal["open", "draft", "sent", "closed", "cancelled"] | None,
        Doc("Only orders in this state; open is draft or sent."),
    ] = None
    supplier: Annotated[Text, Doc("Only of this supplier."), Option(metavar="NAME")] = ""
    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None,
        Doc("Only older ones: the id of the last one seen."),
        Option(metavar="NO"),
    ] = None
    limit: PageLimit = 100


@request(Scope.READ)
class PurchaseShow:
    """Show one purchase order with its lines."""

    order: Order
    left: Annotated[bool, Doc("Only lines of which something is to come.")] = False
    after: Annotated[int, Interval(ge=0), Doc("Begin after this line."), Option(metavar="LINE")] = 0
    limit: Annotated[int, Interval(ge=1, le=LINES_MAX), Doc("How many lines at most.")] = LINES_MAX
