"""Imports items from a file: adds and updates them, and keeps what was sold and received since the file was exported.

Path: ``onhand item import``, the Import screen and ``item_import`` → here; quantities go through ``bookkeeping.book``.
Promise: a file is imported whole or not at all; a count that would overwrite what was booked is shown first and needs a confirmation.
Never: applies a line of a file to another item than a person would read in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from onhand.domain import importing
from onhand.domain.errors import Conflict, Refused
from onhand.domain.importing import IMPORTED, NOTHING, RECENT, Base, Change, Since
from onhand.domain.inventory import FIELDS, Particulars, tidied
from onhand.domain.spelling import writable
from onhand.domain.stock import Item, Kind, Movement, sku_key

from . import bookkeeping, tying
from .ports import Books, House

ROWS_SHOWN = 50  # an import that is shown before it is done
NAMED_MAX = 100  # SKUs named in one error

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an import, checked. A value that is None, or not in ``fields``, stays as it is. Exported values
    come from our own export."""

    line: int
    sku: str
    on_hand: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  # of ``Particulars``, by name
    exported_on_hand: int | None = None
    exported_movement: int | None = None

    @classmethod
    def of(cls, line: int, values: Mapping[str, Any]) -> Entry:
        """Return the entry of a line, given its values by column. A blank name is ignored."""
        own = ("sku", "on_hand", "exported_on_hand", "exported_movement")
        said = tidied({name: values[name] for name in FIELDS if name in values and (name != "name" or values[name])})
        return cls(line, fields=said, **{name: values[name] for name in own if name in values})

    @property
    def base(self) -> Base | None:
        """Return what was on hand when the file was exported, if it says so."""
        if self.exported_on_hand is None or self.exported_movement is None:
            return None
        return Base(self.exported_on_hand, self.exported_movement)


def import_items(
    house: House, entries: Sequence[Entry], person: str, dry_run: bool, overwrite: bool = True
) -> dict[str, Any]:
    """Add and update items from a checked file, in one commit. ``overwrite``: a person has seen which counts will be overwritten.

    Returns how many were added, changed and unchanged; of the changed, how many renamed, counted and edited otherwise, and how many counts
    are overwritten; and the first ``rows`` that are not unchanged, with what changes from what to what.

    Raises Refused, naming the line, if something does not fit, or counts would be overwritten and ``overwrite`` is not set; Conflict if
    another count corrected an item since the export.
    """
    lines: dict[str, int] = {}
    for entry in entries:
        first = lines.setdefault(sku_key(entry.sku), entry.line)
        if first != entry.line:
            raise Refused(f"Lines {first} and {entry.line} have the same SKU {entry.sku!r}: keep one.", line=entry.line)
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        plans = _plans(books, entries, at)
        books.inventory.suppliers({plan.after.supplier for plan in plans})
        done = _counts(plans)
        if not dry_run and not overwrite:
            _ask(plans)
        if dry_run:
            return done
        made = books.items.add_all([(plan.entry.sku, plan.before.name) for plan in plans if plan.item is None], at)
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


def _ask(plans: Sequence[_Plan]) -> None:
    """Raise Refused if counts would be overwritten, and say how each would change."""
    rows = [_row(plan) for plan in plans if plan.change.overwrites]
    if rows:
        said = ", ".join(f"{row['sku']} {_arrow(row)}" for row in rows[:5]) + (
            f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        )
        raise Refused(
            f"The file does not say when it was made, and these counts differ: {said}. Look at them, then import it with overwrite.",
            reason="overwrites",
            count=len(rows),
            rows=rows[:NAMED_MAX],
        )


