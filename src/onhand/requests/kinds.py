"""Types of arguments that several requests share, with their bounds.

Path: the modules of ``requests`` annotate their fields with these.
Promise: each bound is written once, and is what the database, the domain or a file can hold.
Never: imports anything slow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from annotated_doc import Doc
from annotated_types import Interval, MaxLen

from onhand.domain.importing import FILE_BYTES_MAX, Form
from onhand.domain.numbers import Mark
from onhand.domain.stock import QUANTITY_MAX

from .declaring import Absent, Argument, Aware, Base64, Option

NUMBER_MAX = 2**62
MAPPED_MAX = 100  # headings of one mapping

Sku = Annotated[str, MaxLen(300)]
Text = Annotated[str, MaxLen(500)]
Units = Annotated[int, Interval(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
Number = Annotated[int, Interval(ge=1, le=NUMBER_MAX)]  # the number of a movement, an order, a task and so on
Product = Annotated[int, Interval(ge=1, le=2**63 - 1)]  # a product's id in its shop
Moment = Annotated[datetime, Aware()]
Person = Annotated[str, MaxLen(500), Doc("The person who does this.")]  # set by the entry point, never by a program
Limit = Annotated[int, Interval(ge=1, le=100_000), Doc("The most rows to return.")]
PageLimit = Annotated[int, Interval(ge=1, le=1000), Doc("The most rows to return.")]
Revision = Annotated[
    Annotated[int, Interval(ge=0, le=NUMBER_MAX)] | None,
    Doc("The revision you saw. If it has changed since, the request is refused as a conflict."),
    Absent("a command reads and writes in one step, so nothing can change in between"),
]
AllLines = Annotated[
    Annotated[int, Interval(ge=1, le=100_000)] | None,
    Doc("The most lines to return, changes first. The counts are for all lines."),
    Absent("a terminal shows all lines"),
]

Shared = Annotated[
    bool,
    Doc(
        "Accept counts taken a moment ago for another caller: a large store is counted once for all pages that ask this way,"
        " not at every change."
    ),
    Absent("a command runs alone and has no counts to share"),
]

CartName = Annotated[str, MaxLen(500), Doc("The cart's name."), Argument("CART")]
AnyCart = Annotated[Annotated[str, MaxLen(500)] | None, Doc("Only this cart."), Argument("CART")]
DryRun = Annotated[bool, Doc("Show what would happen; change nothing.")]

# Files
File = Annotated[bytes, Base64(), MaxLen(FILE_BYTES_MAX), Doc("The CSV or XLSX file."), Argument("FILE")]
FileForm = Annotated[Form, Doc("The format of the file."), Absent("the ending of --out decides it")]
Heading = Annotated[str, MaxLen(200)]
Column = Annotated[str, MaxLen(40)]
Mapping = Annotated[
    Annotated[dict[Heading, Column], MaxLen(MAPPED_MAX)] | None,
    Doc(
        "The column that a heading means, such as 'Free stock=on_hand'; an empty column leaves the heading out. One for each heading"
        " to map. The choice is remembered for files of this kind."
    ),
    Option("--map", metavar="HEADING=COLUMN"),
]
Decimal = Annotated[Mark | None, Doc("The decimal mark in the file, if a number such as 1.000 could mean two things.")]
