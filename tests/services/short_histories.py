"""Performs short histories of single products in a sample shop: what buyers, editors, admins and races write between two looks.

Path: ``test_short_histories`` chooses the histories; ``perform`` writes hundreds of them at once, each on a product of its own.
Promise: each event says what it moves in the shop and on the shelf, whatever OnHand knows.
Never: asks OnHand what happened; ``Outcome`` only reads what it made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from onhand.services import receiving
from tests.builders import Stall, World

QUANTITY = 30
POSTED = 3  # units that a post brought just before a race destroyed it
LONG_AGO = 60.0  # seconds: older trade is no evidence
OLD_TRADE = 10  # units that were sold before: a counter of a product that is no longer young


@dataclass
class Shelf:
    """One product: what the shop shows, its order lines, and the units that are really there."""

    sku: str
    quantity: int = QUANTITY
    counter: int = OLD_TRADE
    shelf: int = QUANTITY
    modified: bool = False
    posted: int = 0
    lines: dict[str, int] = field(default_factory=dict)  # units by name; "new" lines get numbers later
    sold: list[int] = field(default_factory=list)  # units of orders that came
    added: list[int] = field(default_factory=list)  # units of lines that were added to the first order
    nameless: int = 0

    def move(self, quantity: int, counter: int, shelf: int) -> None:
        self.quantity += quantity
        self.counter += counter
        self.shelf += shelf

    def sell(self, units: int, taken: int | None = None, counted: int | None = None) -> None:
        """A sale; a race may have left the quantity with fewer units taken, an editor the counter."""
        self.move(-(units if taken is None else taken), units if counted is None else counted, -units)
        self.sold.append(units)

    def edit(self, name: str, units: int, moved: bool, counted: bool) -> None:
        self.lines[name] += units
        self.move(-units if moved else 0, units if counted else 0, -units if moved else 0)


Event = Callable[[Shelf], None]


def _lost_sale(one: Shelf) -> None:
    """Two sales of one moment, of which one is never subtracted."""
    one.sell(1)
    one.sell(2, taken=0)


def _lost_post(one: Shelf) -> None:
    one.move(-POSTED, 0, 0)
    one.sell(1)


def _lost_return(one: Shelf) -> None:
    """The order goes with restock, and a sale of the same moment writes over what it gave back."""
    del one.lines["C"]
    one.move(0, -1, 1)
    one.sell(1)


def _returned(one: Shelf) -> None:
    del one.lines["C"]
    one.move(1, -1, 1)


def _lowered(one: Shelf) -> None:
    del one.lines["C"]
    one.move(0, -1, 0)


def _deleted(one: Shelf) -> None:
    del one.lines["C"]


def _edit(units: int, moved: bool, counted: bool) -> Event:
    return lambda one: one.edit("A", units, moved, counted)


def _remove(moved: bool, counted: bool) -> Event:
    def act(one: Shelf) -> None:
        one.edit("B", -1, moved, counted)
        del one.lines["B"]

    return act


def _add(moved: bool, counted: bool) -> Event:
    def act(one: Shelf) -> None:
        one.added.append(1)
        one.move(-1 if moved else 0, 1 if counted else 0, -1 if moved else 0)

    return act


def _as_read(one: Shelf) -> None:
    """An editor adds a unit and writes the counter as it read it before a sale of the same moment."""
    one.edit("A", 1, moved=True, counted=True)
    one.sell(1, counted=0)


def _stale_form(one: Shelf) -> None:
    """A form that was opened before a sale is saved after it."""
    one.sell(1, taken=0)
    one.modified = True


def _typed(units: int) -> Event:
    def act(one: Shelf) -> None:
        one.quantity += units
        one.modified = True

    return act


def _reset(one: Shelf) -> None:
    one.counter = 0


def _nameless(one: Shelf) -> None:
    one.move(-1, 1, -1)


# Each with the names that it may get if nothing else happened; none: it is trade, or nothing moved.
EVENTS: dict[str, tuple[Event, set[str]]] = {
    "sale": (lambda one: one.sell(1), set()),
    "sale of two": (lambda one: one.sell(2), set()),
    "sale without a line": (_nameless, set()),
    "lost sale": (_lost_sale, {"lost sale"}),
    "lost post": (_lost_post, {"lost post"}),
    "lost return": (_lost_return, {"return in doubt"}),
    "order returned": (_returned, set()),
    "counter lowered": (_lowered, {"counter lowered"}),
    "order deleted": (_deleted, set()),
    "line raised": (_edit(1, moved=True, counted=False), {"order edited"}),
    "line reduced": (_edit(-1, moved=True, counted=False), {"order edited"}),
    "line raised, counted": (_edit(1, moved=True, counted=True), set()),
    "line reduced, counted": (_edit(-1, moved=True, counted=True), set()),
    "line raised alone": (_edit(1, moved=False, counted=False), set()),
    "line reduced alone": (_edit(-1, moved=False, counted=False), set()),
    "line removed": (_remove(moved=True, counted=False), {"order edited"}),
    "line removed, counted": (_remove(moved=True, counted=True), set()),
    "line removed alone": (_remove(moved=False, counted=False), set()),
    "line added": (_add(moved=True, counted=False), {"order edited"}),
    "line added, counted": (_add(moved=True, counted=True), set()),
    "counter written as read": (_as_read, {"order edited"}),
    "old form": (_stale_form, {"stale form save"}),
    "count typed": (_typed(3), {"edit in the shop"}),
    "lower count typed": (_typed(-2), {"edit in the shop"}),
    "counter reset": (_reset, {"counter reset"}),
}
EXCLUSIVE = (
    {"lost return", "order returned", "counter lowered", "order deleted"},
    {"line removed", "line removed, counted", "line removed alone"},
)

History = tuple[str, ...]


def possible(history: History) -> bool:
    """Return whether these events can happen to one product: an order goes once, a line is removed once."""
    return all(sum(event in group for event in history) < 2 for group in EXCLUSIVE)


@dataclass(frozen=True)
class Outcome:
    """What OnHand made of one history."""

    history: History
    error: int  # units on hand that are not on the shelf; negative: fewer
    named: tuple[tuple[str, int], ...]  # causes with their amounts
    asked: bool
    differs: bool  # the shop does not show what it should

    def __str__(self) -> str:
        return (
            f"{self.error:+d} {'asked' if self.asked else 'unasked'} {' + '.join(self.history)} -> {list(self.named)}"
        )


def perform(world: World, histories: Sequence[History]) -> list[Outcome]:
    """Let each history happen to a product of its own between two looks, and return what came of each once all has settled."""
    shelves = [Shelf(f"S{number:04}") for number in range(len(histories))]
    world.parameter("BrakeListings", str(10 * len(histories)))
    world.parameter("SynchQOH", "true")
    shop = world.cart("Amber", {one.sku: QUANTITY for one in shelves})
    shop.sql("UPDATE products SET products_ordered = ?", OLD_TRADE)
    shop.get()
    shop.enable()
    shop.tick()
    _furnish(shop, shelves)
    shop.settle()
    shop.tick(LONG_AGO)
    for one in shelves:
        assert world.on_hand(one.sku) == one.shelf
    posted = [one for one, history in zip(shelves, histories, strict=True) if "lost post" in history]
    if posted:
        receiving.receive(world.house, [(one.sku, POSTED) for one in posted], "", "", "")
        for one in posted:
            one.move(POSTED, 0, POSTED)
    shop.tick()
    for one, history in zip(shelves, histories, strict=True):
        for event in history:
            EVENTS[event][0](one)
    _write(shop, shelves)
    shop.settle(14)
    return _outcomes(world, shop, shelves, histories)


def _furnish(shop: Stall, shelves: Sequence[Shelf]) -> None:
    """Sell what the histories are about: order 1 with lines of two and one units, order 2 with one, and older trade."""
    with shop.sample.connection() as db:
        for one in shelves:
            (product,) = db.execute("SELECT products_id FROM products WHERE products_model = ?", (one.sku,)).fetchone()
            for names in (("A", "B"), ("C",)):
                order = _order(db)
                for name in names:
                    one.lines[name] = units = 2 if name == "A" else 1
                    _line(db, order, product, one.sku, units)
                    one.move(-units, units, -units)
            _show(db, one)


def _write(shop: Stall, shelves: Sequence[Shelf]) -> None:
    """Write what the events left: the lines, and the two numbers of each product."""
    with shop.sample.connection() as db:
        for one in shelves:
            (product,) = db.execute("SELECT products_id FROM products WHERE products_model = ?", (one.sku,)).fetchone()
            found = db.execute(
                "SELECT orders_products_id, orders_id FROM orders_products WHERE products_id = ? ORDER BY 1", (product,)
            ).fetchall()
            known = dict(zip("ABC", found, strict=True))
            for name, (line, order) in known.items():
                if name not in one.lines:
                    db.execute("DELETE FROM orders_products WHERE orders_products_id = ?", (line,))
                    if name == "C":
                        db.execute("DELETE FROM orders WHERE orders_id = ?", (order,))
                        db.execute("DELETE FROM orders_status_history WHERE orders_id = ?", (order,))
                else:
                    db.execute(
                        "UPDATE orders_products SET products_quantity = ? WHERE orders_products_id = ?",
                        (one.lines[name], line),
                    )
            for units in one.sold:
                _line(db, _order(db), product, one.sku, units)
            for units in one.added:
                _line(db, known["A"][1], product, one.sku, units)
            _show(db, one)


def _order(db: Any) -> int:
    order = db.execute(
        "INSERT INTO orders (customers_name, payment_method, date_purchased, orders_status)"
        " VALUES ('B. Buyer', 'Cash', datetime('now'), 1)"
    ).lastrowid
    db.execute(
        "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added) VALUES (?, 1, datetime('now'))",
        (order,),
    )
    return order


def _line(db: Any, order: int, product: int, sku: str, units: int) -> None:
    db.execute(
        "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price, final_price,"
        " products_quantity) VALUES (?, ?, ?, '', 1, 1, ?)",
        (order, product, sku, units),
    )


def _show(db: Any, one: Shelf) -> None:
    db.execute(
        "UPDATE products SET products_quantity = ?, products_ordered = ? WHERE products_model = ?",
        (one.quantity, one.counter, one.sku),
    )
    if one.modified:
        db.execute("UPDATE products SET products_last_modified = datetime('now') WHERE products_model = ?", (one.sku,))


def _outcomes(world: World, shop: Stall, shelves: Sequence[Shelf], histories: Sequence[History]) -> list[Outcome]:
    named: dict[str, list[dict[str, Any]]] = {one.sku: [] for one in shelves}
    for found in world.store.read(lambda books: books.reports.differences(shop.id, False, 100_000))[::-1]:
        named[found["sku"]].append(found)
    held = Counter({x.model: x.held for x in world.store.read(lambda books: books.listings.all(shop.id))})
    on_hand = world.store.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    shown = {ware.sku: ware.quantity for ware in shop.sample.stock()}
    return [
        Outcome(
            history,
            on_hand[one.sku] - one.shelf,
            tuple((str(found["cause"]), found["amount"]) for found in named[one.sku]),
            any(found["remedy"] == "ask" for found in named[one.sku]),
            shown[one.sku] != on_hand[one.sku] + held[one.sku],
        )
        for one, history in zip(shelves, histories, strict=True)
    ]
