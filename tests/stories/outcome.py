"""What came of a run under blows, and the checks of what is promised.

Path: ``chaos`` gathers an ``Outcome`` when all is quiet; ``faults_of`` names all that is wrong with it; ``test_chaos.py``
shows of each check that it can fail.
Promise: a check compares two things that were written down by two parties: the shops' databases, the people, the books.
Never: asks anybody anything: all it needs is in the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onhand.domain.differences import Ending

Units = Mapping[str, int]  # by SKU
END_SECONDS_MAX = 10.0  # a process that is told to end is gone by then, whatever its shops do; more on a busy machine
SLACK_SECONDS = 4.0  # for a machine that is busy with other tests
# What a race and a checkout cut in two can be taken for, and nothing else. A paid line whose sale was never counted, beside a post that a
# race destroyed, is several changes at once.
CAUSES = {"lost sale", "lost post", "lost return", "return in doubt", "several changes at once", "unknown"}


@dataclass(frozen=True, slots=True)
class ShopSeen:
    """One shop as its own database tells it."""

    transactional: bool
    shows: Units
    ordered: Units  # the counter
    opening: Units  # quantity when the witness began; the counter was 0
    destroyed: Units  # by the witness: what the shop's own programs did to quantity + counter
    posted: Units  # by the witness: what OnHand did to it

    def unwitnessed(self, sku: str) -> int:
        """What a kill of MyISAM left between writing a row and running its trigger."""
        known = self.opening[sku] + self.destroyed.get(sku, 0) + self.posted.get(sku, 0)
        return self.shows[sku] + self.ordered[sku] - known


@dataclass(frozen=True, slots=True)
class Return:
    """How long it took until others did the work of what was killed."""

    what: str
    seconds: float
    allowed: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the checks need."""

    settled: bool  # all came in step and stayed so
    seconds_to_in_step: float  # after trade had stopped, without the time until a person was asked and had answered
    seconds_allowed: float
    proof: Mapping[str, Any]
    opening: Units
    on_hand: Units
    movements: tuple[Mapping[str, Any], ...]  # with the cart's name
    shops: Mapping[str, ShopSeen]
    differences: tuple[Mapping[str, Any], ...]
    posts: tuple[Mapping[str, Any], ...]
    clerk: Mapping[str, Units]  # by reference: what he knows to be booked
    unfinished: tuple[tuple[str, int], ...]  # cart and number of each post whose fate the shop could not tell
    endings: tuple[tuple[int, float, float], ...]  # exit code, seconds, and seconds allowed, of each SIGTERM
    returns: tuple[Return, ...] = ()  # where several processes share a store; so are the next three
    bank: tuple[str, ...] = ()  # what a bank knows to be booked on its own accounts
    reads: int = 0  # of these accounts
    misread: tuple[str, ...] = ()  # what was wrong with a read

    def booked(self, shop: str, sku: str) -> int:
        """Units that the books say this shop sold, less what it took back."""
        return -sum(
            m["quantity"]
            for m in self.movements
            if m["cart"] == shop and m["sku"] == sku and m["kind"] in {"sale", "cancellation"}
        )

    def doubted(self, shop: str, sku: str) -> int:
        """Units that the shop's counter gave back, and of which a person was asked whether they came: no cancellation is booked."""
        found = (d for d in self.differences if (d["cart"], d["sku"], d["cause"]) == (shop, sku, "return in doubt"))
        return -sum(difference["amount"] for difference in found)

    def applied(self, shop: str, sku: str) -> int:
        posts = (p for p in self.posts if (p["cart"], p["sku"], p["state"]) == (shop, sku, "applied"))
        return sum(post["change"] for post in posts)

    def in_doubt(self, shop: str, sku: str) -> bool:
        """Whether a kill without transactions came between a row and its trigger here, or the law had to judge a post. A race
        at that moment can be taken for the post, and the post for a race; together they are right all the same."""
        judged = any((p["cart"], p["sku"]) == (shop, sku) and (shop, p["seq"]) in self.unfinished for p in self.posts)
        return not self.shops[shop].transactional and (judged or self.shops[shop].unwitnessed(sku) != 0)

    def misjudged(self, shop: str, sku: str) -> int:
        """Units of a race that went for a post, or the other way round."""
        return abs(self.shops[shop].destroyed.get(sku, 0) - self.named(shop, sku))

    def named(self, shop: str, sku: str) -> int:
        """Units of all differences of this listing, but for those that the shop itself took back."""
        found = (d for d in self.differences if (d["cart"], d["sku"]) == (shop, sku) and d["note"] != Ending.UNDONE)
        return sum(difference["amount"] for difference in found)


Faults = Iterator[str]


def _proof(o: Outcome) -> Faults:
    if o.proof != {"holds": True, "items": [], "carts": []}:
        yield f"{o.proof}"


def _balances(o: Outcome) -> Faults:
    for sku, units in o.on_hand.items():
        folded = sum(m["quantity"] for m in o.movements if m["sku"] == sku)
        if folded != units:
            yield f"{sku}: {units} on hand, its movements make {folded}"


