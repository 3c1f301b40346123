"""Verbs about differences: see them in words, decide one, look again.

Path: called by name through ``verbs.run``.
Promise: each difference says what was seen, what that means, and what was or is to be done.
Never: changes a quantity but by a person's decision.
"""

from __future__ import annotations

from typing import Any

from onhand.app import App
from onhand.domain.differences import ABOUT_RETURNS, Cause, Remedy
from onhand.requests import differences as requests
from onhand.services import rechecking, reconciling
from onhand.wire import Data

from .registry import cart_named, verb

CAUSES = {
    Cause.LOST_SALE: "Customers bought at the same moment, and the shop's own program lost what some of them took.",
    Cause.LOST_POST: "A checkout in the shop wrote over a change that OnHand had just posted.",
    Cause.LOST_RETURN: "A checkout in the shop wrote over what a deleted order had just given back.",
    Cause.ORDER_EDITED: "An order was edited in the shop: the quantity followed, the shop's sales counter did not.",
    Cause.ORDER_CANCELLED: "An order was cancelled in the shop: its goods came back, the shop's sales counter stayed.",
    Cause.RETURN_IN_DOUBT: "Goods may have come back that the shop does not show: sales or a saved form wrote over them, or none came.",
    Cause.COUNTER_LOWERED: "The shop's sales counter went back, its quantity did not rise: nothing came back.",
    Cause.GIVEN_BACK_TWICE: "Goods that had come back here were restocked in the shop as well.",
    Cause.PARTIAL_RETURN: "An order was deleted in the shop, which gave back only a part of what it held of this product.",
    Cause.EDIT: "Somebody typed another count into the shop.",
    Cause.STALE_SAVE: "A product form that was opened before later sales was saved, and brought an old count back.",
    Cause.COUNTER_RESET: "The shop's counter of units ordered was set back. No stock moved.",
    Cause.OUT_OF_RANGE: "The shop traded more than a count can hold.",
    Cause.UNKNOWN: "Nothing on record explains it: no sale, no edit and no post of ours.",
    Cause.NEW_LISTING: "A product appeared in the shop that belongs to one of our items.",
    Cause.RENAMED: "A product that was kept in step has another SKU now.",
    Cause.DELETED: "A product that was kept in step is gone from the shop.",
    Cause.SET_ASIDE: "A product that was kept in step cannot be any more.",
    Cause.RESTORED: "One side was put back to a backup.",
    Cause.SHARED: "Another cart, or another OnHand, keeps the same shop.",
    Cause.BRAKE: "Too much would have changed at once, so the cart was stopped.",
}
REMEDIES = {  # while it is open, and once it is closed
    Remedy.POST: ("OnHand posts the amount back to the shop.", "OnHand posted the amount back to the shop."),
    Remedy.BOOK: ("The shop's count is taken over.", "The shop's count was taken over as an adjustment."),
    Remedy.ASK: ("The amount is held until you decide: ours or theirs.", "A person was asked."),
    Remedy.REBASE: ("The books follow the counter.", "The books followed the counter; no stock moved."),
    Remedy.SHOW: ("Settle it in the shop or here, then Send or Get its quantity.", "It was shown to a person."),
    Remedy.STOP: ("Nothing is posted until you Send or Get the cart's quantities.", "The cart was stopped."),
}

NOTHING_HELD = "Nothing is held: the shop shows the smaller count until you decide, ours or theirs."


@verb(requests.Differences)
def differences(app: App, asked: requests.Differences) -> Data:
    found = cart_named(app, asked.cart).id if asked.cart else None
    rows = app.read(
        lambda books: books.reports.differences(
            found,
            asked.open_only,
            asked.limit,
            asked.cause.value if asked.cause else None,
            asked.closed_only,
            asked.before,
        )
    )
    return {"differences": [{**row, **_in_words(row)} for row in rows]}


@verb(requests.Decide)
def decide(app: App, asked: requests.Decide) -> Data:
    reconciling.decide(app.house, asked.difference, asked.side == "ours", asked.person)
    return {"difference": asked.difference, "decided": asked.side}


@verb(requests.DifferenceRecheck)
def difference_recheck(app: App, asked: requests.DifferenceRecheck) -> Data:
    known = app.read(lambda books: books.differences.get(asked.difference))
    cart = app.read(lambda books: books.carts.get(known.cart))
    with app.at_cart(cart) as (shop, memory):
        # As it is now, not as it was while we waited for the shop's line to be free.
        cart = app.read(lambda books: books.carts.get(known.cart))
        found = rechecking.recheck(app.house, cart, shop, memory, asked.difference, asked.person)
    return {
        "difference": asked.difference,
        "cart": cart.name,
        "shows": found.shows,
        "agreed": found.agreed,
        "wanted": found.wanted,
        "closed": found.closed,
        "says": found.says,
    }


def _in_words(row: dict[str, Any]) -> Data:
    cause, remedy = Cause(row["cause"]), Remedy(row["remedy"])
    returned = row["expected"] - row["seen"] if cause in ABOUT_RETURNS else None
    waits = returned is not None and remedy is Remedy.ASK and not row["closed_at"]
    return {
        "if_ours": 0 if returned is not None else -row["amount"],  # signed units by which the shop changes then
        "if_theirs": row["amount"] if returned is None else returned,  # by which on hand does
        "cause_says": CAUSES[cause],
        "remedy_says": NOTHING_HELD if waits else REMEDIES[remedy][1 if row["closed_at"] else 0],
        "seen_says": _seen(row) if row["product"] is not None and (row["amount"] or returned) else "",
    }


def _seen(row: dict[str, Any]) -> str:
    seen = f"The shop showed {row['seen']:,} where both sides should have held {row['expected']:,}"
    if row["seen_ordered"] != row["expected_ordered"]:
        seen += f", and {row['seen_ordered']:,} ever ordered where {row['expected_ordered']:,} were booked"
    return seen + "."
