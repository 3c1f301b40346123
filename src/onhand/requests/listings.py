"""What the verbs of ``verbs.listings`` take: single products of a cart.

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
            "Only unmatched, blank, duplicate (all three: unsettled), fraction, download, derived, deleted, ignored, 'set aside',"
            " chosen, parked, 'not aligned', 'switched off', doubtful, mended, or any."
        ),
    ] = None
    after: Annotated[int, Interval(ge=0), Doc("Begin after this product number."), Option(metavar="PRODUCT")] = 0
    limit: Limit = 1000
    search: Annotated[Text, Doc("Only those with this in SKU or name.")] = ""


@request(Scope.READ)
class ListingSuggest:
    """Name the items that a product might be, by a SKU or name that is alike."""

    cart: CartName
    product: OneProduct
    search: Annotated[Text, Doc("Items with this in SKU or name, in place of a guess.")] = ""
    limit: Annotated[int, Interval(ge=1, le=100), Doc("How many at most.")] = 20


@request(Scope.MANAGE)
class ListingChoose:
    """Tie a product to an item, whatever the product's own SKU says."""

    cart: CartName
    product: OneProduct
    sku: Annotated[Sku, Doc("The item's SKU."), Argument("SKU")]
    person: Person = ""


@request(Scope.MANAGE)
class ListingIgnore:
    """Set products aside for good: not kept in step, not counted, and not shown as a problem."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingRelease:
    """Undo choose and ignore: the products' own SKUs decide again."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingCreate:
    """Create an item for each unmatched product of a cart, or for these, and keep it in step."""

    cart: CartName
    products: Annotated[
        Annotated[list[Product], Len(1, 2000)] | None,
        Doc("The products' numbers in the shop; all unmatched ones if left out."),
        Argument("PRODUCT..."),
    ] = None
    dry_run: DryRun = False
    limit: AllLines = None


@request(Scope.MANAGE)
class ListingSwitchOn:
    """Switch products that sold out on again in the shop, as soon as there is stock."""

    cart: CartName
    products: Products
    person: Person = ""


@request(Scope.MANAGE)
class ListingLeaveOff:
    """Leave products that sold out switched off in the shop, and ask no more about them."""

    cart: CartName
    products: Products
    person: Person = ""
