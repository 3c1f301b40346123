"""Keeps items: adds, finds, imports them.

Path: ``onhand item …`` and the Inventory screen → here; opening quantities go through ``bookkeeping.book``.
Promise: a SKU names one item, whatever its case and outer blanks; a file is imported whole or not at all.
Never: removes an item that has movements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from onhand.domain.errors import Refused
from onhand.domain.stock import Item, Kind, Movement, check_quantity, check_sku, check_text, sku_key

from . import bookkeeping, tying
from .ports import Books, House

log = structlog.get_logger()


def find(books: Books, skus: Sequence[str]) -> list[Item]:
    """The items of these SKUs, in this order. Raises Refused and names every SKU that no item has."""
    known = books.items.by_key(sorted({sku_key(sku) for sku in skus}))
    unknown = sorted({sku.strip() for sku in skus if sku_key(sku) not in known})
    if unknown:
        shown = ", ".join(repr(sku) for sku in unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise Refused(f"No item has the SKU {shown}: add it first, or correct the spelling.", unknown=unknown[:1000])
    return [known[sku_key(sku)] for sku in skus]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an import, checked. What is None, and a blank name, is left alone."""

    line: int
    sku: str
    name: str = ""
    on_hand: int | None = None
    reorder_point: int | None = None
    reorder_to: int | None = None
    supplier: str | None = None
    ignore_qoh: bool | None = None
    drop_ship: bool | None = None


def add(house: House, sku: str, name: str, on_hand: int, person: str) -> Item:
    """A new item with an opening quantity. Raises Refused if the SKU is taken or the quantity negative."""
    checked, title = check_sku(sku), check_text(name, "name")
    if check_quantity(on_hand) < 0:
        raise Refused("An opening quantity cannot be negative.", sku=checked, quantity=on_hand)
    at = house.clock.now()

    def write(books: Books) -> int:
        item = books.items.add(checked, title, at)
        if on_hand:
            movement = Movement(item, Kind.OPENING, on_hand, f"opening/{item}", person=person)
            bookkeeping.book(books, [movement], at)
        books.listings.tie()
        return item

    item = house.store.write(write)
    added = house.store.read(lambda books: books.items.by_id([item]))[item]
    log.info("item.added", sku=added.sku, on_hand=on_hand, person=person)
    return added


def rename_sku(books: Books, item: Item, sku: str, at: datetime) -> str:
    """Give an item another SKU, in the caller's unit of work; returns it as it is kept. Raises Refused if it is taken.

    Listings that are in step stay tied, as if they had been chosen, whatever SKU their shops show: so no sale is missed until the
    shops are renamed too. All others go by their SKU.
    """
    checked = check_sku(sku)
    other = [x for x in books.listings.alike([], [item.id]) if sku_key(x.model or "") != sku_key(checked)]
    books.listings.settle([listing.id for listing in other if listing.tracked], item.id, ignored=False)
    books.items.change_sku(item.id, checked)
    tying.retie(books, [item.id], at, keys=[sku_key(item.sku)])
    return checked


def import_items(house: House, entries: Sequence[Entry], person: str, dry_run: bool) -> dict[str, int]:
    """Add and update items from a checked file, in one commit; returns how many were added, renamed, counted, unchanged.

    Raises Refused, naming the line, if two lines have the same SKU.
    """
    lines: dict[str, int] = {}
    for entry in entries:
        first = lines.setdefault(sku_key(entry.sku), entry.line)
        if first != entry.line:
            raise Refused(f"Lines {first} and {entry.line} have the same SKU {entry.sku!r}: keep one.", line=entry.line)
    at = house.clock.now()

    def write(books: Books) -> dict[str, int]:
        known = books.items.by_key(sorted(lines))
        new = [entry for entry in entries if sku_key(entry.sku) not in known]
        old = [(entry, known[sku_key(entry.sku)]) for entry in entries if sku_key(entry.sku) in known]
        renamed = [(item, entry.name) for entry, item in old if entry.name and entry.name != item.name]
        counted = [
            (item, entry.on_hand - item.on_hand)
            for entry, item in old
            if entry.on_hand is not None and entry.on_hand != item.on_hand
        ]
        if not dry_run:
            made = books.items.add_all([(entry.sku, entry.name) for entry in new], at)
            for item, name in renamed:
                books.items.rename(item.id, name)
            bookkeeping.book(books, _imported(new, made, counted, person, at), at)
            books.listings.tie()
        same = len(old) - len({item.id for item, _ in renamed} | {item.id for item, _ in counted})
        return {"added": len(new), "renamed": len(renamed), "counted": len(counted), "unchanged": same}

    done = house.store.read(write) if dry_run else house.store.write(write)
    log.info("items.imported", dry_run=dry_run, person=person, **done)
    return done


def _imported(
    new: Sequence[Entry], made: Mapping[str, int], counted: Sequence[tuple[Item, int]], person: str, at: datetime
) -> list[Movement]:
    """The movements of an import: openings of new items, counts of known ones."""
    openings = [
        Movement(
            made[sku_key(entry.sku)], Kind.OPENING, entry.on_hand, f"opening/{made[sku_key(entry.sku)]}", person=person
        )
        for entry in new
        if entry.on_hand
    ]
    counts = [
        Movement(
            item.id, Kind.COUNT, change, f"import/{at.timestamp():.6f}/{item.id}", person=person, reason="imported"
        )
        for item, change in counted
    ]
    return openings + counts
