"""Verbs about files that people bring, and how every verb reads one.

Path: ``item_import``, ``count_import`` and ``receive_import`` read their files with ``read`` and write through ``remembering``.
Promise: a mapping that a person chose is kept in one commit with what was imported by it, and used for such files from then on.
Never: books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from onhand.app import App
from onhand.domain.importing import FileKind as Kind
from onhand.domain.numbers import Mark
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.files.headings import mapping_of
from onhand.services.ports import Books, House, Store
from onhand.wire import Data

from .registry import packed, verb

T = TypeVar("T")
MAPPED_MAX = 100  # headings of one mapping

Heading = Annotated[str, StringConstraints(max_length=200)]
Mapping = Annotated[dict[Heading, Annotated[str, StringConstraints(max_length=40)]], Field(max_length=MAPPED_MAX)]
Decimal = Mark | None


def read(app: App, kind: Kind, file: bytes, mapping: Mapping | None, decimal: Decimal) -> sheets.Table:
    """Return the lines of a file, by the mapping of this call and those that were chosen before. Raise Refused."""
    remembered = app.read(lambda books: books.mappings.of(kind.value))
    return sheets.read(file, sheets.KINDS[kind], sheets.Choice(mapping or {}, remembered, decimal))


def remembering(app: App, kind: Kind, mapping: Mapping | None) -> House:
    """Return the house, whose next write also keeps a mapping."""
    chosen = mapping_of(mapping or {}, sheets.KINDS[kind].names)
    return replace(app.house, store=_Remembering(app.house.store, kind.value, chosen)) if chosen else app.house


@verb(Scope.READ)
def file_template(app: App, kind: Kind, form: sheets.Form = sheets.Form.CSV) -> Data:  # noqa: ARG001 - a verb takes the app
    """Give an empty file with the headings that a kind of file has."""
    return {"kind": kind.value, "file": packed(sheets.template(sheets.KINDS[kind], form))}


@dataclass(frozen=True, slots=True)
class _Remembering:
    """A store whose writes keep a mapping too."""

    store: Store
    kind: str
    chosen: dict[str, str]

    def write(self, unit: Callable[[Books], T]) -> T:
        def both(books: Books) -> T:
            books.mappings.remember(self.kind, self.chosen)
            return unit(books)

        return self.store.write(both)

    def read(self, unit: Callable[[Books], T]) -> T:
        return self.store.read(unit)
