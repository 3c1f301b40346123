"""Corrects quantities: adjustments by a person, with a reason, and count sheets.

Path: ``onhand adjust``, ``onhand count …`` and their screens → here → ``bookkeeping.book`` → all carts follow.
Promise: a correction is a movement with who and why; a sheet is posted once, as a whole, and undoes no sale booked in between.
Never: sets a balance: a count becomes a change from what was on hand when it was counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from onhand.domain.counting import (
    LINES_MAX,
    CountEntry,
    CountLine,
    CountSheet,
    Moment,
    SheetState,
    check_counted_at,
    correction,
    entered,
)
from onhand.domain.errors import Conflict, Refused
from onhand.domain.stock import Item, Kind, Movement, check_quantity, check_text, sku_key

from . import bookkeeping
from .items import find
from .ports import Books, House

NAMED_MAX = 100  # SKUs named in one error

log = structlog.get_logger()


def _check_adjustment(change: int | None, counted: int | None, reason: str) -> None:
    """Raise Refused for an adjustment that has no reason, changes nothing, or has both a change and a count."""
    if (change is None) == (counted is None):
        raise Refused("Give either a change or a counted quantity.")
    if not reason:
        raise Refused("Say why: an adjustment needs a reason.")
    if change == 0:
        raise Refused("A change of 0 changes nothing.")
    check_quantity(change if change is not None else counted or 0)


def adjust(
    house: House,
    sku: str,
    change: int | None,
    counted: int | None,
    reason: str,
    person: str,
    below_zero: bool,
    seen: int | None = None,
) -> int:
    """Add a signed change, or set the quantity to a count; return what is on hand now.

    Raises Refused if the SKU is unknown, the reason is missing, an adjustment would change nothing, or the result would be negative and
    ``below_zero`` is not set; Conflict if a count was compared with ``seen`` on hand and that number is different now.
    """
    reason, person = check_text(reason, "reason"), check_text(person, "name")
    _check_adjustment(change, counted, reason)
    at = house.clock.now()

    def write(books: Books) -> int:
        item = find(books, [sku])[0]
        if counted is not None and seen is not None and seen != item.on_hand:
            raise Conflict(
                f"{item.sku} has {item.on_hand} on hand by now, not {seen}: something was booked since you opened this. Count again.",
                reason="stale",
                current={"on_hand": item.on_hand},
            )
        difference = change if change is not None else (counted or 0) - item.on_hand
        after = item.on_hand + difference
        if after < 0 and difference < 0 and not below_zero:
            raise Refused(
                f"{item.sku} has {item.on_hand} on hand; that would leave {after}. Allow going below zero if that is meant.",
                sku=item.sku,
                on_hand=item.on_hand,
                after=after,
            )
        kind = Kind.ADJUSTMENT if change is not None else Kind.COUNT
        origin = f"{kind.value}/{at.timestamp():.6f}/{books.ledger.last()}"
        if difference:
            bookkeeping.book(books, [Movement(item.id, kind, difference, origin, reason=reason, person=person)], at)
        return after

    after = house.store.write(write)
    log.info("adjustment.booked", sku=sku, change=change, counted=counted, person=person)
    return after


def make_sheet(house: House, name: str, search: str, supplier: str, skus: Sequence[str], person: str) -> dict[str, Any]:
    """Make a count sheet of these SKUs, or of all items, those that a search finds or those of a supplier. Drop-ship items are left out.

    Returns its number, how many lines it has and how many items were left out. Raises Refused if nothing or too much would be on it.
    """
    title = check_text(name, "name")
    if not title:
        raise Refused("Give the count sheet a name, such as the shelf or the day.", name=name)
    if skus and (search.strip() or supplier.strip()):
        raise Refused("Give either SKUs, or a search and a supplier.")
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        sheet = books.counts.add(title, person, at)
        if skus:
            chosen = sorted({item.id for item in find(books, skus)})
            kept = sorted(set(chosen) - books.counts.drop_shipped(chosen))
            books.counts.put(sheet, kept)
            lines, left_out = len(kept), len(chosen) - len(kept)
        else:
            lines, left_out = books.counts.fill(sheet, search, supplier, LINES_MAX)
        if not lines:
            raise Refused("No item would be on this count sheet: choose others.", left_out=left_out)
        if lines > LINES_MAX:
            raise Refused(f"A count sheet has at most {LINES_MAX:,} lines: choose a part, and count in several.")
        return {"sheet": sheet, "name": title, "lines": lines, "left_out": left_out}

    made = house.store.write(write)
    log.info("count.made", person=person, **made)
    return made


def enter_counts(
    house: House, sheet: int, entries: Sequence[CountEntry], counted_at: datetime | None, add_lines: bool, person: str
) -> dict[str, Any]:
    """Save all these counts or none. What was on hand at that moment, or at ``counted_at``, is saved with them.

    Raises Conflict if a line was counted since it was shown, with the fact ``stale``: who counted what and when. Raises Refused if a SKU is
    unknown, or is not on the sheet and ``add_lines`` is not set; the fact ``missing`` names those.
    """
    if not entries or len(entries) > LINES_MAX:
        raise Refused(f"Enter 1 to {LINES_MAX:,} counts at once.")
    now = house.clock.now()
    at = check_counted_at(counted_at, now) if counted_at else now

    def write(books: Books) -> dict[str, Any]:
        found = _open(books, sheet)
        items = _items_once(books, entries)
        lines = _lines(books, found, items, add_lines)
        newest = books.counts.newest_by(at) if counted_at else books.ledger.last()
        since = books.counts.moved_after(sorted(lines), newest) if counted_at else {}
        after = [
            entered(
                lines[item.id],
                entry,
                Moment(at, item.on_hand - since.get(item.id, 0), newest, person, found.revision + 1),
            )
            for item, entry in zip(items, entries, strict=True)
        ]
        stale = [lines[item.id] for item, line in zip(items, after, strict=True) if line is None]
        if stale:
            raise _counted_meanwhile(stale)
        kept = [line for line in after if line is not None]
        books.counts.enter(sheet, kept)
        return {"sheet": sheet, "name": found.name, "entered": len(kept), "revision": found.revision + 1}

    done = house.store.write(write)
    log.info("count.entered", sheet=sheet, lines=done["entered"], person=person)
    return done


def post_sheet(house: House, sheet: int, revision: int | None, person: str) -> dict[str, Any]:
    """Book the variance of each counted line against what was expected when it was counted. Uncounted lines stay as they are.

    Raises Refused if it is posted or discarded already or nothing is counted, Conflict if it changed since ``revision`` was shown or
    another count corrected one of its items since.
    """
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        found = _open(books, sheet)
        _check_revision(found, revision)
        lines = books.counts.counted(sheet)
        if not lines:
            raise Refused(f"Nothing on {found.name} is counted yet: enter counts, or discard it.", sheet=sheet)
        if overtaken := books.counts.overtaken(sheet):
            raise Conflict(
                f"Another count corrected {_named(overtaken)} since it was counted here: count it again, or take its count back.",
                reason="overtaken",
                skus=overtaken[:NAMED_MAX],
            )
        movements = [correction(found, line, person) for _, line in sorted(lines.items()) if line.variance]
        bookkeeping.book(books, movements, at)
        books.counts.close(sheet, SheetState.POSTED, at)
        return {
            "sheet": sheet,
            "name": found.name,
            "booked": len(movements),
            "same": len(lines) - len(movements),
            "uncounted": books.counts.size(sheet) - len(lines),
            "units": sum(movement.quantity for movement in movements),
        }

    done = house.store.write(write)
    log.info("count.posted", person=person, **done)
    return done


def discard_sheet(house: House, sheet: int, revision: int | None, person: str) -> dict[str, Any]:
    """Discard a count sheet; nothing is booked. Raise as ``post_sheet`` does."""
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        found = _open(books, sheet)
        _check_revision(found, revision)
        books.counts.close(sheet, SheetState.DISCARDED, at)
        return {"sheet": sheet, "name": found.name, "discarded": True}

    done = house.store.write(write)
    log.info("count.discarded", sheet=sheet, person=person)
    return done


def _open(books: Books, sheet: int) -> CountSheet:
    found = books.counts.get(sheet)
    if found.state is not SheetState.OPEN:
        raise Refused(
            f"{found.name} is {found.state} already; nothing was changed. Make a new count sheet.",
            sheet=sheet,
            state=found.state.value,
        )
    return found


def _check_revision(found: CountSheet, revision: int | None) -> None:
    if revision is not None and revision != found.revision:
        raise Conflict(
            f"{found.name} was changed since you opened it: look at it again.",
            reason="stale",
            current={"revision": found.revision},
        )


def _items_once(books: Books, entries: Sequence[CountEntry]) -> list[Item]:
    """Return the item of each entry. Raise Refused if a SKU is unknown or appears twice."""
    seen: set[str] = set()
    for entry in entries:
        if (key := sku_key(entry.sku)) in seen:
            raise Refused(f"{entry.sku.strip()} is entered twice at once: enter one sum.", sku=entry.sku)
        seen.add(key)
    return find(books, [entry.sku for entry in entries])


def _lines(books: Books, found: CountSheet, items: Sequence[Item], add_lines: bool) -> Mapping[int, CountLine]:
    """Return the lines of these items on a sheet; with ``add_lines``, add the missing ones first."""
    wanted = sorted(item.id for item in items)
    lines = books.counts.lines(found.id, wanted)
    missing = [item for item in items if item.id not in lines]
    if not missing:
        return lines
    if not add_lines:
        skus = sorted(item.sku for item in missing)
        raise Refused(
            f"{_named(skus)} is not on {found.name}: say that it shall be added, or count it elsewhere.",
            missing=skus[:NAMED_MAX],
        )
    if books.counts.size(found.id) + len(missing) > LINES_MAX:
        raise Refused(f"A count sheet has at most {LINES_MAX:,} lines: make another one.")
    books.counts.put(found.id, sorted(item.id for item in missing))
    return books.counts.lines(found.id, wanted)


def _counted_meanwhile(stale: Sequence[CountLine]) -> Conflict:
    first = stale[0]
    said = "took the count back" if first.counted is None else f"counted {first.counted:,}"
    more = f" (and {len(stale) - 1} more)" if len(stale) > 1 else ""
    return Conflict(
        f"{first.person or 'A person'} {said} of {first.sku} meanwhile{more}: replace that count, or add yours to it.",
        reason="stale",
        stale=[
            {
                "sku": line.sku,
                "counted": line.counted,
                "person": line.person,
                "counted_at": None if line.counted_at is None else line.counted_at.isoformat(),
                "revision": line.revision,
            }
            for line in stale[:NAMED_MAX]
        ],
        count=len(stale),
    )


def _named(skus: Sequence[str]) -> str:
    return ", ".join(skus[:5]) + (f" and {len(skus) - 5} more" if len(skus) > 5 else "")
