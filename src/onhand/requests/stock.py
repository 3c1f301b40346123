"""What the verbs of ``verbs.stock`` take: items, receipts, adjustments and movements.

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

NO_LEVEL = -1  # a reorder point or level that is taken away

ItemSku = Annotated[Sku, Doc("The item's SKU; case and outer blanks do not count."), Argument("SKU")]
Name = Doc("What it is.")
Level = Annotated[int, Interval(ge=NO_LEVEL, le=QUANTITY_MAX)]
Reference = Annotated[Text, Doc("The delivery's number; it is booked once.")]
Note = Annotated[Text, Doc("A remark that is kept with it.")]


@request(Scope.STOCK, books=True)
class ItemAdd:
    """Add an item, with what is on hand of it at the beginning."""

    sku: ItemSku
    name: Annotated[Text, Name] = ""
    on_hand: Annotated[Units, Doc("The opening quantity.")] = 0
    person: Person = ""


@request(Scope.READ)
class ItemList:
    """List items in SKU order: what is on hand, and what each shop shows.

    ``count``: how many there are in all, whatever was asked for.
    """

    search: Annotated[Text, Doc("Only items with this in SKU or name."), Argument("TEXT")] = ""
    after: Annotated[Text, Doc("Begin after this SKU."), Option(metavar="SKU")] = ""
    before: Annotated[Text, Doc("The last ones before this SKU."), Option(metavar="SKU")] = ""
    below_zero: Annotated[bool, Doc("Only items with less than none on hand.")] = False
    reorder: Annotated[bool, Doc("Only items at or below their reorder point.")] = False
    set_aside: Annotated[bool, Doc("Only items with Ignore QOH or Drop ship.")] = False
    supplier: Annotated[Text, Doc("Only items of this supplier."), Option(metavar="NAME")] = ""
    limit: Limit = 1000


@request(Scope.READ)
class ItemShow:
    """Show one item: each shop's count, and its latest movements."""

    sku: ItemSku
    limit: Limit = 20


@request(Scope.MANAGE, books=True)
class ItemEdit:
    """Change what is known of an item; what is not given stays."""

    sku: ItemSku
    name: Annotated[Text | None, Name] = None
    new_sku: Annotated[Sku | None, Doc("Another SKU, at our side."), Option(metavar="SKU")] = None
    ignore_qoh: Annotated[bool | None, Doc("Keep our count, but do not keep shops in step with it.")] = None
    drop_ship: Annotated[bool | None, Doc("The supplier ships it: it is not ordered, counted or synced.")] = None
    reorder_point: Annotated[Level | None, Blank(NO_LEVEL), Doc("At or below it, it is time to order; -1: none.")] = (
        None
    )
    reorder_to: Annotated[Level | None, Blank(NO_LEVEL), Doc("Order up to this many; -1: none.")] = None
    supplier: Annotated[Text | None, Doc("Whom it is bought from; '' for nobody."), Option(metavar="NAME")] = None
    barcode: Annotated[Text | None, Doc("Its EAN, GTIN, UPC or a code of your own; '' for none.")] = None
    location: Annotated[Text | None, Doc("Where it is on the shelf, such as A-03-2; '' for nowhere.")] = None
    revision: Revision = None
    person: Person = ""


@request(Scope.READ)
class StockHistory:
    """Show what was on hand of an item over time: exact at each point, with as many points as fit, and now."""

    sku: ItemSku
    points: Annotated[int, Interval(ge=2, le=500), Doc("How many moments at most.")] = 500


@request(Scope.MANAGE, books=True)
class ItemImport:
    """Add and update items from a CSV or XLSX file, whole or not at all. What was sold since an export of ours is kept.

    Any other quantity that differs is refused unless ``overwrite`` says that a person has seen it.
    """

    file: File
    person: Person = ""
    dry_run: DryRun = False
    overwrite: Annotated[
        bool,
        Doc("Overwrite counts although the file does not say when it was made, without asking."),
        Option("--yes"),
    ] = False
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.READ)
class ItemExport:
    """Write all items to a file.

    It says what is on hand now and which movement was the newest, so that a later import keeps what was booked in between.
    """

    form: FileForm = Form.CSV


@request(Scope.STOCK, books=True)
class Receive:
    """Receive goods: lines of a SKU and units each."""

    lines: Annotated[list[tuple[Sku, Units]], Doc("A SKU and how many units, as in TEA=12."), Argument("SKU=N...")]
    reference: Reference = ""
    person: Person = ""
    note: Note = ""


@request(Scope.STOCK, books=True)
class ReceiveImport:
    """Receive the goods of a CSV or XLSX file: all of it, or nothing."""

    file: Annotated[File, Option("--file", metavar="FILE")]
    reference: Reference = ""
    person: Person = ""
    note: Note = ""
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.STOCK, books=True)
class Adjust:
    """Correct a quantity by hand, as in `onhand adjust TEA -3 --reason damaged`."""

    sku: ItemSku
    change: Annotated[Units | None, Doc("How many units more or fewer."), Argument("+N|-N")] = None
    counted: Annotated[Units | None, Doc("What was counted on the shelf, instead of a change.")] = None
    reason: Annotated[Text, Doc("Why; it is kept with the movement.")] = ""
    person: Person = ""
    below_zero: Annotated[bool, Doc("Allow fewer than none on hand.")] = False
    seen: Annotated[Units | None, Doc("Book the count only if this many are on hand here still.")] = None


@request(Scope.READ)
class Movements:
    """List movements, newest first."""

    sku: Annotated[Sku | None, Doc("Only this item's."), Argument("SKU")] = None
    kind: Annotated[Kind | None, Doc("Only movements of this kind.")] = None
    cart: Annotated[Text, Doc("Only what this shop brought about."), Option(metavar="CART")] = ""
    by: Annotated[Text, Doc("Only what this person did."), Option(metavar="NAME")] = ""
    limit: Limit = 100
    before: Annotated[Number | None, Doc("Only movements before this number."), Option(metavar="NO")] = None