def _sales(o: Outcome) -> Faults:
    for name, shop in o.shops.items():
        for sku, ordered in shop.ordered.items():
            if o.booked(name, sku) - o.doubted(name, sku) != ordered:
                yield f"{name} {sku}: {ordered} sold by the shop's counter, {o.booked(name, sku)} booked"
    for origin, times in Counter(m["origin"] for m in o.movements).items():
        if times > 1:
            yield f"{origin} is booked {times} times"


def _conservation(o: Outcome) -> Faults:
    for sku, opening in o.opening.items():
        clerk = sum(changes.get(sku, 0) for changes in o.clerk.values())
        sold = sum(shop.ordered[sku] for shop in o.shops.values())
        if o.on_hand[sku] != opening + clerk - sold:
            yield f"{sku}: {o.on_hand[sku]} on hand, but {opening} at first, {clerk:+} by the clerk, {sold} sold"


def _in_step(o: Outcome) -> Faults:
    if not o.settled:
        yield "not everything came in step and stayed so"
    if o.seconds_to_in_step > o.seconds_allowed:
        yield f"in step after {o.seconds_to_in_step:.1f} s, {o.seconds_allowed:.1f} s are allowed"
    for name, shop in o.shops.items():
        for sku, shows in shop.shows.items():
            if shows != o.on_hand[sku]:
                yield f"{name} shows {shows} of {sku}, {o.on_hand[sku]} are on hand"


def _posts(o: Outcome) -> Faults:
    for name, shop in o.shops.items():
        for sku in shop.shows:
            posted, applied = shop.posted.get(sku, 0), o.applied(name, sku)
            if posted != applied and not o.in_doubt(name, sku):
                yield f"{name} {sku}: posts moved {posted:+}, {applied:+} are noted as applied"
    yield from (f"post {p['seq']} of {p['cart']} is {p['state']}" for p in o.posts if p["state"] not in SETTLED)


def _differences(o: Outcome) -> Faults:
    for name, shop in o.shops.items():
        for sku in shop.shows:
            destroyed, named = shop.destroyed.get(sku, 0), o.named(name, sku)
            if destroyed != named and not o.in_doubt(name, sku):
                yield f"{name} {sku}: {destroyed:+} destroyed by the database's witness, {named:+} named"
            both, change = o.applied(name, sku) + named, shop.shows[sku] + shop.ordered[sku] - shop.opening[sku]
            if both != change:
                yield f"{name} {sku}: quantity + counter moved {change:+}, posts and differences make {both:+}"
            if shop.transactional and shop.unwitnessed(sku):
                yield f"{name} {sku}: {shop.unwitnessed(sku):+} happened unwitnessed"
    for found in o.differences:
        if found["cause"] not in CAUSES:
            yield f"difference {found['id']} of {found['sku']} is called {found['cause']}"
        if found["closed_at"] is None:
            yield f"difference {found['id']} of {found['sku']} is open"


def _clerk(o: Outcome) -> Faults:
    found: dict[str, Counter[str]] = {}
    for m in o.movements:
        if m["cart"] is None and m["kind"] != "opening" and m["sku"] in o.opening:
            found.setdefault(m["order"] or m["reason"], Counter())[m["sku"]] += m["quantity"]
    for reference in sorted(found.keys() | o.clerk.keys()):
        booked, known = dict(found.get(reference, {})), dict(o.clerk.get(reference, {}))
        if booked != known:
            yield f"{reference}: {known} by the clerk, {booked} booked"


def _endings(o: Outcome) -> Faults:
    for code, seconds, allowed in o.endings:
        if code != 0 or seconds > allowed:
            yield f"told to end, OnHand ended with {code} after {seconds:.1f} s"


def _returns(o: Outcome) -> Faults:
    for found in o.returns:
        if found.seconds > found.allowed:
            yield f"{found.what}: taken over after {found.seconds:.1f} s, {found.allowed:.1f} s are allowed"


def _bank(o: Outcome) -> Faults:
    yield from o.misread
    for reference in o.bank:
        times = sum(reference in {m["order"], m["reason"]} for m in o.movements)
        if times != len(ACCOUNTS):
            yield f"{reference} is booked on {times} accounts"


ACCOUNTS = ("BANK-1", "BANK-2")
SETTLED = {"applied", "unlanded"}
CHECKS: dict[str, Callable[[Outcome], Faults]] = {
    "prove holds": _proof,
    "balances are the fold of movements": _balances,
    "each sale of a shop is booked once": _sales,
    "on hand = opening + clerk's bookings - counters": _conservation,
    "every listing is at its target in time": _in_step,
    "each post took effect once": _posts,
    "what races destroyed is named, to the unit": _differences,
    "each of the clerk's references is booked once": _clerk,
    "told to end, OnHand ends cleanly": _endings,
    "what was killed is taken over in time": _returns,
    "every read is a state that existed": _bank,
}


def faults_of(outcome: Outcome) -> dict[str, list[str]]:
    """Everything that is wrong, by check; every list is empty where all promises were kept."""
    return {name: list(check(outcome)) for name, check in CHECKS.items()}
