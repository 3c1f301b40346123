"""One open transaction, with all books.

Path: ``Database`` makes one for each unit of work and hands it to the service that asked.
Promise: all its changes are committed together or not at all.
Never: outlives its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from sqlalchemy import Connection

from .audit import Audit, Requests
from .carts import Carts
from .counts import Counts
from .differences import Differences
from .evidence import Evidence
from .figures import Figures
from .inventory import Inventory
from .leases import Leases
from .ledger import Items, Movements
from .lines import Lines
from .listings import Listings
from .office import Mappings, Parameters, PhoneOrders
from .orders import Orders
from .people import People
from .posts import Posts
from .products import Products
from .purchasing import Purchases
from .reports import Reports
from .shared import Guesses, Uploads
from .stack import Stack
from .tasks import Tasks
from .vault import Vault
from .webhooks import Webhooks


class SqlBooks:
    """The books on one connection. ``news`` are the carts to wake after the commit."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self.news: set[int] = set()

    def tell(self, carts: Iterable[int]) -> None:
        self.news.update(carts)

    @cached_property
    def items(self) -> Items:
        return Items(self._connection)

    @cached_property
    def ledger(self) -> Movements:
        return Movements(self._connection)

    @cached_property
    def carts(self) -> Carts:
        return Carts(self._connection, self._vault)

    @cached_property
    def counts(self) -> Counts:
        return Counts(self._connection)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self._connection)

    @cached_property
    def listings(self) -> Listings:
        return Listings(self._connection)

    @cached_property
    def lines(self) -> Lines:
        return Lines(self._connection)

    @cached_property
    def posts(self) -> Posts:
        return Posts(self._connection)

    @cached_property
    def differences(self) -> Differences:
        return Differences(self._connection)

    @cached_property
    def mappings(self) -> Mappings:
        return Mappings(self._connection)

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters(self._connection)

    @cached_property
    def phone_orders(self) -> PhoneOrders:
        return PhoneOrders(self._connection)

    @cached_property
    def inventory(self) -> Inventory:
        return Inventory(self._connection)

    @cached_property
    def orders(self) -> Orders:
        return Orders(self._connection)

    @cached_property
    def reports(self) -> Reports:
        return Reports(self._connection)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._connection)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self._connection)

    @cached_property
    def figures(self) -> Figures:
        return Figures(self._connection)

    @cached_property
    def evidence(self) -> Evidence:
        return Evidence(self._connection)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self._connection)

    @cached_property
    def webhooks(self) -> Webhooks:
        return Webhooks(self._connection, self._vault)

    @cached_property
    def people(self) -> People:
        return People(self._connection)

    @cached_property
    def products(self) -> Products:
        return Products(self._connection)

    @cached_property
    def stack(self) -> Stack:
        return Stack(self._connection)

    @cached_property
    def guesses(self) -> Guesses:
        return Guesses(self._connection)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(self._connection)

    @cached_property
    def purchases(self) -> Purchases:
        return Purchases(self._connection)
