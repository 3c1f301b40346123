"""Keeps items: adds, finds and edits them.

Path: ``onhand item …`` and the Inventory screen → here; opening quantities go through ``bookkeeping.book``. Files: ``importing``.
Promise: a SKU names one item, whatever its case and outer blanks.
Never: removes an item that has movements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import structlog

from onhand.domain.errors import Conflict, Refused
from onhand.domain.inventory import tidied
from onhand.domain.stock import Item, Kind, Movement, check_quantity, check_sku, check_text, sku_key

from . import bookkeeping, tying
from .ports import Books, House

log = structlog.get_logger()


def find(books: Books, skus: Sequence[str]) -> list[Item]:
    """Return the items of these SKUs, in this order. Raise Refused and name every SKU without an item."""
    known = books.items.by_key(sorted({sku_key(sku) for sku in skus}))
    unknown = sorted({sku.strip() for sku in skus if sku_key(sku) not in known})
    if unknown:
        shown = ", ".join(repr(sku) for sku in unknown[:10]) + (" …" if len(unknown) > 10 else "")
        alike = books.items.look_alikes(unknown[:1000])
        like = "".join(f" {sku!r} only looks like {other!r}." for sku, other in list(alike.items())[:1])
        raise Refused(
            f"No item has the SKU {shown}: add it first, or correct the spelling.{like}",
            unknown=unknown[:1000],
            **({"looks_like": alike} if alike else {}),
        )
    return [known[sku_key(sku)] for sku in skus]


def add(house: House, sku: str, name: str, on_hand: int, person: str) -> Item:
    """Add an item with an opening quantity. Raise Refused if the SKU is taken or the quantity negative."""
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
    """Give an item another SKU, in the caller's unit of work; return it as it is kept. Raise Refused if it is taken.

    Listings that are in sync stay tied, as if a person had chosen them, whatever SKU their shops show. So no sale is missed until the SKU
    is changed in the shops too. All others follow their SKU.
    """
    checked = check_sku(sku)
    other = [x for x in books.listings.alike([], [item.id]) if sku_key(x.model or "") != sku_key(checked)]
    books.listings.settle([listing.id for listing in other if listing.tracked], item.id, ignored=False)
    books.items.change_sku(item.id, checked)
    tying.retie(books, [item.id], at, keys=[sku_key(item.sku)])
    return checked


def edit(
    house: House, sku: str, changes: Mapping[str, Any], new_sku: str | None, revision: int | None, person: str
) -> dict[str, Any]:
    """Change what people know of an item; return its SKU, its revision and how many listings were tied differently as a result.

    ``changes`` are fields of ``Particulars``. Raises Refused if something does not fit, Conflict if it was changed since ``revision``.
    """
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        item = find(books, [sku])[0]
        known = books.inventory.of([item.id])[item.id]
        if revision is not None and revision != known.revision:
            raise Conflict(
                f"{item.sku} was changed since you opened it: look at the current values.",
                reason="stale",
                current={**asdict(known), "sku": item.sku},
            )
        wanted = replace(known, **tidied(changes))
        wanted.check(item.sku)
        renamed = new_sku is not None and new_sku.strip() != item.sku
        if wanted == known and not renamed:
            return {"sku": item.sku, "revision": known.revision, "retied": 0}
        books.inventory.save({item.id: wanted})
        retied = 0
        kept = item.sku
        if renamed and new_sku is not None:
            kept = rename_sku(books, item, new_sku, at)
        if wanted.set_aside != known.set_aside:
            retied = len(tying.retie(books, [item.id], at))
        return {"sku": kept, "revision": known.revision + 1, "retied": retied}

    done = house.store.write(write)
    log.info("item.edited", person=person, was=sku, **done)
    return done
