"""Delivers posts: brings what a shop shows to what it should show.

Path: the controller, woken by a booking or by its tick → ``deliver`` → the connector's ``apply`` → ``_settle``.
Promise: a batch is stored before it is sent, resent unchanged until the shop answers, and its effect is booked once.
Never: sends a quantity, or holds a transaction over the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from onhand.domain import posts
from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict
from onhand.domain.listings import Listing
from onhand.domain.posts import Batch, Due, Post, State
from onhand.domain.shop import Applied, Outcome, Row
from onhand.domain.sketch import Counters, Sums, weight

from .ports import ROWS_MAX, Books, House, Shop

PARKED = {
    State.MISSING: "The product is gone from the shop.",
    State.RANGE: "The shop's quantity column cannot hold the result.",
}

NOTHING: Mapping[int, Counters] = {}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Step:
    """A stored batch that is to be sent next, if there is one."""

    batch: Batch | None
    posts: int = 0  # how many count as such: a mark does not
    fresh: bool = True  # it was never sent before
    full: bool = False  # as many listings were examined as fit into a batch, so more may be due


def due(books: Books, cart_id: int) -> tuple[Cart, bool]:
    """Return a cart, and whether ``deliver`` has anything to do there."""
    cart = books.carts.get(cart_id)
    return cart, cart.unmarked or books.posts.pending(cart_id) is not None or bool(books.listings.due(cart_id, 1))


def deliver(
    house: House,
    cart: Cart,
    shop: Shop,
    batch_size: int,
    doubted: Mapping[int, Counters] = NOTHING,
    go_on: Callable[[int], bool] = lambda _: False,
) -> int:
    """Send one batch of what is due; return how many posts it had, 0 if nothing is due any more. ``doubted``: as in ``resend``.

    After a full batch more follow: the commit that books the outcome of one stores the next, so there is one commit for each.
    ``go_on`` gets the number of posts of each batch once the shop has answered, and says whether another one may follow.

    A batch without an answer goes first. When nothing is due and the shop's trade was booked since the last post, a mark is sent, which
    counts as 0 posts. Raises what the shop raises: the batch stays stored.
    """

    def begin(books: Books) -> _Step:
        return _begin(books, cart.id, batch_size, house.clock.now())

    def following(books: Books) -> _Step:
        return begin(books) if books.carts.get(cart.id).halted is None else _Step(None)

    total, step = 0, house.store.write(begin)
    while step.batch is not None:
        answer = _apply(cart, shop, step.batch, step.fresh)
        total += step.posts
        more = go_on(step.posts) and step.full
        step = _conclude(house, cart, shop, step.batch, answer, doubted, following if more else _nothing)
    return total


def _nothing(_: Books) -> _Step:
    """Store no further batch."""
    return _Step(None)


def _begin(books: Books, cart_id: int, batch_size: int, at: datetime) -> _Step:
    """Store and return the next batch, unless one has no answer yet: then return that."""
    cart, batch = books.carts.get(cart_id), books.posts.pending(cart_id)
    if batch is not None:
        return _Step(batch, len(batch.posts), fresh=False)
    if cart.epoch is None:
        return _Step(None)
    batch, last, full = _next(books, cart, batch_size, at)
    if batch is None and cart.unmarked:
        # As a rule a sale made its own listing news, and that listing carries the mark.
        carrier = last or books.listings.carrier(cart_id)
        mark = posts.mark(carrier, cart.epoch, cart.next_seq) if carrier else None
        if mark is not None:
            _store(books, cart, mark, at)
        return _Step(mark)
    return _Step(batch, len(batch.posts) if batch else 0, full=full)


def _next(books: Books, cart: Cart, batch_size: int, at: datetime) -> tuple[Batch | None, Due | None, bool]:
    """Store and return the next batch of what is due, if any, with the last listing that was examined, and whether more may be due.

    Listings with news that show the right count already make no post; those after them still may.
    """
    batch, last, full = None, None, False
    while not batch and cart.epoch is not None and (dues := books.listings.due(cart.id, batch_size)):
        batch = posts.batch_of(dues, cart.settings.buffer, cart.epoch, cart.next_seq)
        last, full = dues[-1], len(dues) == batch_size
        books.listings.clear_news([due.listing for due in dues])
        changed = {post.listing for post in batch.posts} if batch else set()
        books.differences.close_healed([due.listing for due in dues if due.listing not in changed], at)
        if batch:
            _store(books, cart, batch, at)
    return batch, last, full


def _store(books: Books, cart: Cart, batch: Batch, at: datetime) -> None:
    books.carts.take_seqs(cart.id, len(batch.posts))
    books.posts.add(cart.id, batch, at)


def resend(house: House, cart: Cart, shop: Shop, doubted: Mapping[int, Counters] = NOTHING) -> None:
    """Resend the batch that has no answer yet, if there is one, and book its outcome. Comes before every look.

    ``doubted``: by how much products had moved without us at the last look, which came before the batch.
    """
    batch = house.store.read(lambda books: books.posts.pending(cart.id))
    if batch is not None:
        log.info("batch.resent", cart=cart.name, first=batch.first, posts=len(batch.posts))
        send(house, cart, shop, batch, doubted=doubted)


def send(
    house: House,
    cart: Cart,
    shop: Shop,
    batch: Batch,
    fresh: bool = False,
    doubted: Mapping[int, Counters] = NOTHING,
) -> None:
    """Send a stored batch and book its outcome from the shop's answer. ``fresh``: it was never sent before. ``doubted``: as in ``resend``.

    Raises Conflict, with reason ``copied``, if the shop has a fresh batch from another run of OnHand already.
    """
    _conclude(house, cart, shop, batch, _apply(cart, shop, batch, fresh), doubted)


def _apply(cart: Cart, shop: Shop, batch: Batch, fresh: bool) -> Applied:
    answer = shop.apply(batch.epoch, batch.first, [post.change for post in batch.posts])
    if fresh and answer.outcome is Outcome.ALREADY and answer.elsewhere:
        raise Conflict("Another OnHand has sent this batch already.", reason="copied", cart=cart.name)
    return answer


def _conclude(
    house: House,
    cart: Cart,
    shop: Shop,
    batch: Batch,
    answer: Applied,
    doubted: Mapping[int, Counters],
    then: Callable[[Books], _Step] = _nothing,
) -> _Step:
    """Book the outcome of a batch from the shop's answer. ``then`` stores and returns the next batch in the same commit."""
    if answer.outcome is Outcome.UNFINISHED:
        # Book first and close after: a crash in between leaves a batch that the shop calls begun and whose outcome is booked, and the next
        # look closes it. The other way round its outcome would be lost. What is closed is the last batch, so no other is stored before.
        _settle(house, cart, batch, _find_out(house, cart, shop, batch, doubted))
        shop.apply(batch.epoch, batch.first, [post.change for post in batch.posts], close=True)
        return _Step(None)
    return _settle(house, cart, batch, {product: State(code) for product, code in answer.failed.items()}, then)