def _arrow(row: Mapping[str, Any]) -> str:
    was, will = row["changes"]["on_hand"]
    return f"{was} → {will}" + (
        f" ({row['sold']} sold in the last {RECENT.total_seconds() / 3600:.0f} hours)" if row["sold"] else ""
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """The effect of one line of an import. ``item`` is None for a new one."""

    entry: Entry
    item: Item | None
    before: Particulars
    after: Particulars
    change: Change
    since: Since  # since the export, or recently if the file does not say when it was made

    @property
    def changes(self) -> dict[str, list[Any]]:
        """Return the old and new value of each changed field."""
        was, will = asdict(self.before), asdict(self.after)
        found = {name: [was[name], will[name]] for name in was if was[name] != will[name]}
        if self.change.units or self.item is None:
            here = self.item.on_hand if self.item else 0
            found["on_hand"] = [here, here + self.change.units]
        return found


def _plans(books: Books, entries: Sequence[Entry], at: datetime) -> list[_Plan]:
    """Return the effect of each line. Raise Refused or Conflict for lines that cannot be applied."""
    known = books.items.by_key(sorted({sku_key(entry.sku) for entry in entries}))
    _check_new(books, [entry for entry in entries if sku_key(entry.sku) not in known])
    before = books.inventory.of(sorted(item.id for item in known.values()))
    counted = [
        (entry, known[sku_key(entry.sku)])
        for entry in entries
        if entry.on_hand is not None and sku_key(entry.sku) in known
    ]
    bases = _bases(books, counted)
    late = [item.id for entry, item in counted if entry.line not in bases and entry.on_hand != item.on_hand]
    recent = books.ledger.since(late, books.counts.newest_by(at - RECENT)) if late else {}
    plans = []
    for entry in entries:
        item = known.get(sku_key(entry.sku))
        base, since = bases.get(entry.line, (None, recent.get(item.id, NOTHING) if item else NOTHING))
        plans.append(_plan(entry, item, before, base, since))
    if overtaken := [plan.entry.sku for plan in plans if plan.change.overtaken]:
        shown = ", ".join(overtaken[:5]) + (f" and {len(overtaken) - 5} more" if len(overtaken) > 5 else "")
        raise Conflict(
            f"Another count corrected {shown} since this file was exported: export it again, or clear on_hand there.",
            reason="overtaken",
            skus=overtaken[:NAMED_MAX],
        )
    return plans


def _bases(books: Books, counted: Sequence[tuple[Entry, Item]]) -> dict[int, tuple[Base, Since]]:
    """Return, by line, what was on hand at the export and what was booked since; only where that adds up to what is on hand now."""
    by_moment: defaultdict[int, list[tuple[Entry, Item, Base]]] = defaultdict(list)
    newest = books.ledger.last()
    for entry, item in counted:
        if entry.base is not None and entry.base.movement <= newest:
            by_moment[entry.base.movement].append((entry, item, entry.base))
    found = {}
    for movement, group in by_moment.items():
        moved = books.ledger.since([item.id for _, item, _ in group], movement)
        for entry, item, base in group:
            since = moved.get(item.id, NOTHING)
            if importing.is_ours(base, item.on_hand, since, newest):
                found[entry.line] = (base, since)
    return found


def _check_new(books: Books, new: Sequence[Entry]) -> None:
    """Raise Refused for a new SKU that a spreadsheet made of another one (123 of 00123), or that only looks the same."""
    padded = books.items.padded([entry.sku for entry in new])
    alike = books.items.look_alikes([entry.sku for entry in new])
    for entry in new:
        if entry.sku in padded:
            raise Refused(
                f"Line {entry.line}: no item has the SKU {entry.sku!r}, but one has {padded[entry.sku]!r}, of which a spreadsheet takes the"
                " zeros away: give that column the format Text. Nothing was booked.",
                line=entry.line,
                sku=entry.sku,
                looks_like=padded[entry.sku],
            )
        if entry.sku in alike:
            raise Refused(
                f"Line {entry.line}: the SKU {entry.sku!r} looks like {alike[entry.sku]!r} and is written with other characters:"
                " correct it. Nothing was booked.",
                line=entry.line,
                sku=entry.sku,
                looks_like=alike[entry.sku],
            )


def _plan(entry: Entry, item: Item | None, known: Mapping[int, Particulars], base: Base | None, since: Since) -> _Plan:
    before = known[item.id] if item else Particulars(entry.fields.get("name", ""))
    after = replace(before, **entry.fields)
    if writable(before.name) == writable(after.name):
        after = replace(after, name=before.name)
    # Two spellings of one supplier are not a change.
    if sku_key(after.supplier) == sku_key(before.supplier) or writable(after.supplier) == writable(before.supplier):
        after = replace(after, supplier=before.supplier)
    try:
        if after != before or item is None:
            after.check(entry.sku)
        change = _change(entry, item, base, since)
    except Refused as error:
        raise Refused(f"Line {entry.line}: {error.message}", **{**error.facts, "line": entry.line}) from error
    return _Plan(entry, item, before, after, change, since)


def _change(entry: Entry, item: Item | None, base: Base | None, since: Since) -> Change:
    if entry.on_hand is None:
        return Change(0)
    if item is None:
        return Change(entry.on_hand)  # an export from another store may contain oversold items
    return importing.change(entry.on_hand, item.on_hand, base, since)


def _counts(plans: Sequence[_Plan]) -> dict[str, Any]:
    new = [plan for plan in plans if plan.item is None]
    old = [plan for plan in plans if plan.item is not None]
    changed = [plan for plan in old if plan.changes]
    # What would be overwritten is shown first.
    shown = sorted([*new, *changed], key=lambda plan: not plan.change.overwrites)[:ROWS_SHOWN]
    return {
        "added": len(new),
        "changed": len(changed),
        "unchanged": len(old) - len(changed),
        "renamed": sum("name" in plan.changes for plan in changed),
        "counted": sum("on_hand" in plan.changes for plan in changed),
        "edited": sum(bool(plan.changes.keys() - {"name", "on_hand"}) for plan in changed),
        "overwritten": sum(plan.change.overwrites for plan in plans),
        "rows": [_row(plan) for plan in sorted(shown, key=lambda plan: plan.entry.line)],
    }


def _row(plan: _Plan) -> dict[str, Any]:
    """Return what people see of one line. ``exported``: what was on hand at the export; ``sold`` and ``received``: since then, or recently
    if the file does not say when it was made."""
    counted = "on_hand" in plan.changes and plan.item is not None
    return {
        "line": plan.entry.line,
        "sku": plan.entry.sku,
        "name": plan.after.name,
        "what": "added" if plan.item is None else "changed",
        "changes": plan.changes,
        "overwrites": plan.change.overwrites,
        "exported": plan.entry.exported_on_hand if counted and not plan.change.overwrites else None,
        "sold": plan.since.sold if counted else 0,
        "received": plan.since.received if counted else 0,
    }


def _movement(plan: _Plan, item: int, person: str, at: datetime) -> Movement | None:
    """Return the opening of a new item, the count of a known one, or None."""
    if not plan.change.units:
        return None
    if plan.item is None:
        return Movement(item, Kind.OPENING, plan.change.units, f"opening/{item}", person=person)
    # The origin of an imported export is the moment of that export, so that the same file is not booked twice.
    stamp = (
        f"import/{at.timestamp():.6f}"
        if plan.change.overwrites
        else f"{IMPORTED}{plan.entry.exported_movement}/{at.timestamp():.6f}"
    )
    return Movement(item, Kind.COUNT, plan.change.units, f"{stamp}/{item}", reason="imported", person=person)
