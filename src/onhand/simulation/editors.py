"""Acts for people who change orders after the sale: order editors of each kind, and admins who lower a counter.

Path: ``order_acts`` starts these processes on the timeline; every ``yield`` is the pause before the next statement.
Promise: what an editor writes, and in which order, was measured on real shops; the witness learns where the goods went.
Never: asks what OnHand does.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from random import Random

from .people import Family, pause
from .shop import Fate, SimShop, Writer
from .timeline import Process, Timeline

Counts = Generator[float, None, None]


class Editor(StrEnum):
    """The values that an order editor writes besides the line."""

    UNCOUNTED = "uncounted"  # the quantity, and never the counter: Zen Cart's Edit Orders
    COUNTED = "counted"  # quantity and counter in one statement: osCommerce's Order Editor, modified
    LITERAL = "literal"  # the quantity by as much, the counter as a literal that was read before: Gambio's orders_edit
    ALONE = "alone"  # neither: the line says something else, and no stock moves


def edit_units(
    time: Timeline, shop: SimShop, family: Family, editor: Editor, line: int, change: int, chance: Random
) -> Process:
    """Give a line other units, and move the stock by the difference."""
    row = shop.tables.lines.get(line)
    if row is None or row.quantity + change < 1:
        return
    shop.change_line(line, row.quantity + change)
    yield pause(chance)
    yield from _move(time, shop, family, editor, line, row.product, change, chance)


def add_line(
    time: Timeline, shop: SimShop, family: Family, editor: Editor, order: int, product: int, units: int, chance: Random
) -> Process:
    """Add a line to an existing order."""
    if not any(line.order == order for line in shop.tables.lines.values()) or product not in shop.tables.products:
        return
    line = shop.next_line_id()
    shop.add_line(line, order, product, units)
    shop.fates[line].counted = True
    yield pause(chance)
    yield from _move(time, shop, family, editor, line, product, units, chance)


def remove_line(time: Timeline, shop: SimShop, family: Family, editor: Editor, line: int, chance: Random) -> Process:
    """Remove a line from its order, of which others stay."""
    row = shop.tables.lines.get(line)
    if row is None or sum(1 for other in shop.tables.lines.values() if other.order == row.order) < 2:
        return
    shop.remove_line(line)
    yield pause(chance)
    yield from _move(time, shop, family, editor, line, row.product, -row.quantity, chance)


def lower_counter(time: Timeline, shop: SimShop, order: int, chance: Random) -> Process:
    """Delete an order and take it out of the counter: its goods stay away, and the quantity does not change."""
    for line in [line for line in shop.tables.lines.values() if line.order == order]:
        if shop.lower_counter(line.product, line.quantity):
            fate = shop.fates[line.line]
            shop.saw(time.now, line.product, -line.quantity, Writer.LOWERED, frozenset(), fate)
        yield pause(chance)
    shop.delete_lines(order)
    yield pause(chance)
    shop.delete_order(order)


def _move(
    time: Timeline, shop: SimShop, family: Family, editor: Editor, line: int, product: int, units: int, chance: Random
) -> Counts:
    """Take units (negative: give them back) for a line that was edited. POSM's observer writes a literal, as its sales do."""
    row, fate = shop.tables.products.get(product), shop.fates[line]
    if editor is Editor.ALONE:
        shop.noted_line(fate, units)
        return
    if row is None:
        return
    if editor is Editor.LITERAL:
        yield from _write_both(time, shop, fate, units, chance)
    elif editor is Editor.COUNTED:
        shop.add_quantity(product, -units, Writer.EDITOR)
        shop.raise_counter(product, units)
        shop.counted_edits.append(product)
        if units < 0:
            shop.returns.append(product)
    elif family is Family.POSM:
        while row.jumping:  # its variants do not, which the observer adds up
            yield pause(chance)
        left, seen = row.quantity - units, len(row.log)
        yield pause(chance)
        others = frozenset(writer for writer, number in row.log[seen:] if number)
        moved = shop.write_quantity(product, left, Writer.EDITOR)
        shop.saw(time.now, product, moved, Writer.EDITOR, others, fate, -units)
        shop.edited[product] += units
    else:
        shop.add_quantity(product, -units, Writer.EDITOR)
        shop.saw(time.now, product, -units, Writer.EDITOR, frozenset(), fate)
        shop.edited[product] += units
    if units > 0:
        fate.take(units)
    else:
        shop.came_back(fate, -units)
    yield pause(chance)


def _write_both(time: Timeline, shop: SimShop, fate: Fate, units: int, chance: Random) -> Counts:
    """Read the counter, move the quantity, and write the counter as a literal: sales and returns in between are lost from it."""
    row = shop.tables.products[fate.product]
    counter, seen = row.ordered, len(row.log)
    yield pause(chance)
    shop.add_quantity(fate.product, -units, Writer.EDITOR)
    shop.counted_edits.append(fate.product)
    if units < 0:
        shop.returns.append(fate.product)
    yield pause(chance)
    others = frozenset(writer for writer, number in row.log[seen:] if number and writer is not Writer.EDITOR)
    lost = shop.write_counter(fate.product, counter + units, units)
    shop.saw(time.now, fate.product, -lost, Writer.COUNTER, others, fate if fate.history else None)
