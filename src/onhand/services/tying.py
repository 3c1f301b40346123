"""Ties listings to items by what the books know, without asking a shop.

Path: ``settling``, and services that change an item's SKU or flags → ``retie``; ``refreshing`` and ``aligning`` → ``tie_rows``.
Promise: only ties change: counters and sums stay as they are booked, since the sums of a cart count all its products, tied or not.
Never: counts a listing with another tie as in sync: Send or Get has to make both sides equal first, unless it has its old SKU back and
nothing came between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from onhand.domain.carts import Cart
from onhand.domain.catalogue import Notice
from onhand.domain.differences import Ending, Finding, Remedy
from onhand.domain.listings import Listing, Settled, Tie, ties
from onhand.domain.shop import Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import sku_key

from .ports import Books

LINKED_AGAIN = "its product was linked to another item: Send or Get its quantity"


def tie_rows(books: Books, listings: Iterable[Listing], rows: Collection[Row]) -> dict[int, Tie]:
    """Return the tie of each product of a shop that was just read. ``listings`` are all that the books have of this cart."""
    kept, held, special = set(), set(), []
    for listing in listings:  # a cart may have very many, and few of them are special
        if listing.tracked:
            kept.add(listing.product)
            held.add(listing.item)
        if listing.left or listing.chosen is not None or listing.ignored:
            special.append(listing)
    items = books.items.keys()
    # One that has its old SKU again is in sync as before, unless another has taken its place.
    gone = {listing.product: listing for listing in special if listing.left and listing.left.item not in held}
    keys = {row.product: sku_key(row.model or "") for row in rows if row.product in gone}
    kept |= {product for product, listing in gone.items() if listing.resumes(_named(items, keys, product))}
    return ties(rows, items, kept, Settled.of(special, books.items.set_aside()))


def _named(items: Mapping[str, int], keys: Mapping[int, str], product: int) -> Tie:
    return Tie(items.get(keys.get(product, "")), None)


def follow(books: Books, cart: Cart, listings: Iterable[Listing], tied: Mapping[int, Tie], at: datetime) -> None:
    """Note where listings of an aligned cart were when their SKU stops naming their item, and continue from there when it does again.

    ``listings`` are as they were before they get the ties ``tied``, by product. Call it in the unit of work that ties them.
    """
    # Of all others nothing changes.
    concerned = [x for x in listings if x.product in tied and (x.left is not None or x.leaving(tied[x.product]))]
    first: dict[
        int, int
    ] = {}  # product → its oldest line that waits for payment: it may be paid while the product is not followed
    for line in books.lines.waiting(cart.source, [x.product for x in concerned if x.leaving(tied[x.product])]):
        first[line.product] = min(line.line, first.get(line.product, line.line))
    for listing in concerned:
        tie = tied[listing.product]
        before = first.get(listing.product, cart.cursor_line + 1) - 1
        left = listing.leaves(tie, min(before, cart.cursor_line), by_sku=True)
        if listing.left is not None and listing.left.sum is not None and listing.resumes(tie):
            change = listing.left.sum - listing.left.ordered - listing.agreed
            books.listings.resume(listing.id)
            books.carts.move_sums(cart.id, Sums.of(listing.product, change, listing.left.ordered - listing.ordered))
            books.lines.reopen(cart.source, listing.product, listing.left.line)
            _ask_again(books, listing)
            books.differences.close_shown(
                [listing.id], at, "its SKU names the same item again; it is followed from there"
            )
        elif left != listing.left:
            books.listings.leave(listing.id, left)


def _ask_again(books: Books, listing: Listing) -> None:
    """Ask again about returns of a listing that is followed again. A drift in doubt is found again; goods on the shelf are not."""
    for difference in books.differences.unanswered(listing.id):
        note = (
            "This question ended while the product had another name. "
            f"If {difference.theirs} came back to the shelf, choose theirs; if not, choose ours."
        )
        books.differences.reopen(difference.id, note)


def show(books: Books, cart: Cart, notices: Iterable[Notice], at: datetime) -> None:
    """Record what a person has to know about listings."""
    for notice in notices:
        finding, nothing = Finding(notice.cause, Remedy.SHOW), Counters(0, 0)
        books.differences.open(cart.id, notice.listing.id, finding, 0, nothing, nothing, at, notice.note)


def end_questions(books: Books, unfollowed: Sequence[int], at: datetime) -> None:
    """End open questions about listings that were kept in sync and are not any more: no answer could be carried out."""
    books.differences.close_listings(unfollowed, at, Ending.UNSYNCED.value)


def retie(
    books: Books,
    items: Collection[int],
    at: datetime,
    listings: Collection[int] = (),
    keys: Collection[str] = (),
    note: str = LINKED_AGAIN,
) -> dict[int, Tie]:
    """Tie again, in all carts, all that concerns these items, after their SKUs, flags or manual choices changed.

    Also these ``listings``, and those with SKU keys that belong to no item any more. Returns the ties that changed, by listing. ``note``
    closes what was open about those listings. Call it in the unit of work that makes the change.
    """
    own = books.listings.by_id(sorted(listings))
    affected = {sku_key(item.sku) for item in books.items.by_id(sorted(items)).values()}
    affected |= {*keys, *(sku_key(listing.model or "") for listing in own.values())}
    affected.discard("")  # listings without a SKU are not related
    item_of = {key: item.id for key, item in books.items.by_key(sorted(affected)).items()}
    # A listing that was chosen for an item keeps it from others with its SKU.
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
    for listing in (found[number] for number in changed):
        left = listing.leaves(changed[listing.id], 0, by_sku=False)
        if left != listing.left:
            books.listings.leave(listing.id, left)
    books.listings.retie(changed)
    books.differences.close_listings(sorted(changed), at, note)
    return changed
