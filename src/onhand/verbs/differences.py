"""Verbs about differences: list them with explanations, decide one, recheck one.

Path: called by name through ``verbs.run``.
Promise: each difference says what was seen, what it means, and what was done or has to be done.
Never: changes a quantity except by a person's decision.
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
    Cause.LOST_SALE: "Customers bought at the same moment, and the shop's own program lost some of their sales.",
    Cause.LOST_POST: "A checkout in the shop overwrote a change that OnHand had just posted.",
    Cause.LOST_RETURN: "A checkout in the shop overwrote the units that a deleted order had just returned.",
    Cause.ORDER_EDITED: "An order was edited in the shop. The quantity changed with it, but the shop's sales counter did not.",
    Cause.ORDER_CANCELLED: "An order was cancelled in the shop. Its goods came back, but the shop's sales counter did not change.",
    Cause.RETURN_IN_DOUBT: "Goods may have come back unnoticed: sales or a saved form overwrote them in the shop, or nothing came back.",
    Cause.COUNTER_LOWERED: "The shop's sales counter was lowered, but its quantity did not rise: nothing came back.",
    Cause.GIVEN_BACK_TWICE: "Goods that were returned in OnHand were also restocked in the shop.",
    Cause.PARTIAL_RETURN: "An order was deleted in the shop, but only some of its units of this product were returned.",
    Cause.EDIT: "A person typed another count into the shop.",
    Cause.STALE_SAVE: "A product form was opened, sales followed, then the form was saved with its old count.",
    Cause.COUNTER_RESET: "The shop's sales counter was reset. No stock moved.",
    Cause.OUT_OF_RANGE: "The shop sold or returned more units than a count can hold.",
    Cause.UNKNOWN: "No sale, edit or post on record explains it.",
    Cause.NEW_LISTING: "A product with the SKU of an item appeared in the shop.",
    Cause.RENAMED: "A synchronized product now has another SKU.",
    Cause.DELETED: "A synchronized product was deleted in the shop.",
    Cause.SET_ASIDE: "A synchronized product can no longer be kept in sync.",
    Cause.RESTORED: "The shop or OnHand was restored from a backup.",
    Cause.SHARED: "Another cart, or another OnHand, synchronizes the same shop.",
    Cause.BRAKE: "Too much would have changed at once, so the cart was stopped.",
}
REMEDIES = {  # while the difference is open, and once it is closed
    Remedy.POST: ("OnHand is correcting the shop's count.", "OnHand corrected the shop's count."),
    Remedy.BOOK: ("OnHand is taking over the shop's count.", "OnHand took over the shop's count, as an adjustment."),
    Remedy.ASK: ("The amount is held until you decide whose count to use.", "It waited for a person to decide."),
    Remedy.REBASE: ("OnHand is noting the new sales counter.", "OnHand noted the new sales counter. No stock moved."),
    Remedy.SHOW: ("Fix it in the shop or in OnHand, then Send or Get its quantity.", "It had to be fixed by hand."),
    Remedy.STOP: ("Nothing is posted until you Send or Get the cart's quantities.", "The cart was stopped."),
}

NOTHING_HELD = "Nothing is held: the shop shows the smaller count until you decide whose count to use."


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
        # Read the cart again: it may have changed while this waited for the shop.
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
        "if_ours": 0 if returned is not None else -row["amount"],  # signed change of the shop's count
        "if_theirs": row["amount"] if returned is None else returned,  # signed change of on hand
        "cause_says": CAUSES[cause],
        "remedy_says": NOTHING_HELD if waits else REMEDIES[remedy][1 if row["closed_at"] else 0],
        "seen_says": _seen(row) if row["product"] is not None and (row["amount"] or returned) else "",
    }


def _seen(row: dict[str, Any]) -> str:
    seen = f"The shop showed {row['seen']:,} where both sides should have held {row['expected']:,}"
    if row["seen_ordered"] != row["expected_ordered"]:
        seen += f", and {row['seen_ordered']:,} ever ordered where {row['expected_ordered']:,} were booked"
    return seen + "."
