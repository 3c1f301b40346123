"""Keeps items: adds, finds, edits, imports them.

Path: ``onhand item …`` and the Inventory screen → here; opening quantities go through ``bookkeeping.book``.
Promise: a SKU names one item, whatever its case and outer blanks; a file is imported whole or not at all.
Never: removes an item that has movements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from onhand.domain.errors import Conflict, Refused
from onhand.domain.inventory import Particulars
from onhand.domain.stock import Item, Kind, Movement, check_quantity, check_sku, check_text, sku_key

from . import bookkeeping, tying
from .ports import Books, House

ROWS_SHOWN = 50  # of an import that is looked at before it is done

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


def edit(
    house: House, sku: str, changes: Mapping[str, Any], new_sku: str | None, revision: int | None, person: str
) -> dict[str, Any]:
    """Change what people know of an item; returns its SKU, its revision and how many listings got another tie by that.

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
        wanted = replace(known, **changes)
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


def import_items(house: House, entries: Sequence[Entry], person: str, dry_run: bool) -> dict[str, Any]:
    """Add and update items from a checked file, in one commit.

    Returns how many were added, changed and unchanged; of the changed, how many renamed, counted and edited otherwise; and the first
    ``rows`` that are not unchanged, with what changes from what to what. Raises Refused, naming the line, if something does not fit.
    """
    lines: dict[str, int] = {}
    for entry in entries:
        first = lines.setdefault(sku_key(entry.sku), entry.line)
        if first != entry.line:
            raise Refused(f"Lines {first} and {entry.line} have the same SKU {entry.sku!r}: keep one.", line=entry.line)
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        known = books.items.by_key(sorted(lines))
        before = books.inventory.of(sorted(item.id for item in known.values()))
        plans = [_plan(entry, known.get(sku_key(entry.sku)), before) for entry in entries]
        books.inventory.suppliers({plan.after.supplier for plan in plans})
        done = _counts(plans)
        if dry_run:
            return done
        made = books.items.add_all([(plan.entry.sku, plan.entry.name) for plan in plans if plan.item is None], at)
        ids = {plan: plan.item.id if plan.item else made[sku_key(plan.entry.sku)] for plan in plans}
        books.inventory.save({ids[plan]: plan.after for plan in plans if plan.after != plan.before})
        bookkeeping.book(books, [m for plan in plans if (m := _movement(plan, ids[plan], person, at))], at)
        books.listings.tie()
        tying.retie(books, [ids[plan] for plan in plans if plan.after.set_aside != plan.before.set_aside], at)
        return done

    done = house.store.read(write) if dry_run else house.store.write(write)
    counts = {word: number for word, number in done.items() if word != "rows"}
    log.info("items.imported", dry_run=dry_run, person=person, **counts)
    return done


@dataclass(frozen=True, eq=False)
class _Plan:
    """What one line of an import does. ``item`` is None for a new one."""

    entry: Entry
    item: Item | None
    before: Particulars
    after: Particulars

    @property
    def units(self) -> int:
        """What on hand changes by."""
        if self.entry.on_hand is None:
            return 0
        return self.entry.on_hand - (self.item.on_hand if self.item else 0)

    @property
    def changes(self) -> dict[str, list[Any]]:
        """From what to what, by field."""
        was, will = asdict(self.before), asdict(self.after)
        found = {name: [was[name], will[name]] for name in was if was[name] != will[name]}
        if self.units or self.item is None:
            here = self.item.on_hand if self.item else 0
            found["on_hand"] = [here, here + self.units]
        return found


def _plan(entry: Entry, item: Item | None, known: Mapping[int, Particulars]) -> _Plan:
    before = known[item.id] if item else Particulars(entry.name)
    given: dict[str, Any] = {
        "name": entry.name or before.name,
        "ignore_qoh": entry.ignore_qoh,
        "drop_ship": entry.drop_ship,
        "reorder_point": entry.reorder_point,
        "reorder_to": entry.reorder_to,
        "supplier": entry.supplier,
    }
    after = replace(before, **{name: value for name, value in given.items() if value is not None})
    try:
        after.check(entry.sku)
    except Refused as error:
        raise Refused(f"Line {entry.line}: {error.message}", **{**error.facts, "line": entry.line}) from error
    # Two spellings of one supplier are no change.
    if sku_key(after.supplier) == sku_key(before.supplier):
        after = replace(after, supplier=before.supplier)
    return _Plan(entry, item, before, after)


def _counts(plans: Sequence[_Plan]) -> dict[str, Any]:
    new = [plan for plan in plans if plan.item is None]
    old = [(plan, plan.changes) for plan in plans if plan.item is not None]
    changed = [(plan, changes) for plan, changes in old if changes]
    shown = [*((plan, "added", plan.changes) for plan in new[:ROWS_SHOWN])]
    shown += [(plan, "changed", changes) for plan, changes in changed[:ROWS_SHOWN]]
    return {
        "added": len(new),
        "changed": len(changed),
        "unchanged": len(old) - len(changed),
        "renamed": sum("name" in changes for _, changes in changed),
        "counted": sum("on_hand" in changes for _, changes in changed),
        "edited": sum(bool(changes.keys() - {"name", "on_hand"}) for _, changes in changed),
        "rows": [
            {"line": plan.entry.line, "sku": plan.entry.sku, "name": plan.after.name, "what": what, "changes": changes}
            for plan, what, changes in sorted(shown, key=lambda row: row[0].entry.line)[:ROWS_SHOWN]
        ],
    }


def _movement(plan: _Plan, item: int, person: str, at: datetime) -> Movement | None:
    """The opening of a new item, the count of a known one, or nothing."""
    if not plan.units:
        return None
    if plan.item is None:
        return Movement(item, Kind.OPENING, plan.units, f"opening/{item}", person=person)
    origin = f"import/{at.timestamp():.6f}/{item}"
    return Movement(item, Kind.COUNT, plan.units, origin, reason="imported", person=person)
