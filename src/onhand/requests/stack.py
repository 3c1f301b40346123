"""The arguments of the verbs in ``verbs.stack``: the post stack.

Path: bound by ``verbs.stack``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc
from annotated_types import Interval, MaxLen

from onhand.domain.people import Scope

from .declaring import Absent, Argument, Option, request
from .kinds import AnyCart, CartName, Limit, Person, Product, Sku, Text

BY_NUMBER = Absent("the command takes the product's number")
AProduct = Annotated[Product | None, Doc("The product's number in the shop."), Argument("PRODUCT")]


@request(Scope.READ)
class Posts:
    """Show the post stack: changes that wait for a shop, then posts, newest first.

    ``more_posts`` is the ``before`` of the next page of posts. ``more_waiting`` is the ``after`` of the next page of waiting or parked
    changes.
    """

    cart: AnyCart = None
    state: Annotated[
        Literal["waiting", "parked", "sent", "settled", "applied", "missing", "range", "unlanded"] | None,
        Doc("Only posts in this state."),
    ] = None
    limit: Limit = 100
    before: Annotated[
        str, MaxLen(60), Doc("Continue after a page of posts, with the value it gave."), Option(metavar="PLACE")
    ] = ""
    after: Annotated[int, Interval(ge=0), Doc("The same for waiting and parked changes.")] = 0
    counts: Annotated[
        bool,
        Doc("Add the number of waiting, in-flight and parked changes."),
        Absent("`status` prints them for each cart"),
    ] = False


@request(Scope.MANAGE)
class PostsRetry:
    """Retry posts that a shop refused, for a whole cart or one product. A product that a person parked stays parked."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("Only this item.")] = None
    product: Annotated[
        Product | None, Doc("Only this product, by its number in the shop."), Absent("the command takes the SKU")
    ] = None


@request(Scope.MANAGE)
class PostsPark:
    """Park a product: nothing is posted for it until it is released. Its sales are still booked."""

    cart: CartName
    reason: Annotated[Text, Doc("Why the product is parked."), Option("--reason")]
    sku: Annotated[Sku | None, Doc("The product, by its SKU."), BY_NUMBER] = None
    product: AProduct = None
    person: Person = ""


@request(Scope.MANAGE)
class PostsRelease:
    """Release a parked product and post what is due, no matter who parked it."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("The product, by its SKU."), BY_NUMBER] = None
    product: AProduct = None
