"""Options of commands that read a file: the mapping of its headings and its decimal mark; and templates to fill in.

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

files = typer.Typer()  # its commands are top-level

MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADING=COLUMN",
        help="The column that a heading means, such as 'Free stock=on_hand'; an empty column leaves the heading out. One for each heading"
        " to map. The choice is remembered for files of this kind.",
    ),
]
DecimalOption = Annotated[
    Mark | None,
    typer.Option("--decimal", help="The decimal mark in the file, if a number such as 1.000 could mean two things."),
]


def mapping(words: list[str] | None) -> dict[str, str] | None:
    """Return HEADING=COLUMN words as a mapping. The last = divides, because a heading may contain one."""
    found = {}
    for word in words or []:
        heading, divided, column = word.rpartition("=")
        if not divided or not heading.strip():
            raise typer.BadParameter(f"{word!r} is not of the form HEADING=COLUMN, such as --map 'Free stock=on_hand'.")
        found[heading] = column.strip()
    return found or None


@command(files, "template", asks=FileTemplate)
def template(
    call: Call,
    kind: Annotated[FileKind, typer.Argument(metavar="KIND", help="The kind of file: items, counts or receipts.")],
    out: Out = None,
) -> None:
    """Create an empty file with the right headings, as CSV or XLSX, to fill in and import."""
    call.hand_over("file_template", out, "The template for {kind} was written to {out}.", kind=kind.value)
