"""A small real shop with a real race in it: an osCommerce 2.3 in miniature, for the demo and the tests.

Path: ``SampleShop`` trades, ``serve`` puts it on the net, ``catalogue`` fills it; ``__main__`` runs one alone.
Promise: it loses sales exactly as the carts do, and speaks the connector's protocol from its own reading of it.
Never: is used by OnHand except over HTTP, like any other cart.
"""

from .catalogue import Article, catalogue
from .shop import Order, SampleShop, Unavailable, Ware
from .storefront import ENDPOINT, Storefront, serve

__all__ = ["ENDPOINT", "Article", "Order", "SampleShop", "Storefront", "Unavailable", "Ware", "catalogue", "serve"]
