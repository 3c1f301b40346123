"""What the verbs of ``verbs.stack`` take: the post stack.

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

BY_NUMBER = Absent("the command names the product by its number")
AProduct = Annotated[Product | None, Doc("The product's number in the shop."), Argument("PRODUCT")]


@request(Scope.READ)
class Posts:
    """Show the post stack: what waits for a shop, and what was posted, newest first.

    ``more_posts`` is the ``before`` of the next page of posts, ``more_waiting`` the ``after`` of the next page of those that wait or
    are parked.
    """

    cart: AnyCart = None
    state: Annotated[
        Literal["waiting", "parked", "sent", "settled", "applied", "missing", "range", "unlanded"] | None,
        Doc("Only posts in this state."),
    ] = None
    limit: Limit = 100
    before: Annotated[str, MaxLen(60), Doc("Go on after a page, as it says."), Option(metavar="PLACE")] = ""
    after: Annotated[int, Interval(ge=0), Doc("The same for those that wait or are parked.")] = 0
    counts: Annotated[
        bool,
        Doc("Add how many wait, are in flight and are parked, whatever else is asked."),
        Absent("`status` prints them for each cart"),
    ] = False


@request(Scope.MANAGE)
class PostsRetry:
    """Try again what a shop did not take: all of a cart, or one product. A post that a person parked stays parked."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("Only this item.")] = None
    product: Annotated[
        Product | None, Doc("Only this product, by its number in the shop."), Absent("the command names it by its SKU")
    ] = None


@request(Scope.MANAGE)
class PostsPark:
    """Post nothing for a product until it is released; its sales are booked."""

    cart: CartName
    reason: Annotated[Text, Doc("Why nothing is to be posted for it."), Option("--reason")]
    sku: Annotated[Sku | None, Doc("The product, by its SKU."), BY_NUMBER] = None
    product: AProduct = None
    person: Person = ""


@request(Scope.MANAGE)
class PostsRelease:
    """Let a parked product go on, whoever parked it: what is due by now is posted."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("The product, by its SKU."), BY_NUMBER] = None
    product: AProduct = None
