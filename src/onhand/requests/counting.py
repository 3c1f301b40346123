"""What the verbs of ``verbs.counting`` take: count sheets.

Path: bound by ``verbs.counting``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc
from annotated_types import Interval, MaxLen

from onhand.domain.counting import LINES_MAX, CountEntry, How
from onhand.domain.importing import Form
from onhand.domain.people import Scope

from .declaring import Argument, Option, request
from .kinds import NUMBER_MAX, Decimal, File, FileForm, Mapping, Moment, PageLimit, Person, Revision, Sku, Text

Sheet = Annotated[int, Interval(ge=1, le=NUMBER_MAX), Doc("The count sheet's number."), Argument("SHEET")]
CountedAt = Annotated[
    Moment | None,
    Doc("When the shelf was counted, if not now, as in 2026-11-25T08:30:00."),
    Option(metavar="TIME"),
]
AddLines = Annotated[bool, Doc("Put SKUs on the sheet that are not on it.")]
AfterSku = Annotated[Sku, Doc("Begin after this SKU."), Option(metavar="SKU")]


@request(Scope.READ)
class CountList:
    """List count sheets, newest first."""

    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None,
        Doc("Only sheets before this one."),
        Option(metavar="NO"),
    ] = None
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountAdd:
    """Make a count sheet of all items, or of some."""

    name: Annotated[str, MaxLen(100), Doc("What is counted, such as a shelf or a day."), Argument("NAME")]
    search: Annotated[Text, Doc("Items with this in SKU or name."), Option(metavar="TEXT")] = ""
    supplier: Annotated[Text, Doc("Items of this supplier."), Option(metavar="NAME")] = ""
    skus: Annotated[
        Annotated[list[Sku], MaxLen(LINES_MAX)] | None,
        Doc("Only this one; may be repeated."),
        Option("--sku", metavar="SKU"),
    ] = None
    person: Person = ""


@request(Scope.READ)
class CountShow:
    """Show a count sheet's lines in SKU order, without what is expected."""

    sheet: Sheet
    after: AfterSku = ""
    before: Annotated[Sku, Doc("The last ones before this SKU."), Option(metavar="SKU")] = ""
    search: Annotated[Text, Doc("Lines with this in SKU or name."), Option(metavar="TEXT")] = ""
    left: Annotated[bool, Doc("Only lines that nobody counted.")] = False
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountEnter:
    """Enter what was counted, all of it or nothing; what is on hand at this moment is kept with it."""

    sheet: Sheet
    lines: Annotated[
        list[CountEntry],
        MaxLen(LINES_MAX),
        Doc("A SKU and what was counted, as in TEA=12."),
        Argument("SKU=N..."),
    ]
    counted_at: CountedAt = None
    add_lines: AddLines = False
    person: Person = ""


@request(Scope.STOCK, books=True)
class CountImport:
    """Enter the counts of a file, whole or not at all; lines without a count are left alone."""

    sheet: Sheet
    file: File
    how: Annotated[How, Doc("What to do with lines that are counted already: ask refuses and names them.")] = How.ASK
    counted_at: CountedAt = None
    add_lines: AddLines = False
    person: Person = ""
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.READ)
class CountExport:
    """Write a count sheet to fill in: SKU, name and an empty column."""

    sheet: Sheet
    form: FileForm = Form.CSV


@request(Scope.READ)
class CountReview:
    """Show what posting a count sheet would book, the biggest differences first."""

    sheet: Sheet
    after: AfterSku = ""
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountPost:
    """Book what was counted, whole and once; lines that nobody counted are left alone."""

    sheet: Sheet
    revision: Revision = None
    person: Person = ""


@request(Scope.STOCK, books=True)
class CountDiscard:
    """Discard a count sheet; nothing is booked."""

    sheet: Sheet
    revision: Revision = None
    person: Person = ""
