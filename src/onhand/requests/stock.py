"""The arguments of the verbs in ``verbs.stock``: items, receipts, adjustments and movements.

Path: bound by ``verbs.stock``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc
from annotated_types import Interval

from onhand.domain.importing import Form
from onhand.domain.people import Scope
from onhand.domain.stock import QUANTITY_MAX, Kind

from .declaring import Argument, Blank, Option, request
from .kinds import Decimal, DryRun, File, FileForm, Limit, Mapping, Number, Person, Revision, Sku, Text, Units

NO_LEVEL = -1  # removes a reorder point or level

ItemSku = Annotated[Sku, Doc("The item's SKU. Case and surrounding spaces do not matter."), Argument("SKU")]
Name = Doc("The item's name.")
Level = Annotated[int, Interval(ge=NO_LEVEL, le=QUANTITY_MAX)]
Reference = Annotated[Text, Doc("The delivery's number; the same number is booked once.")]
Note = Annotated[Text, Doc("A note to keep with it.")]


@request(Scope.STOCK, books=True)
class ItemAdd:
    """Add an item with its opening quantity."""

    sku: ItemSku
    name: Annotated[Text, Name] = ""
    on_hand: Annotated[Units, Doc("The opening quantity.")] = 0
    person: Person = ""


@request(Scope.READ)
class ItemList:
    """List items in SKU order, with the quantity on hand and in each shop.

    ``count``: the number of all items, regardless of the filters.
    """

    search: Annotated[Text, Doc("Only items with this text in their SKU or name."), Argument("TEXT")] = ""
    after: Annotated[Text, Doc("Continue after this SKU."), Option(metavar="SKU")] = ""
    before: Annotated[Text, Doc("The last items before this SKU."), Option(metavar="SKU")] = ""
    below_zero: Annotated[bool, Doc("Only items below zero.")] = False
    reorder: Annotated[bool, Doc("Only items at or below their reorder point.")] = False
    set_aside: Annotated[bool, Doc("Only items with Ignore QOH or Drop ship.")] = False
    supplier: Annotated[Text, Doc("Only items of this supplier."), Option(metavar="NAME")] = ""
    limit: Limit = 1000


@request(Scope.READ)
class ItemShow:
    """Show one item with each shop's count and the latest movements."""

    sku: ItemSku
    limit: Limit = 20


@request(Scope.MANAGE, books=True)
class ItemEdit:
    """Change an item's details. Fields you leave out keep their value."""

    sku: ItemSku
    name: Annotated[Text | None, Name] = None
    new_sku: Annotated[Sku | None, Doc("The new SKU, in OnHand only."), Option(metavar="SKU")] = None
    ignore_qoh: Annotated[
        bool | None, Doc("Ignore QOH: keep OnHand's count, but do not keep shops in sync with it.")
    ] = None
    drop_ship: Annotated[
        bool | None, Doc("Drop ship: the supplier ships it, so it is not ordered, counted or kept in sync.")
    ] = None
    reorder_point: Annotated[Level | None, Blank(NO_LEVEL), Doc("Reorder at or below this quantity; -1: none.")] = None
    reorder_to: Annotated[Level | None, Blank(NO_LEVEL), Doc("Order up to this quantity; -1: none.")] = None
    supplier: Annotated[Text | None, Doc("The item's supplier; '' for none."), Option(metavar="NAME")] = None
    barcode: Annotated[Text | None, Doc("The EAN, GTIN, UPC or a code of your own; '' for none.")] = None
    location: Annotated[Text | None, Doc("The place on the shelf, such as A-03-2; '' for none.")] = None
    revision: Revision = None
    person: Person = ""


@request(Scope.READ)
class StockHistory:
    """Show an item's quantity on hand over time. Each point is exact; the last one is now."""

    sku: ItemSku
    points: Annotated[int, Interval(ge=2, le=500), Doc("The most points to return.")] = 500


@request(Scope.MANAGE, books=True)
class ItemImport:
    """Add and update items from a CSV or XLSX file, all of it or nothing. Sales since an export from OnHand are kept.

    Any other quantity that differs is refused, unless ``overwrite`` says that a person has confirmed it.
    """

    file: File
    person: Person = ""
    dry_run: DryRun = False
    overwrite: Annotated[
        bool,
        Doc("Overwrite counts without asking, even if the file does not say when it was made."),
        Option("--yes"),
    ] = False
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.READ)
class ItemExport:
    """Export all items to a file.

    The file holds each quantity on hand and the number of the newest movement. A later import uses them to keep what was booked
    in between.
    """

    form: FileForm = Form.CSV


@request(Scope.STOCK, books=True)
class Receive:
    """Receive goods: one line per SKU, with its units."""

    lines: Annotated[list[tuple[Sku, Units]], Doc("A SKU and a number of units, such as TEA=12."), Argument("SKU=N...")]
    reference: Reference = ""
    person: Person = ""
    note: Note = ""


@request(Scope.STOCK, books=True)
class ReceiveImport:
    """Receive the goods in a CSV or XLSX file, all of it or nothing."""

    file: Annotated[File, Option("--file", metavar="FILE")]
    reference: Reference = ""
    person: Person = ""
    note: Note = ""
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.STOCK, books=True)
class Adjust:
    """Correct a quantity by hand, by a change or a count."""

    sku: ItemSku
    change: Annotated[Units | None, Doc("Units to add or subtract."), Argument("+N|-N")] = None
    counted: Annotated[Units | None, Doc("The count on the shelf, instead of a change.")] = None
    reason: Annotated[Text, Doc("The reason, kept with the movement.")] = ""
    person: Person = ""
    below_zero: Annotated[bool, Doc("Allow negative stock.")] = False
    seen: Annotated[Units | None, Doc("Book the count only if this many are still on hand.")] = None


@request(Scope.READ)
class Movements:
    """List movements, newest first."""

    sku: Annotated[Sku | None, Doc("Only movements of this item."), Argument("SKU")] = None
    kind: Annotated[Kind | None, Doc("Only movements of this kind.")] = None
    cart: Annotated[Text, Doc("Only movements from this shop."), Option(metavar="CART")] = ""
    by: Annotated[Text, Doc("Only movements by this person."), Option(metavar="NAME")] = ""
    limit: Limit = 100
    before: Annotated[Number | None, Doc("Only movements before this number."), Option(metavar="NO")] = None
