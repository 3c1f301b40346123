"""What commands that read a file share: the mapping of its headings, its decimal mark, and templates to fill in.

Path: ``item import``, ``count import`` and ``receive --file`` take these options; ``program`` adds ``template`` to the program.
Promise: every kind of file takes the same options.
Never: reads a file; the verbs do.
"""

from __future__ import annotations

from typing import Annotated

import typer

from onhand.cli.console import Call, Out, command
from onhand.domain.importing import FileKind
from onhand.domain.numbers import Mark
from onhand.requests.files import FileTemplate

files = typer.Typer()  # its commands stand on the first level

MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADING=COLUMN",
        help="Read the column of this heading as that of ours, as in --map 'Free stock=on_hand'; nothing after = leaves it out. May be"
        " repeated; it is remembered for files of this kind.",
    ),
]
DecimalOption = Annotated[
    Mark | None, typer.Option("--decimal", help="The decimal mark in the file, where 1.000 could be two numbers.")
]


def mapping(words: list[str] | None) -> dict[str, str] | None:
    """HEADING=COLUMN words as a mapping. The last = divides, so that a heading may have one."""
    found = {}
    for word in words or []:
        heading, divided, column = word.rpartition("=")
        if not divided or not heading.strip():
            raise typer.BadParameter(f"{word!r} is not of the form HEADING=COLUMN, as in --map 'Free stock=on_hand'.")
        found[heading] = column.strip()
    return found or None


@command(files, "template", asks=FileTemplate)
def template(
    call: Call,
    kind: Annotated[FileKind, typer.Argument(metavar="KIND", help="items, counts or receipts.")],
    out: Out = None,
) -> None:
    """Write an empty file with the headings that such a file has, as CSV or XLSX, to fill in and import."""
    call.hand_over("file_template", out, "The template for {kind} is in {out}.", kind=kind.value)
