"""Ties listings to items by what the books know, without asking a shop.

Path: ``settling``, and whoever changes an item's SKU or flags, → ``retie``; ``refreshing`` and ``aligning`` → ``tie_rows``.
Promise: only ties change: counters and sums stay as they are booked, since the sums of a cart count all its products, tied or not.
Never: lets a listing that got another tie be taken for one in step: Send or Get has to make both sides equal first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from onhand.domain.listings import Listing, Settled, Tie, ties
from onhand.domain.shop import Row
from onhand.domain.stock import sku_key

from .ports import Books

ANEW = "its product was tied anew: Send or Get its quantity"


def tie_rows(books: Books, listings: Iterable[Listing], rows: Sequence[Row]) -> dict[int, Tie]:
    """For each product of a shop, as it was just read, its tie. ``listings`` are all that the books have of this cart."""
    listings = list(listings)
    kept = {listing.product for listing in listings if listing.tracked}
    return ties(rows, books.items.keys(), kept, Settled.of(listings, books.items.set_aside()))


def retie(
    books: Books,
    items: Collection[int],
    at: datetime,
    listings: Collection[int] = (),
    keys: Collection[str] = (),
    note: str = ANEW,
) -> dict[int, Tie]:
    """Tie anew, in all carts, all that has to do with these items, after their SKUs or flags or what people chose for them changed.

    Besides, these ``listings``, and the bearers of SKU keys that are no item's any more. Returns the ties that changed, by listing.
    ``note`` closes what was open about those listings. Call it in the unit of work that makes the change.
    """
    own = books.listings.by_id(sorted(listings))
    affected = {sku_key(item.sku) for item in books.items.by_id(sorted(items)).values()}
    affected |= {*keys, *(sku_key(listing.model or "") for listing in own.values())}
    affected.discard("")  # those without a SKU have nothing to do with each other
    item_of = {key: item.id for key, item in books.items.by_key(sorted(affected)).items()}
    # Whoever was chosen for an item keeps it from the bearers of its SKU.
    concerned = sorted({*items, *item_of.values()})
    found = own | {listing.id: listing for listing in books.listings.alike(sorted(affected), concerned)}
    set_aside = books.items.set_aside(sorted({*concerned, *(x.chosen for x in found.values() if x.chosen is not None)}))
    by_cart: defaultdict[int, list[Listing]] = defaultdict(list)
    for listing in found.values():
        by_cart[listing.cart].append(listing)
    changed: dict[int, Tie] = {}
    for group in by_cart.values():
        kept = {listing.product for listing in group if listing.tracked}
        tied = ties(group, item_of, kept, Settled.of(group, set_aside))
        changed |= {x.id: tied[x.product] for x in group if tied[x.product] != Tie(x.item, x.problem)}
    books.listings.retie(changed)
    books.differences.close_listings(sorted(changed), at, note)
    return changed
