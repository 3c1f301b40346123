"""One simulated shop: its tables, written one statement at a time, and a witness who sees every write.

Path: ``people`` trade in it statement by statement; ``connector`` answers for it; ``checks`` asks the witness.
Promise: a write takes effect at once and alone, as in every cart of the family; the witness knows who changed what, and what that undid.
Never: knows what OnHand believes.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from enum import StrEnum

from onhand.domain.shop import Change, Line


class Writer(StrEnum):
    """The writers of a quantity."""

    SALE = "sale"
    POST = "post"
    RESTOCK = "restock"
    EDIT = "edit"  # a person typed a count into the product form
    FORM = "form"  # a person saved a form and did not mean the count in it
    IMPORT = "import"  # a program wrote counts, without a trace
    RESET = "reset"  # counters set to nothing
    CRASH = "crash"  # a checkout that died half way
    EDITOR = "editor"  # an order's lines were edited, and the quantity with them, but not the counter
    COUNTER = "counter"  # an editor wrote the counter as it had read it before, so that sales in between are missing
    LOWERED = "lowered"  # an order was taken out of the counter, and its goods stayed away


@dataclass(slots=True)
class Product:
    """One row of the products table. ``log`` are the changes of its quantity: who, and signed units."""

    product: int
    model: str
    quantity: int
    ordered: int
    status: int = 1
    off_by_sale: bool = False  # the sale that emptied it switched it off, as long as that is true
    modified: float | None = None  # by the shop's clock
    log: list[tuple[Writer, int]] = field(default_factory=list)
    jumping: int = 0  # checkouts that have put a meaningless value into the quantity
    name: str = "Thing"
    without_sku: bool = False  # the SKU column is NULL; ``model`` is empty then, as it reads to PHP

    @property
    def sku(self) -> str | None:
        """Return the SKU column."""
        return None if self.without_sku else self.model


@dataclass(frozen=True, slots=True)
class Drift:
    """A change of quantity + counter that OnHand did not make. ``destroyed``: the writers whose writes a race undid; ``meant``: what the
    writer meant to change it by, if that differs."""

    time: float
    product: int
    amount: int
    writer: Writer
    destroyed: frozenset[Writer] = frozenset()
    obscure: Obscure | None = None
    meant: int | None = None


class Obscure(StrEnum):
    """The reasons why it cannot be known from outside which order line a drift is about."""

    UNSEEN = "unseen"  # it was sold so shortly before that it may never have been seen unchanged
    HISTORY = "history"  # it was sold before an alignment, which made it history


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line that was changed alone: nothing moved. ``units``: signed, added on the line."""

    product: int
    units: int
    obscure: Obscure | None = None


@dataclass(slots=True)
class Fate:
    """The true place of the goods of one order line."""

    line: int
    order: int
    product: int
    units: int  # on the line when it was written
    history: bool = False  # the cart was stopped or restored since, and aligned
    counted: bool = False  # the sale was paid for and counted
    away: int = 0  # units that left the house and did not come back
    early: int = 0  # units that were given back while the checkout was still at work

    def take(self, units: int) -> None:
        """Take units out of the house."""
        self.away += units

    def give_back(self, units: int) -> int:
        """Give the same units back, by someone's account; return how many of them were not away any more."""
        if not self.counted:
            self.early += units
            return 0
        came = max(0, min(units, self.away))
        self.away -= came
        return units - came


@dataclass(slots=True)
class Memory:
    """The connector's own row."""

    epoch: str
    last_seq: int = 0
    begun: tuple[int, int] | None = None
    last_first: int | None = None
    last_answer: Mapping[int, str] = field(default_factory=dict)
    last_changes: tuple[Change, ...] = ()
    last_holder: str = ""


@dataclass(slots=True)
class Tables:
    """The contents of a backup of the shop."""

    products: dict[int, Product] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    line_ids: list[int] = field(default_factory=list)  # ascending
    orders: dict[int, int] = field(default_factory=dict)  # order: status
    histories: set[int] = field(default_factory=set)  # orders that have a status history
    next_product: int = 1
    next_order: int = 1
    next_line: int = 1
    downloads: set[int] = field(default_factory=set)  # sold as files; downloads are enabled if there are any
    memory: Memory | None = None


