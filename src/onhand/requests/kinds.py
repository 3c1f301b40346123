"""The types of arguments that several requests share, with their bounds.

Path: the modules of ``requests`` annotate their fields with these.
Promise: a bound is written once; each is what the database, the domain or a file can hold.
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
Number = Annotated[int, Interval(ge=1, le=NUMBER_MAX)]  # of a movement, an order, a task: whatever is counted up
Product = Annotated[int, Interval(ge=1, le=2**63 - 1)]  # a product's id in its shop
Moment = Annotated[datetime, Aware()]
Person = Annotated[str, MaxLen(500), Doc("Who does this.")]  # set by whoever takes the request, never by a program
Limit = Annotated[int, Interval(ge=1, le=100_000), Doc("How many at most.")]
PageLimit = Annotated[int, Interval(ge=1, le=1000), Doc("How many at most.")]
Revision = Annotated[
    Annotated[int, Interval(ge=0, le=NUMBER_MAX)] | None,
    Doc("The revision that you saw. If it has changed since, this is a conflict."),
    Absent("a command reads and writes in one step, so nothing can change in between"),
]
AllLines = Annotated[
    Annotated[int, Interval(ge=1, le=100_000)] | None,
    Doc("How many lines at most, changes first; the counts are of all."),
    Absent("a terminal shows them all"),
]

Shared = Annotated[
    bool,
    Doc(
        "With counts that were taken for somebody else a moment ago: a large store is counted once for all pages that ask like this,"
        " and not at every change."
    ),
    Absent("one command has nobody to share with"),
]

CartName = Annotated[str, MaxLen(500), Doc("The cart's name."), Argument("CART")]
AnyCart = Annotated[Annotated[str, MaxLen(500)] | None, Doc("Only this cart."), Argument("CART")]
DryRun = Annotated[bool, Doc("Show what would happen; change nothing.")]

# Files
File = Annotated[bytes, Base64(), MaxLen(FILE_BYTES_MAX), Doc("A CSV or XLSX file."), Argument("FILE")]
FileForm = Annotated[Form, Doc("How the file is written."), Absent("the ending of --out says it")]
Heading = Annotated[str, MaxLen(200)]
Column = Annotated[str, MaxLen(40)]
Mapping = Annotated[
    Annotated[dict[Heading, Column], MaxLen(MAPPED_MAX)] | None,
    Doc(
        "Read the column of this heading as that of ours, as in --map 'Free stock=on_hand'; nothing after = leaves it out. May be"
        " repeated; it is remembered for files of this kind."
    ),
    Option("--map", metavar="HEADING=COLUMN"),
]
Decimal = Annotated[Mark | None, Doc("The decimal mark in the file, where 1.000 could be two numbers.")]
