"""The witnesses' knowledge of one product in one shop since the last quiet point.

Path: each check that judges single products asks ``testify`` first: ``naming``, ``trade`` and ``shelf``.
Promise: it comes from the shops' side and from the plan alone; each predicate says why one thing can look like another.
Never: reads the books.
"""

from __future__ import annotations

from dataclasses import dataclass

from .shop import Drift, LineEdit, Obscure, Writer
from .world import World

YOUNG = 6  # units ever sold: no more than may be sold between two looks


@dataclass(frozen=True, slots=True)
class Testimony:
    """The events of one product in one shop since the last quiet point."""

    cart: int
    drifts: tuple[Drift, ...]  # changes of its sum that OnHand did not make
    line_edits: tuple[LineEdit, ...]  # lines that were changed alone: no stock moved
    edits_back: tuple[LineEdit, ...]  # lines that were changed alone before the last quiet point, and came back now
    traded: int  # signed units that the counter moved by trade
    uncounted: int  # signed units that left with edited lines and never reached the counter
    twice: int  # units that came back a second time, here or there
    came_back: bool  # a deleted or edited order gave units back, counter and all
    counted_edit: bool  # an order was edited, counter and all
    vanished: bool  # a line was deleted before a look saw it, or with an order that gave nothing back
    history: bool  # some order with it is from before an alignment: the books have no line for that
    young: bool  # so few were ever sold that its counter is close to 0
    acts: frozenset[str]  # kinds of acts in this shop
    restored: bool  # the shop was restored from a backup
    ever_restored: bool  # this shop or the store was restored, now or earlier
    aside: bool  # its cart was stopped or switched off
    stopped: bool  # OnHand stopped its cart
    renamed: bool  # it had another name for a while
    clock_set: bool  # the shop's clock was set
    renumbered: bool  # order lines of the shop reuse numbers

    @property
    def writers(self) -> set[Writer]:
        """Return the writers that changed its sum."""
        return {drift.writer for drift in self.drifts}

    @property
    def events(self) -> int:
        """Return how many different things are known to have happened. Sales count as one, and only if no race is known: they are part of
        that."""
        raced = Writer.SALE in self.writers
        happened = (self.came_back, self.counted_edit, self.vanished, self.traded != 0 and not raced)
        return len(self.drifts) + len(self.line_edits) + sum(happened)

    @property
    def muddled(self) -> bool:
        """Return whether the events can look like something else: then the product cannot be judged. ``docs/promises.md`` lists these
        cases.

        A counter was reset, and something else changed the same count, goods came back, or it was reset again after a sale. Or a return was
        undone, and the fall of the counter looks like a reset: the product is so young that its counter came near to nothing, or the order
        is from before the last alignment, so no line in the books names it.
        """
        resets = sum(1 for drift in self.drifts if drift.writer is Writer.RESET)
        beside_reset = resets > 0 and (len(self.writers) > 1 or resets > 1 or self.came_back)
        undone_return = self.came_back and bool(self.drifts)
        return beside_reset or (undone_return and (self.ever_restored or self.young))

    @property
    def edited_unseen(self) -> bool:
        """Return whether an order was edited before a look can have seen it unchanged.

        Of a young product, a sale that was neither seen nor counted looks like a counter that was reset. What is on the line is booked
        either way.
        """
        drifts = any(drift.writer is Writer.EDITOR and drift.obscure for drift in self.drifts)
        return (drifts or any(edit.obscure for edit in self.line_edits)) and Writer.RESET not in self.writers

    @property
    def moved_history(self) -> bool:
        """Return whether an order from before an alignment may have come back or been edited, counter and all.

        The books have no line for that, nor for a sale of the same moment, of which only the rest shows.
        """
        return self.history and (self.counted_edit or self.came_back)

    @property
    def about_history(self) -> bool:
        """Return whether a drift or an edited line is about an order from before the last alignment, of which the books have no line."""
        obscure = {*(drift.obscure for drift in self.drifts), *(edit.obscure for edit in self.line_edits)}
        return Obscure.HISTORY in obscure


def testify(world: World, number: int, product: int) -> Testimony:
    """Return what the witnesses know of this product in shop ``number``."""
    shop, before, phase, cart = world.shops[number], world.before, world.phase, world.carts[number]
    row = shop.tables.products.get(product)
    edits_back = {edit for edit in shop.edits_back[before.edits_back[number] :] if edit < before.line_edits[number]}
    return Testimony(
        cart=cart,
        drifts=tuple(drift for drift in shop.drifts[before.drifts[number] :] if drift.product == product),
        line_edits=tuple(edit for edit in shop.line_edits[before.line_edits[number] :] if edit.product == product),
        edits_back=tuple(shop.line_edits[edit] for edit in edits_back if shop.line_edits[edit].product == product),
        traded=shop.traded[product] - before.traded[number][product],
        uncounted=shop.edited[product] - before.edited[number][product],
        twice=shop.twice[product] - before.twice[number][product],
        came_back=product in shop.returns[before.returns[number] :],
        counted_edit=product in shop.counted_edits[before.counted_edits[number] :],
        vanished=product in shop.vanished[before.vanished[number] :],
        history=any(fate.history and fate.product == product for fate in shop.fates.values()),
        young=row is not None and row.ordered <= YOUNG,
        acts=frozenset(phase.done[number]),
        restored=number in phase.restored,
        ever_restored=number in world.ever_restored,
        aside=cart in phase.aside,
        stopped=cart in phase.stopped,
        renamed=(number, product) in phase.renamed,
        clock_set=number in phase.clocks_set,
        renumbered=number in world.renumbered,
    )
