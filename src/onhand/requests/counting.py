"""The arguments of the verbs in ``verbs.counting``: count sheets.

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
    Doc("When the shelf was counted, if not now, such as 2026-11-25T08:30:00."),
    Option(metavar="TIME"),
]
AddLines = Annotated[bool, Doc("Add SKUs that are not on the sheet.")]
AfterSku = Annotated[Sku, Doc("Continue after this SKU."), Option(metavar="SKU")]


@request(Scope.READ)
class CountList:
    """List count sheets, newest first."""

    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None,
        Doc("Only sheets before this number."),
        Option(metavar="NO"),
    ] = None
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountAdd:
    """Create a count sheet with all items, or with some."""

    name: Annotated[str, MaxLen(100), Doc("The sheet's name, such as a shelf or a day."), Argument("NAME")]
    search: Annotated[Text, Doc("Only items with this text in their SKU or name."), Option(metavar="TEXT")] = ""
    supplier: Annotated[Text, Doc("Only items of this supplier."), Option(metavar="NAME")] = ""
    skus: Annotated[
        Annotated[list[Sku], MaxLen(LINES_MAX)] | None,
        Doc("Only this SKU. One for each SKU to count."),
        Option("--sku", metavar="SKU"),
    ] = None
    person: Person = ""


@request(Scope.READ)
class CountShow:
    """Show a count sheet's lines in SKU order, without the expected quantities."""

    sheet: Sheet
    after: AfterSku = ""
    before: Annotated[Sku, Doc("The last lines before this SKU."), Option(metavar="SKU")] = ""
    search: Annotated[Text, Doc("Only lines with this text in their SKU or name."), Option(metavar="TEXT")] = ""
    left: Annotated[bool, Doc("Only lines that are not counted yet.")] = False
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountEnter:
    """Enter counts, all of them or none. Each keeps what was on hand at that moment."""

    sheet: Sheet
    lines: Annotated[
        list[CountEntry],
        MaxLen(LINES_MAX),
        Doc("A SKU and its count, such as TEA=12."),
        Argument("SKU=N..."),
    ]
    counted_at: CountedAt = None
    add_lines: AddLines = False
    person: Person = ""


@request(Scope.STOCK, books=True)
class CountImport:
    """Enter the counts of a file, all of them or none. Lines without a count are skipped."""

    sheet: Sheet
    file: File
    how: Annotated[How, Doc("What to do with lines that are already counted; ask: refuse and name them.")] = How.ASK
    counted_at: CountedAt = None
    add_lines: AddLines = False
    person: Person = ""
    mapping: Mapping = None
    decimal: Decimal = None


@request(Scope.READ)
class CountExport:
    """Export a count sheet to fill in, with SKU, name and an empty column."""

    sheet: Sheet
    form: FileForm = Form.CSV


@request(Scope.READ)
class CountReview:
    """Show what posting a count sheet would book, biggest variances first."""

    sheet: Sheet
    after: AfterSku = ""
    limit: PageLimit = 50


@request(Scope.STOCK, books=True)
class CountPost:
    """Post a count sheet: book the variances, all at once. Uncounted lines are skipped."""

    sheet: Sheet
    revision: Revision = None
    person: Person = ""


@request(Scope.STOCK, books=True)
class CountDiscard:
    """Discard a count sheet. Nothing is booked."""

    sheet: Sheet
    revision: Revision = None
    person: Person = ""
