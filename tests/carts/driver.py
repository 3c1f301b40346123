"""Says how a contract test moves the shop's own side: what a buyer, an admin or a crash does to the database.

Path: ``contract.py`` is written against ``ShopDriver``; every connector's test module brings an implementation.
Promise: a driver acts on the shop as the shop's own programs would, never through the connector under test.
Never: asserts anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from onhand.services.ports import Shop


@dataclass(frozen=True, slots=True)
class Product:
    """One product row, read straight from the shop's database."""

    quantity: float  # int wherever the column is whole
    ordered: float
    status: int
    model: str | None
    modified: str | None  # products_last_modified as text, where it is an admin's


class ShopDriver(Protocol):
    """The shop's side of one fresh, empty shop. Ids are the shop's own."""

    family: str  # what hello must answer, e.g. "oscommerce"
    engine: str  # likewise, e.g. "InnoDB"
    sku_length: int  # width of the SKU column in characters
    quantity_max: int  # largest and smallest value the quantity column can hold
    quantity_min: int
    ordered_max: int  # likewise of the counter
    letters: str  # some that its names can hold, the wider the better
    reactivates: bool  # whether a product that the shop switched off may be switched on again when goods come
    stamped: bool  # whether the database dates every write of a product, so that the date tells nothing of an admin

    def shop(self) -> Shop:
        """The client under test, connected to this shop; always the same object."""

    def add_product(self, model: str | None, quantity: int, name: str = "", status: int = 1, ordered: int = 0) -> int:
        """A new product, never modified; answers its id. Ids rise."""

    def sell(self, product: int, n: int) -> int:
        """One paid order with one line, as the shop's checkout writes it; answers the order's id."""

    def sell_order(self, lines: Sequence[tuple[int, int]]) -> int:
        """One paid order of several (product, n), as the shop's checkout writes it; answers the order's id."""

    def prepare(self, product: int, n: int) -> int:
        """An order whose payment is still open elsewhere: order and line, no history, no counter. Answers the order's id."""

    def pay(self, order: int) -> None:
        """The payment of a prepared order comes in: counters move, the history gets its first row."""

    def abandon(self, order: int) -> None:
        """A prepared order is deleted without restock."""

    def remove_order(self, order: int, restock: bool) -> None:
        """An admin deletes an order, with or without putting the goods back."""

    def set_order_status(self, order: int, status: int) -> None:
        """An admin sets the order's status; stock does not move."""

    def lines_of(self, order: int) -> list[int]:
        """The ids of the order's lines, ascending."""

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        """A bare order line with an id of our choice, as one that commits late. Touches nothing else."""

    def delete_order_row(self, order: int) -> None:
        """Deletes only the order's own row: its lines stay behind."""

    def set(
        self,
        product: int,
        *,
        quantity: int | None = None,
        ordered: int | None = None,
        status: int | None = None,
        model: str | None = None,
        modified: bool = True,
    ) -> None:
        """An admin's save: the given columns absolutely and, if ``modified``, products_last_modified = now."""

    def delete_product(self, product: int) -> None:
        """An admin deletes a product and its descriptions."""

    def row(self, product: int) -> Product | None:
        """The product as it stands in the database, or None."""

    def make_download(self, product: int) -> None:
        """From now on the product is sold as a download, and the shop has downloads enabled."""

    def leave_begun(self, first: int, last: int) -> None:
        """The connector's memory as a crash in the middle of the batch first..last leaves it on an engine without transactions."""

    def busy(self) -> AbstractContextManager[None]:
        """While this is open, somebody else holds the connector's lock."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a connector that speaks HTTP listens, and its key: for tests that write requests by hand."""

    url: str
    key_id: str
    secret_hex: str
