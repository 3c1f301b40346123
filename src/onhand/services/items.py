"""Keeps items: adds, finds, imports them.

Path: ``onhand item …`` and the Inventory screen → here; opening quantities go through ``bookkeeping.book``.
Promise: a SKU names one item, whatever its case and outer blanks; a file is imported whole or not at all.
Never: removes an item that has movements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from onhand.domain.errors import Refused
from onhand.domain.stock import Item, Kind, Movement, check_quantity, check_sku, check_text, sku_key

from . import bookkeeping
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
    """One line of an import, checked. ``on_hand`` None leaves the quantity alone."""

    line: int
    sku: str
    name: str
    on_hand: int | None


def add(house: House, sku: str, name: str, on_hand: int, person: str) -> Item:
    """A new item with an opening quantity. Raises Refused if the SKU is taken or the quantity negative."""
    checked, title = check_sku(sku), check_text(name, "name")
    if check_quantity(on_hand) < 0:
        raise Refused("An opening quantity cannot be negative.", sku=checked, quantity=on_hand)
    at = house.clock.now()

    def write(books: Books) -> Item:
        item = books.items.add(checked, title, at)
        if on_hand:
            movement = Movement(item, Kind.OPENING, on_hand, f"opening/{item}", person=person)
            bookkeeping.book(books, [movement], at)
        books.listings.tie({sku_key(checked): item})
        return books.items.by_id([item])[item]

    added = house.store.write(write)
    log.info("item.added", sku=added.sku, on_hand=on_hand, person=person)
    return added


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
        done = {"added": 0, "renamed": 0, "counted": 0, "unchanged": 0}
        movements, made = [], {}
        for entry in entries:
            item = known.get(sku_key(entry.sku))
            if item is None:
                done["added"] += 1
                if not dry_run:
                    number = made[sku_key(entry.sku)] = books.items.add(entry.sku, entry.name, at)
                    if entry.on_hand:
                        movements.append(
                            Movement(number, Kind.OPENING, entry.on_hand, f"opening/{number}", person=person)
                        )
                continue
            renamed = bool(entry.name) and entry.name != item.name
            counted = entry.on_hand is not None and entry.on_hand != item.on_hand
            done["renamed"] += renamed
            done["counted"] += counted
            done["unchanged"] += not renamed and not counted
            if renamed and not dry_run:
                books.items.rename(item.id, entry.name)
            if counted and entry.on_hand is not None:
                origin = f"import/{at.timestamp():.6f}/{item.id}"
                change = entry.on_hand - item.on_hand
                movements.append(Movement(item.id, Kind.COUNT, change, origin, person=person, reason="imported"))
        if not dry_run:
            bookkeeping.book(books, movements, at)
            books.listings.tie(made)
        return done

    done = house.store.read(write) if dry_run else house.store.write(write)
    log.info("items.imported", dry_run=dry_run, person=person, **done)
    return done