def close_begun(house: House, cart: Cart, shop: Shop) -> None:
    """Close a batch that a crash in the shop left begun and whose outcome is booked here already."""
    batch = house.store.read(lambda books: books.posts.last(cart.id))
    if batch is not None:
        shop.apply(batch.epoch, batch.first, [post.change for post in batch.posts], close=True)


def _settle(
    house: House,
    cart: Cart,
    batch: Batch,
    failed: dict[int, State],
    then: Callable[[Books], _Step] = _nothing,
) -> _Step:
    at = house.clock.now()
    # A mark changes nothing, so its listing is not affected, whatever happened to it.
    changes = [post for post in batch.posts if post.delta or post.reactivate]
    applied = [post for post in changes if post.product not in failed]

    def write(books: Books) -> _Step:
        books.posts.settle(cart.id, batch, failed, at)
        books.listings.landed(cart.id, batch.epoch, batch.first, batch.last)
        books.carts.move_sums(cart.id, _moved(applied))
        books.differences.close_healed([post.listing for post in applied], at)
        for post in changes:
            state = failed.get(post.product)
            if state is State.UNLANDED:
                books.listings.announce_listings([post.listing])
            elif state is not None:
                books.listings.park(post.listing, PARKED[state], at)
        return then(books)

    step = house.store.write(write)
    log.info("batch.settled", cart=cart.name, first=batch.first, applied=len(applied), failed=len(failed))
    return step


def _moved(applied: Sequence[Post]) -> Sums:
    """Return what applied posts add to the cart's sums. Plain additions: a batch has thousands."""
    return Sums(
        quantity=sum(post.delta for post in applied),
        quantity_h=sum(post.delta * weight(post.product) for post in applied),
    )


def _find_out(house: House, cart: Cart, shop: Shop, batch: Batch, doubted: Mapping[int, Counters]) -> dict[int, State]:
    """Return which posts of an unfinished batch were not applied. The shop cannot tell; the conservation law can."""
    products = [post.product for post in batch.posts]
    listings = house.store.read(lambda books: books.listings.by_id([post.listing for post in batch.posts]))
    lines = {line.line: line for line in house.store.read(lambda books: books.lines.waiting(cart.source, products))}
    lines |= {line.line: line for line in shop.look(cart.cursor_line, cart.cursor_line, ROWS_MAX, False, False).lines}
    paid = Counter[int]()
    for line in lines.values():
        paid[line.product] += line.quantity if line.paid else 0
    rows = {row.product: row for row in shop.rows(products)}
    failed = {}
    for post in batch.posts:
        before = doubted.get(post.product, Counters(0, 0))
        state = _fate(post, listings[post.listing], before, rows.get(post.product), paid[post.product])
        if state is not None:
            failed[post.product] = state
    log.warning("batch.unfinished", cart=cart.name, first=batch.first, posts=len(batch.posts), unlanded=len(failed))
    return failed


def _fate(post: Post, listing: Listing, before: Counters, row: Row | None, paid: int) -> State | None:
    """Return what became of a post; None if it landed. What had moved ``before`` it is no part of it."""
    if row is None:
        return State.MISSING
    expected = Counters(listing.agreed + before.quantity, listing.ordered + before.ordered)
    seen = Counters(row.quantity, row.ordered)
    return None if posts.landed(post.delta, expected, seen, paid) else State.UNLANDED
