"""Defines a listing, what a shop should show for it, and which item it belongs to.

Path: ``aligning``, ``refreshing`` and ``tying`` tie listings; ``aligning`` plans Send and Get; ``delivering`` asks for the target.
Promise: agreed, always sum - ordered, is what the shop holds now as far as both sides know; no item belongs to two products of one shop.
Never: guesses an item for a blank or a duplicate SKU; a person may choose one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from .shop import DERIVED, DOWNLOAD, FRACTION, Row
from .spelling import look
from .stock import Item, is_sku, sku_key


class Problem(StrEnum):
    """The reasons why a listing is not kept in sync."""

    BLANK = "blank"  # the product has no SKU
    DUPLICATE = "duplicate"  # another product of the same shop has the same SKU
    UNMATCHED = "unmatched"  # no item has this SKU
    FRACTION = "fraction"  # the shop holds a fractional quantity
    DOWNLOAD = "download"  # the counter moves without the quantity
    DERIVED = "derived"  # the shop works the quantity out from variants or sub-products
    DELETED = "deleted"  # the product is gone from the shop
    IGNORED = "ignored"  # a person chose to ignore the product
    SET_ASIDE = "set aside"  # shops must not follow the item: Ignore QOH or Drop ship
    NOT_FOUND = "not found"  # in a plan: no product of this shop has the item's SKU
    TOO_LONG = "too long"  # in a plan: no product can have the SKU, because the shop's column is too narrow
    LOOKS_ALIKE = "looks alike"  # in a plan: no item is made, as its SKU looks like another in other characters


NAMELESS = frozenset({Problem.BLANK, Problem.DUPLICATE, Problem.UNMATCHED})  # its SKU names no item


@dataclass(frozen=True, slots=True)
class Left:
    """The state of a listing when it stopped being followed: units, and the highest order line before those that were sold since."""

    item: int
    ordered: int
    sum: int | None  # None: it cannot continue from there, because more than its SKU changed in between
    line: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One product of one cart. Quantities in units.

    ``ordered`` is the shop's counter as far as it is booked; ``sum`` is what quantity + counter should be; ``held`` is the part of it that
    waits for a person's decision; ``unnamed`` were booked as sold before a line named them; ``aligned`` says that Send or Get made both
    sides equal once. ``chosen`` is the item that a person tied it to, whatever its SKU says; ``ignored`` says that a person ignored it.
    ``parked``: why nothing is posted; ``parked_by``: the person who wanted that, if any. ``left`` is its state when it stopped being
    followed.
    """

    id: int
    cart: int
    product: int
    model: str | None
    name: str
    status: int
    modified: str | None
    flags: int
    item: int | None
    chosen: int | None
    ignored: bool
    problem: Problem | None
    aligned: bool
    ordered: int
    sum: int
    held: int
    unnamed: int
    off_by_sale: bool
    off_when_empty: bool
    switch_on: bool
    parked: str | None
    parked_by: str | None
    left: Left | None = None

    @property
    def agreed(self) -> int:
        """Return what both sides should hold now."""
        return self.sum - self.ordered

    @property
    def deleted(self) -> bool:
        """Return whether the shop does not have the product any more; what is kept of it counts for nothing."""
        return self.problem is Problem.DELETED

    @property
    def shown(self) -> Shown:
        """Return what the shop shows, as far as both sides know."""
        tie = Tie(self.item, self.problem)
        return Shown(
            self.product, self.model, self.name, self.agreed, tie, self.tracked, self.unfollowed(tie, self.ordered)
        )

    @property
    def tracked(self) -> bool:
        """Return whether sales here are booked and posts are sent."""
        return self.item is not None and self.problem is None and self.aligned

    def went_off(self, row: Row) -> bool:
        """Return whether it is sold out and off now, and was on when it had stock."""
        return not row.status and row.quantity <= 0 and (bool(self.status) or self.off_when_empty)

    @property
    def switched_off(self) -> bool:
        """Return whether it sold out and is off without proof that the sale did that: a person has to say what is wanted."""
        return self.tracked and not self.status and self.off_when_empty and not (self.off_by_sale or self.switch_on)

    def leaving(self, tie: Tie) -> bool:
        """Return whether it is followed now, and will not be once it has this tie."""
        return self.tracked and tie != Tie(self.item, None)

    def leaves(self, tie: Tie, line: int, by_sku: bool) -> Left | None:
        """Return its state once it has this tie, with ``line`` as the highest line before those that may be sold meanwhile. ``by_sku``:
        only its SKU in the shop gave it that tie, and no person."""
        nameless = by_sku and tie.item is None and tie.problem in NAMELESS
        if self.tracked:
            if not self.leaving(tie) or self.item is None:
                return None
            # What a person was asked about is left out, so that it is found and asked about again.
            return Left(self.item, self.ordered, self.sum - self.held if nameless else None, line)
        return self.left if nameless else self.lost

    @property
    def lost(self) -> Left | None:
        """Return its last state, marked as one it cannot continue from."""
        return replace(self.left, sum=None) if self.left else None

    def resumes(self, tie: Tie) -> bool:
        """Return whether its SKU names the same item again and nothing else changed in between: then it is followed from there."""
        return self.left is not None and self.left.sum is not None and tie == Tie(self.left.item, None)

    def unfollowed(self, tie: Tie, ordered: int) -> int:
        """Return the units of this tie's item that its counter rose by while it was not followed, and that are not booked anywhere."""
        if self.left is None or tie.item != self.left.item or self.aligned:
            return 0
        return max(0, ordered - self.left.ordered)


