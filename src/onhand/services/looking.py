"""Looks at a shop: its new order lines, lines that came late or are gone, and its sums.

Path: ``ticking`` → ``look`` → the connector; what was seen goes to ``collecting.book``.
Promise: a look takes a bounded number of requests, and its sums no more than their share of the shop's time.
Never: books anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from onhand.domain import numbering
from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict, Permanent
from onhand.domain.numbering import WINDOW_LINES, Compared, Place
from onhand.domain.shop import Line, Look

from . import delivering
from .memory import SUMS_TIMED, Memory
from .ports import ROWS_MAX, House, Shop

SUMS_SHARE = 100  # sums may take one hundredth of a shop's time
HELLO_SECONDS = 3600.0  # how often a shop is asked who it is: new settings there may weaken the law
INCOMPLETE_SECONDS = 60.0  # how long a line without a product is read again before it is kept as it is
PAGES_MAX = (
    3  # pages of new lines in one look, booked together; the rest waits for the next, so that no clerk waits long
)
AGAIN_PAGES_MAX = 50  # pages of lines that are read once more, where numbers began again
CATALOGUE_SECONDS = 30.0  # how often to check for renamed and switched-off products

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Collected:
    """The result of one look. ``gone`` are known lines that the shop does not have any more; ``edited`` are known lines with other units
    now. ``place``: where it was taken from. ``partial``: not all new lines were read, so nothing can be said of sums, nor of units without
    a line."""

    look: Look
    lines: tuple[Line, ...]
    gone: tuple[int, ...]
    place: Place
    edited: tuple[Line, ...] = ()
    partial: bool = False


def look(house: House, cart: Cart, shop: Shop, memory: Memory, tick_seconds: float) -> Collected:
    """Take one look at a shop: new lines, lost lines, and sums when they are due.

    Raises Conflict, with reason ``restored``, if the shop is not where our posts left it.
    """
    now = house.clock.monotonic()
    place = cart.place
    sums, catalogue = now >= memory.sums_due, now >= memory.catalogue_due
    memory.read_lines(now)
    first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
    if first.begun:
        delivering.close_begun(house, cart, shop)
        first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
    check_place(cart, first)
    begun_again = place.after(first.last_line) != place
    if begun_again:
        place = place.after(first.last_line)
        first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
        log.warning("lines.begun_again", cart=cart.name, cursor=place.cursor, before=cart.cursor_line)
    if sums:
        memory.sums_rested = now + _sums_pause_seconds(memory, first.sums_ms)
        memory.sums_due = max(now + 0.9 * tick_seconds, memory.sums_rested)
    if catalogue:
        memory.catalogue_due = now + CATALOGUE_SECONDS
    lines = [*first.lines]
    partial = first.more
    if partial:
        others, partial = read_lines(shop, lines[-1].line, None, PAGES_MAX - 1)
        lines += others
    memory.behind = partial
    late: tuple[Line, ...] = ()
    gone: tuple[int, ...] = ()
    edited: tuple[Line, ...] = ()
    # A counter rose and no line says why: the number of a deleted line may have been used again.
    doubted = {product for product, what in memory.suspicions if what == "unnamed"}
    known = house.store.read(lambda books: books.lines.window(cart.source, place.low, place.cursor))
    # Two edits can weigh as much as none: an edit that was seen is looked for until it has settled.
    if begun_again or doubted or memory.doubts_edits or not first.window.fits(known):
        found = _read_again(house, cart, shop, place, lines, doubted)
        late = tuple(line for line in found.new if line.line <= place.cursor)
        gone, edited = found.gone, found.edited
    return Collected(first, tuple(_without_incomplete([*late, *lines], memory, now)), gone, place, edited, partial)


def _read_again(
    house: House, cart: Cart, shop: Shop, place: Place, newer: Sequence[Line], doubted: set[int]
) -> Compared:
    """Compare the lines just below the cursor with the known ones.

    ``newer`` are the shop's lines above the cursor, ``doubted`` the products whose counter rose with no line to say why.
    """
    high = max(place.cursor, cart.cursor_line)  # above the cursor are lines collected before numbers began again
    low = place.low
    if place.restart is None:
        doubted = set()
    elif doubted:
        low = max(0, place.cursor - WINDOW_LINES)
    while True:
        known = house.store.read(lambda books, low=low: books.lines.present(cart.source, low, high))  # type: ignore[misc]
        there, cut = read_lines(shop, low, place.cursor, AGAIN_PAGES_MAX)
        if cut:
            raise Permanent(
                f"The shop tells its order lines up to {place.cursor} in too many pages: copy the connector file of this OnHand there.",
                reason="answer",
            )
        compared = numbering.compare(known, [*there, *newer], place, doubted)
        if not compared.reused or low <= place.floor:
            return compared
        low = place.floor  # numbers were used again, perhaps from below the window


def _without_incomplete(lines: Sequence[Line], memory: Memory, now: float) -> list[Line]:
    """Leave out lines that the shop has not finished writing. They are read again, because the window shows them until they are kept.

    A line is kept as it is when it has been without a product for long, or is about to leave the window.
    """
    newest = max((line.line for line in lines), default=0)
    incomplete = {line.line: memory.incomplete.get(line.line, now) for line in lines if not line.complete}
    memory.incomplete = incomplete
    waiting = {
        line for line, since in incomplete.items() if now - since < INCOMPLETE_SECONDS and line > newest - WINDOW_LINES
    }
    return [line for line in lines if line.line not in waiting]


def _sums_pause_seconds(memory: Memory, sums_ms: float) -> float:
    """Return how long to leave a shop alone after taking sums, so that they cost it no more than their share.

    The quickest of the latest tells the cost. A single slow one may have waited for a lock or a busy machine, and would hide a difference
    for a minute.
    """
    memory.sums_ms.append(sums_ms)
    if len(memory.sums_ms) < SUMS_TIMED:
        return 0.0
    return min(memory.sums_ms) / 1000 * SUMS_SHARE


def check_place(cart: Cart, seen: Look) -> None:
    """Raise Conflict unless epoch and sequence are where our last post left them."""
    expected = cart.next_seq - 1
    if seen.epoch != cart.epoch:
        what = "The shop's OnHand table is not the one that this cart was aligned with"  # ``claiming`` explains why
    elif seen.last_seq != expected:
        what = f"Post {expected} was the last, the shop says {seen.last_seq}: "
        if seen.last_seq < expected:
            what += "the shop's database was restored from a backup"
        else:
            what += "OnHand's database was restored from a backup, or a second OnHand posts there with a copy of it"
    else:
        return
    message = f"{what}. Compare, then align the cart with Send QOH or Get QOH."
    raise Conflict(message, reason="restored", cart=cart.name, epoch=seen.epoch, last_seq=seen.last_seq)


def read_lines(shop: Shop, after: int, up_to: int | None, pages: int) -> tuple[list[Line], bool]:
    """Return order lines above ``after``, up to and including ``up_to`` if given, from at most so many pages; and whether others follow."""
    lines: list[Line] = []
    more = True
    for _ in range(pages):
        page = shop.look(after, after, ROWS_MAX, False, False)
        lines += [line for line in page.lines if up_to is None or line.line <= up_to]
        more = page.more and (up_to is None or page.lines[-1].line < up_to)
        if not more:
            break
        after = page.lines[-1].line
    return lines, more
