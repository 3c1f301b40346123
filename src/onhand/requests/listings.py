"""The arguments of the verbs in ``verbs.listings``: single products of a cart.

Path: bound by ``verbs.listings``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc
from annotated_types import Interval, Len

from onhand.domain.people import Scope

from .declaring import Argument, Option, request
from .kinds import AllLines, CartName, DryRun, Limit, Person, Product, Sku, Text

OneProduct = Annotated[Product, Doc("The product's number in the shop."), Argument("PRODUCT")]
Products = Annotated[list[Product], Len(1, 2000), Doc("The products' numbers in the shop."), Argument("PRODUCT...")]


@request(Scope.READ)
class CartProducts:
    """List the products of a cart and the item each belongs to."""

    cart: CartName
    problem: Annotated[
        Text | None,
        Doc(
            "Only products with this problem: unmatched, blank, duplicate (all three: unsettled), fraction, download, derived,"
            " deleted, ignored, 'set aside', chosen, parked, 'not aligned', 'switched off', doubtful, mended, or any."
        ),
    ] = None
    after: Annotated[int, Interval(ge=0), Doc("Continue after this product number."), Option(metavar="PRODUCT")] = 0
    limit: Limit = 1000
    search: Annotated[Text, Doc("Only products with this text in their SKU or name.")] = ""


@request(Scope.READ)
class ListingSuggest:
    """Suggest items for a product, by similar SKUs and names."""

    cart: CartName
    product: OneProduct
    search: Annotated[Text, Doc("Find items with this text in their SKU or name instead.")] = ""
    limit: Annotated[int, Interval(ge=1, le=100), Doc("The most rows to return.")] = 20


@request(Scope.MANAGE)
class ListingChoose:
    """Choose the item for a product, regardless of the product's own SKU."""

    cart: CartName
    product: OneProduct
    sku: Annotated[Sku, Doc("The item's SKU."), Argument("SKU")]
    person: Person = ""


@request(Scope.MANAGE)
class ListingIgnore:
    """Ignore products: they are not kept in sync, not counted, and not shown as a problem."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingRelease:
    """Undo choose and ignore, so that the products' own SKUs decide again."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingCreate:
    """Create items for a cart's unmatched products, all or these, and keep them in sync."""

    cart: CartName
    products: Annotated[
        Annotated[list[Product], Len(1, 2000)] | None,
        Doc("The products' numbers in the shop; all unmatched products if left out."),
        Argument("PRODUCT..."),
    ] = None
    dry_run: DryRun = False
    limit: AllLines = None


@request(Scope.MANAGE)
class ListingSwitchOn:
    """Switch sold-out products on again in the shop as soon as they have stock."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingLeaveOff:
    """Leave sold-out products switched off in the shop, and stop asking about them."""

    cart: CartName
    products: Products
    person: Person = ""