def target(on_hand: int, buffer: int) -> int:
    """Return what a shop should show. The buffer withholds units, but never makes an oversold count look worse."""
    return on_hand if on_hand <= 0 else max(0, on_hand - buffer)


@dataclass(frozen=True, slots=True)
class Tie:
    """The item that a product belongs to, or the reason why it has none."""

    item: int | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The decisions that people made by hand for one shop. They override any SKU."""

    chosen: Mapping[int, int] = field(default_factory=dict)  # product → the item it is tied to
    ignored: Container[int] = ()  # products that people ignore
    set_aside: Container[int] = ()  # items that shops must not follow

    @classmethod
    def of(cls, listings: Iterable[Listing], set_aside: Container[int]) -> Settled:
        """Return the decisions found in the listings of one cart."""
        live = [listing for listing in listings if not listing.deleted]
        chosen = {listing.product: listing.chosen for listing in live if listing.chosen is not None}
        return cls(chosen, {listing.product for listing in live if listing.ignored}, set_aside)


def ties(
    rows: Collection[Row | Listing], items: Mapping[str, int], kept: Container[int] = (), settled: Settled | None = None
) -> dict[int, Tie]:
    """Return the tie of each product of one shop. ``items`` maps SKU key to item id.

    ``kept`` are the products that are in sync already: one that is copied in the shop keeps its item, and only the copies are duplicates.
    What is ``settled`` does not take part in that: if one of two duplicates is ignored, the other is unique; but an item that was chosen
    for one product is never tied to another by SKU.
    """
    settled = settled or Settled()
    taken = {settled.chosen[row.product] for row in rows if row.product in settled.chosen}
    keys = {
        row.product: sku_key(row.model or "")
        for row in rows
        if row.product not in settled.chosen and row.product not in settled.ignored
    }
    seen = Counter(keys.values())
    holders = _holders(keys, seen, kept)
    found = {}
    for row in rows:
        key = keys.get(row.product)
        if row.product in settled.ignored:
            found[row.product] = Tie(None, Problem.IGNORED)
        elif key is None:
            found[row.product] = _with_problem(row, settled.chosen[row.product], settled)
        elif not key:
            found[row.product] = Tie(None, Problem.BLANK)
        elif items.get(key) in taken or (seen[key] > 1 and not (row.product in kept and holders[key] == 1)):
            found[row.product] = Tie(None, Problem.DUPLICATE)
        else:
            found[row.product] = _with_problem(row, items.get(key), settled)
    return found


def _holders(keys: Mapping[int, str], seen: Mapping[str, int], kept: Container[int]) -> Counter[str]:
    """Return how many products in sync have each of the SKU keys that several products have."""
    return Counter(key for product, key in keys.items() if seen[key] > 1 and product in kept)


def _with_problem(row: Row | Listing, item: int | None, settled: Settled) -> Tie:
    """Return the tie to this item, or to none, and why it cannot be kept in sync."""
    problem = None
    if row.flags & FRACTION:
        problem = Problem.FRACTION
    elif row.flags & DOWNLOAD:
        problem = Problem.DOWNLOAD
    elif row.flags & DERIVED:
        problem = Problem.DERIVED
    elif item is None:
        problem = Problem.UNMATCHED
    elif item in settled.set_aside:
        problem = Problem.SET_ASIDE
    return Tie(item, problem)


@dataclass(frozen=True, slots=True)
class Shown:
    """The quantity that a shop shows for one product, and its tie."""

    product: int
    model: str | None
    name: str
    quantity: int
    tie: Tie
    in_step: bool = False  # it was aligned before, so what it shows is what is on hand less the buffer
    unfollowed: int = 0  # units sold there while it was not followed


class Direction(StrEnum):
    """The side that follows the other."""

    GET = "get"  # we take over what the shop shows
    SEND = "send"  # the shop takes over what we have


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of Send or Get on one product. ``change`` is added to our count (Get) or to the shop's (Send)."""

    product: int
    sku: str
    name: str
    item: int | None
    here: int | None  # on hand; None: no item has this SKU
    there: int
    change: int
    create: bool = False  # an item is made for it
    problem: Problem | None = None
    failure: str | None = None  # why the post for it was parked
    unfollowed: int = 0  # units that were sold there while it was not followed, and are not booked anywhere
    left: str | None = None  # it was cancelled before the post for it was sent; what happens to it now

    @property
    def remark(self) -> str:
        """Return what a person should know before it is done."""
        if not self.unfollowed or self.problem:
            return ""
        what = "1 unit was" if self.unfollowed == 1 else f"{self.unfollowed:,} units were"
        return f"{what} sold while it was not followed: Get takes that over, Send adds it to the shop again."

    @property
    def result(self) -> str:
        """Return one word for the list that a person reads."""
        if self.failure:
            return "failed"
        if self.left:
            return "cancelled"
        if self.problem:
            return self.problem.value
        return "created" if self.create else "changed" if self.change else "equal"


