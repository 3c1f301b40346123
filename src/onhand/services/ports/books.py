"""All books, the store that opens them, and the bundle that every service gets.

Path: ``storage.books`` and ``storage.database`` implement them; ``app`` makes the ``House``.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .carts import CartBook
from .clock import Clock
from .leases import LeaseBook
from .ledger import Ledger
from .lines import LineBook
from .listings import ListingBook
from .office import AuditBook, FigureBook, PeopleBook, ReportBook, RequestBook
from .posts import DifferenceBook, PostBook
from .purchases import PurchaseBook
from .shared import GuessBook, UploadBook
from .stock import CountBook, InventoryBook, ItemBook, MappingBook, OrderBook, PhoneOrderBook
from .tasks import ParameterBook, TaskBook
from .webhooks import WebhookBook

T = TypeVar("T")


class Books(Protocol):
    """One open transaction with all the books in it."""

    @property
    def items(self) -> ItemBook: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def carts(self) -> CartBook: ...
    @property
    def counts(self) -> CountBook: ...
    @property
    def leases(self) -> LeaseBook: ...
    @property
    def listings(self) -> ListingBook: ...
    @property
    def lines(self) -> LineBook: ...
    @property
    def posts(self) -> PostBook: ...
    @property
    def differences(self) -> DifferenceBook: ...
    @property
    def mappings(self) -> MappingBook: ...
    @property
    def parameters(self) -> ParameterBook: ...
    @property
    def phone_orders(self) -> PhoneOrderBook: ...
    @property
    def inventory(self) -> InventoryBook: ...
    @property
    def orders(self) -> OrderBook: ...
    @property
    def purchases(self) -> PurchaseBook: ...
    @property
    def audit(self) -> AuditBook: ...
    @property
    def people(self) -> PeopleBook: ...
    @property
    def figures(self) -> FigureBook: ...
    @property
    def reports(self) -> ReportBook: ...
    @property
    def requests(self) -> RequestBook: ...
    @property
    def tasks(self) -> TaskBook: ...
    @property
    def guesses(self) -> GuessBook: ...
    @property
    def uploads(self) -> UploadBook: ...
    @property
    def webhooks(self) -> WebhookBook: ...
    def tell(self, carts: Iterable[int]) -> None:
        """Wake the controllers of these carts once this transaction is committed."""


class Store(Protocol):
    """The database of OnHand."""

    def write(self, unit: Callable[[Books], T]) -> T:
        """Run a unit of work alone and commit it durably, or leave nothing of it. No network inside."""

    def read(self, unit: Callable[[Books], T]) -> T:
        """Run reads on one consistent snapshot."""


@dataclass(frozen=True, slots=True)
class House:
    """The bundle of everything that every service needs."""

    store: Store
    clock: Clock