class SimShop:
    """One shop."""

    def __init__(self, name: str, transactional: bool, allow_checkout: bool) -> None:
        self.name, self.transactional, self.allow_checkout = name, transactional, allow_checkout
        self.tables = Tables()
        self.family = "oscommerce"  # as it says itself
        self.clock_wrong = 0.0
        self.epochs = 0
        self.lives = 0  # how often it was restored; a program of an earlier life must not write into a later one
        # The witness
        self.drifts: list[Drift] = []
        self.traded: Counter[int] = Counter()  # units per product that honest trade moved the counter by
        self.taken: Counter[tuple[str, int]] = Counter()  # (epoch, number of a post): how often it took effect
        self.returns: list[int] = []  # products of which a deleted or edited order gave something back, counter and all
        self.fates: dict[int, Fate] = {}  # by line, also of lines that are gone
        self.watched_above = 0  # the last line that looks do not check for changes
        self.asked_after = 0  # the last line that a look left out, because it is known
        self.unseen_edits: dict[int, int] = {}  # edited lines that no look has seen since: which drift the edit was
        self.line_edits: list[LineEdit] = []  # lines that were changed without their stock
        self.edits_of: dict[int, list[int]] = {}  # by line: the drifts about it
        self.unread_edits: set[int] = set()  # those of them that no look has seen since
        self.edits_back: list[int] = []  # line edits whose line came back, here or there, afterwards
        self.vanished: list[
            int
        ] = []  # products of lines that were deleted before a look saw them, or with an order that gave nothing back
        self.finished: set[int] = set()  # orders whose checkout was completed
        self.counted_edits: list[int] = []  # products whose quantity and counter an editor moved
        self.edited: Counter[int] = Counter()  # units per product that left with edited lines and were never counted
        self.twice: Counter[int] = Counter()  # units per product that came back a second time, here or there
        self.kept_back: Counter[int] = Counter()  # units per product that a restock should have given back, but did not
        self.sales = 0

    # Statements of the shop's programs, one each

    def add_product(
        self, model: str | None, quantity: int, ordered: int = 0, status: int = 1, name: str = "Thing"
    ) -> int:
        product = self.tables.next_product
        self.tables.next_product += 1
        row = Product(product, model or "", quantity, ordered, status, name=name, without_sku=model is None)
        self.tables.products[product] = row
        return product

    def write_quantity(self, product: int, quantity: int, writer: Writer) -> int:
        """Write a literal; return by how much it changed the quantity."""
        row = self.tables.products.get(product)
        if row is None:
            return 0
        change = quantity - row.quantity
        row.quantity = quantity
        row.log.append((writer, change))
        return change

    def add_quantity(self, product: int, change: int, writer: Writer) -> None:
        """Write a relative change."""
        row = self.tables.products[product]
        row.quantity += change
        row.log.append((writer, change))

    def raise_counter(self, product: int, units: int) -> None:
        """Raise the counter as a sale does, in one atomic statement."""
        row = self.tables.products.get(product)
        if row is not None:
            row.ordered += units
            self.traded[product] += units

    def restock(self, product: int, units: int) -> None:
        """Write quantity and counter in one statement, as the deletion of an order does."""
        row = self.tables.products.get(product)
        if row is not None:
            self.add_quantity(product, units, Writer.RESTOCK)
            row.ordered -= units
            self.traded[product] -= units
            self.returns.append(product)

    def write_counter(self, product: int, counter: int, units: int) -> int:
        """Write a literal that is meant to raise the counter by ``units``; return how many units were lost from it by that."""
        row = self.tables.products.get(product)
        if row is None:
            return 0
        moved = counter - row.ordered
        row.ordered = counter
        self.traded[product] += moved
        self.edited[product] += units - moved
        return units - moved

    def lower_counter(self, product: int, units: int) -> bool:
        """Lower only the counter, in one statement; return whether the order existed."""
        row = self.tables.products.get(product)
        if row is not None:
            row.ordered -= units
        return row is not None

    def begin_order(self) -> int:
        order = self.tables.next_order
        self.tables.next_order += 1
        self.finished.discard(order)
        self.tables.orders[order] = 1
        return order

    def next_line_id(self) -> int:
        """Return the next line id. Ids are given before a row is visible."""
        line = self.tables.next_line
        self.tables.next_line += 1
        return line

    def add_line(self, line: int, order: int, product: int, units: int) -> None:
        row = self.tables.products.get(product)
        self.tables.lines[line] = Line(line, order, product, row.sku if row else "", units, None, False)
        insort(self.tables.line_ids, line)
        self.fates[line] = Fate(line, order, product, units)

    def change_line(self, line: int, units: int) -> None:
        """Write other units on a line, as an editor does."""
        self.tables.lines[line] = replace(self.tables.lines[line], quantity=units)

    def remove_line(self, line: int) -> None:
        """Remove one line from its order, as an editor does."""
        del self.tables.lines[line]
        self.tables.line_ids.remove(line)

    def noted_line(self, fate: Fate, units: int) -> None:
        """Note, as the witness, that a line was changed alone."""
        unwatched = Obscure.UNSEEN if fate.line <= self.watched_above else None
        self.line_edits.append(LineEdit(fate.product, units, self._obscure(fate) or unwatched))
        self.edits_of.setdefault(fate.line, []).append(len(self.line_edits) - 1)
        self.unread_edits.add(len(self.line_edits) - 1)

    def seen(self) -> None:
        """Note that the lines were read from outside as they are now."""
        self.unseen_edits.clear()
        self.unread_edits.clear()

    def delete_lines(self, order: int) -> None:
        gone = [line.line for line in self.tables.lines.values() if line.order == order]
        for line in gone:
            if line > self.asked_after:
                self.vanished.append(self.tables.lines[line].product)
            if line in self.unseen_edits:
                self.drifts[self.unseen_edits[line]] = replace(
                    self.drifts[self.unseen_edits[line]], obscure=Obscure.UNSEEN
                )
            for edit in self.edits_of.pop(line, ()):
                found = self.line_edits[edit]
                if edit in self.unread_edits and found.obscure is None:
                    found = replace(found, obscure=Obscure.UNSEEN)
                if found.obscure:  # what comes back now cannot be known from outside
                    self.line_edits.append(found)
            del self.tables.lines[line]
            self.tables.line_ids.remove(line)

    def delete_order(self, order: int) -> None:
        self.tables.orders.pop(order, None)
        self.tables.histories.discard(order)

    def begin_numbers_again(self, all_orders: bool) -> None:
        """Delete all orders, or the newest, and set the next numbers to the lowest that are free."""
        tables = self.tables
        newest = max(tables.orders, default=0)
        for order in [*tables.orders] if all_orders else [newest]:
            self.delete_lines(order)
            self.delete_order(order)
        if all_orders:  # lines whose order was deleted already, or is still to be
            tables.lines.clear()
            tables.line_ids.clear()
            tables.histories.clear()
        tables.next_line = max(tables.line_ids, default=0) + 1
        # No look has seen the lines that get numbers now.
        self.asked_after = min(self.asked_after, tables.next_line - 1)
        tables.next_order = max([*tables.orders, *(line.order for line in tables.lines.values())], default=0) + 1

    def touch(self, product: int, now: float) -> None:
        """Set products_last_modified, as a form or an importer does."""
        self.tables.products[product].modified = now + self.clock_wrong

    # The visible state

    def line(self, line: int) -> Line:
        """Return a line with its order's status and whether that has a history."""
        row = self.tables.lines[line]
        return replace(row, status=self.tables.orders.get(row.order), paid=row.order in self.tables.histories)

    def lines_above(self, after: int) -> list[int]:
        return self.tables.line_ids[bisect_right(self.tables.line_ids, after) :]

    # Backups

    def back_up(self) -> Tables:
        return deepcopy(self.tables)

    def restore(self, tables: Tables) -> None:
        self.tables = deepcopy(tables)
        self.lives += 1

    # The witness

    def left(self, order: int, product: int, units: int) -> None:
        """Note that a line's goods left the house: its sale was counted."""
        for fate in self.fates.values():
            if (fate.order, fate.product, fate.units, fate.counted) == (order, product, units, False):
                fate.counted = True
                fate.take(units)
                self.came_back(fate, fate.early)
                return

    def came_back(self, fate: Fate, units: int) -> None:
        """Note that a person booked, here or in the shop, that units of a line came back."""
        self.edits_back += self.edits_of.get(fate.line, ())
        self.twice[fate.product] += fate.give_back(units)

    def saw(
        self,
        now: float,
        product: int,
        amount: int,
        writer: Writer,
        destroyed: frozenset[Writer],
        fate: Fate | None = None,
        meant: int | None = None,
    ) -> None:
        """Note a change of the sum that OnHand did not make. For a saved form, and an order that was edited before it can have been seen,
        also note that it changed nothing. ``fate``: of the line that it is about. ``meant``: if not ``amount``."""
        obscure = self._obscure(fate) if fate is not None else None
        hidden = obscure is Obscure.UNSEEN and meant not in (None, amount)
        if amount or hidden or writer in (Writer.FORM, Writer.EDIT, Writer.IMPORT):
            self.drifts.append(Drift(now, product, amount, writer, destroyed, obscure, meant))
            if fate is not None and writer is Writer.EDITOR:
                self.unseen_edits[fate.line] = len(self.drifts) - 1

    def _obscure(self, fate: Fate) -> Obscure | None:
        """Return why it cannot be known from outside how a line was before."""
        if fate.history:
            return Obscure.HISTORY
        return Obscure.UNSEEN if fate.line > self.asked_after else None