def plan(
    direction: Direction,
    shown: Iterable[Shown],
    items: Mapping[int, Item],
    buffer: int,
    create: bool,
    alike: Container[int] | None = None,
) -> list[Plan]:
    """Return what Send or Get would do, product by product, except ignored ones. ``create``: Get makes items for SKUs without one.

    Where these are not all products or items, ``alike`` has what ``looking_alike`` finds in all of them.
    """
    wanted = [s for s in shown if s.tie.problem is not Problem.IGNORED]
    if alike is None:
        makes = create and direction is Direction.GET
        alike = looking_alike(wanted, (item.sku for item in items.values())) if makes else ()
    return [
        replace(line, problem=Problem.LOOKS_ALIKE, change=0, create=False) if line.product in alike else line
        for line in (
            _plan(direction, s, items.get(s.tie.item) if s.tie.item is not None else None, buffer, create)
            for s in wanted
        )
    ]


def looking_alike(shown: Iterable[Shown], skus: Iterable[str]) -> frozenset[int]:
    """Return the unmatched products whose SKU looks like, but is not, one of the items' SKUs or that of another such product."""
    unmatched = {s.product: s.model or "" for s in shown if s.tie.problem is Problem.UNMATCHED}
    keys: dict[str, str] = {}  # look → the first SKU key with it
    alike: set[str] = set()
    for sku in chain(unmatched.values(), skus if unmatched else ()):
        seen = look(sku)
        if keys.setdefault(seen, sku_key(sku)) != sku_key(sku):
            alike.add(seen)
    return frozenset(product for product, sku in unmatched.items() if look(sku) in alike)


def _plan(direction: Direction, shown: Shown, item: Item | None, buffer: int, create: bool) -> Plan:
    get = direction is Direction.GET
    new = get and create and shown.tie.problem is Problem.UNMATCHED and is_sku(shown.model or "")
    here = item.on_hand if item else None
    change = 0
    if new:
        change = shown.quantity
    elif item and shown.tie.problem is None:
        wanted = target(item.on_hand, buffer)
        change = wanted - shown.quantity
        if get:
            change = shown.quantity - (wanted if shown.in_step else item.on_hand)
    problem = None if new else shown.tie.problem
    sku = item.sku if item else (shown.model or "").strip()
    number = item.id if item else None
    return Plan(
        shown.product, sku, shown.name, number, here, shown.quantity, change, new, problem, unfollowed=shown.unfollowed
    )


def absent(shown: Iterable[Shown], items: Iterable[Item], sku_length: int) -> list[Plan]:
    """Return the items that a Send does not reach, because no product of the shop has their SKU or was chosen for them."""
    there, tied = set(), set()
    for one in shown:
        there.add(sku_key(one.model or ""))
        tied.add(one.tie.item)
    return [
        Plan(
            product=0,
            sku=item.sku,
            name=item.name,
            item=item.id,
            here=item.on_hand,
            there=0,
            change=0,
            problem=Problem.TOO_LONG if sku_length and len(item.sku) > sku_length else Problem.NOT_FOUND,
        )
        for item in items
        if sku_key(item.sku) not in there and item.id not in tied
    ]
