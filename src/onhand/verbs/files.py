"""Verbs about files that people import, and the one way in which verbs read them.

Path: ``item_import``, ``count_import`` and ``receive_import`` read their files with ``read`` and write through ``remembering``.
Promise: a mapping that a person chose is saved in the commit of the import, and used for files of that kind from then on.
Never: books anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from onhand.app import App
from onhand.domain.importing import FileKind as Kind
from onhand.domain.numbers import Mark
from onhand.files import sheets
from onhand.files.headings import mapping_of
from onhand.requests import files as requests
from onhand.services.ports import Books, House, Store
from onhand.wire import Data

from .registry import packed, verb

T = TypeVar("T")


def read(app: App, kind: Kind, file: bytes, mapping: Mapping[str, str] | None, decimal: Mark | None) -> sheets.Table:
    """Return the lines of a file, read with this call's mapping and the remembered one. Raise Refused."""
    remembered = app.read(lambda books: books.mappings.of(kind.value))
    return sheets.read(file, sheets.KINDS[kind], sheets.Choice(mapping or {}, remembered, decimal))


def remembering(app: App, kind: Kind, mapping: Mapping[str, str] | None) -> House:
    """Return the house with a store whose next write also saves the mapping."""
    chosen = mapping_of(mapping or {}, sheets.KINDS[kind].names)
    return replace(app.house, store=_Remembering(app.house.store, kind.value, chosen)) if chosen else app.house


@verb(requests.FileTemplate)
def file_template(app: App, asked: requests.FileTemplate) -> Data:  # noqa: ARG001 - a verb takes the app
    return {"kind": asked.kind.value, "file": packed(sheets.template(sheets.KINDS[asked.kind], asked.form))}


@dataclass(frozen=True, slots=True)
class _Remembering:
    """A store whose writes also save a mapping."""

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
