"""The services' view of the outside: protocols, one module per noun.

Path: services are written against these; ``carts`` and ``storage`` implement them; ``app`` puts them together.
Promise: every call to a shop is one bounded request, and safe to repeat.
Never: knows an implementation.
"""

from .books import Books, House, Store
from .carts import CartBook
from .clock import Clock
from .connectors import Connectors, Grants
from .leases import LeaseBook
from .ledger import Ledger
from .lines import LineBook
from .listings import ListingBook
from .office import AuditBook, FigureBook, PeopleBook, ReportBook, RequestBook
from .posts import DifferenceBook, PostBook
from .purchases import PurchaseBook
from .shop import LISTINGS_MAX, ROWS_MAX, Shop
from .stock import CountBook, InventoryBook, ItemBook, MappingBook, OrderBook, PhoneOrderBook
from .tasks import ParameterBook, TaskBook
from .webhooks import Messenger, WebhookBook

__all__ = [
    "LISTINGS_MAX",
    "ROWS_MAX",
    "AuditBook",
    "Books",
    "CartBook",
    "Clock",
    "Connectors",
    "CountBook",
    "DifferenceBook",
    "FigureBook",
    "Grants",
    "House",
    "InventoryBook",
    "ItemBook",
    "LeaseBook",
    "Ledger",
    "LineBook",
    "ListingBook",
    "MappingBook",
    "Messenger",
    "OrderBook",
    "ParameterBook",
    "PeopleBook",
    "PhoneOrderBook",
    "PostBook",
    "PurchaseBook",
    "ReportBook",
    "RequestBook",
    "Shop",
    "Store",
    "TaskBook",
    "WebhookBook",
]
