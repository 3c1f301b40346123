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
    Cause.LOST_SALE: "Customers bought at the same moment, and the shop did not subtract all of the sales.",
    Cause.LOST_POST: "A checkout in the shop overwrote an update that OnHand had just sent.",
    Cause.LOST_RETURN: "A checkout in the shop overwrote the units that a deleted order had just returned.",
    Cause.ORDER_EDITED: "An order was edited in the shop. The quantity changed, but the shop's sales counter did not.",
    Cause.ORDER_CANCELLED: "An order was cancelled in the shop. Its units were returned, but the shop's sales counter did not change.",
    Cause.RETURN_IN_DOUBT: "Units may have been returned that the shop does not show: sales or a saved form overwrote them.",
    Cause.COUNTER_LOWERED: "The shop's sales counter was lowered, but its quantity did not rise: nothing came back.",
    Cause.GIVEN_BACK_TWICE: "A return that was recorded here was restocked in the shop as well.",
    Cause.PARTIAL_RETURN: "An order was deleted in the shop, which restocked only part of its units of this product.",
    Cause.EDIT: "The quantity was edited in the shop.",
    Cause.STALE_SAVE: "A product form that was opened before the latest sales was saved, and restored an old quantity.",
    Cause.COUNTER_RESET: "The shop's sales counter was reset. No stock moved.",
    Cause.OUT_OF_RANGE: "The shop's quantity is larger than OnHand can record.",
    Cause.SEVERAL: "Several things happened to this product at the same moment, and the shop does not show which.",
    Cause.UNKNOWN: "No recorded sale, edit or update explains it.",
    Cause.NEW_LISTING: "A new product in the shop has the SKU of one of your items.",
    Cause.RENAMED: "The SKU of a synced product was changed in the shop.",
    Cause.DELETED: "A synced product was deleted from the shop.",
    Cause.SET_ASIDE: "A synced product can no longer be synced.",
    Cause.RESTORED: "The shop or OnHand was restored from a backup.",
    Cause.SHARED: "Another cart, or another OnHand, is connected to the same shop.",
    Cause.BRAKE: "Too many counts would have changed at once, so the cart was stopped.",
}
REMEDIES = {  # while it is open, and once it is closed
    Remedy.POST: ("OnHand is correcting the shop.", "OnHand corrected the shop."),
    Remedy.BOOK: ("OnHand is adjusting on hand to the shop's count.", "On hand was adjusted to the shop's count."),
    Remedy.ASK: ("These units wait until you decide: keep our count, or use the shop's.", "A person decided."),
    Remedy.REBASE: ("OnHand is noting the new sales counter.", "OnHand noted the new sales counter; no stock moved."),
    Remedy.SHOW: ("Fix it in the shop or here, then Send or Get its quantity.", "A person was told."),
    Remedy.STOP: ("No updates are sent until you Send or Get the cart's quantities.", "The cart was stopped."),
}

NOTHING_HELD = "The shop shows the smaller count until you decide: keep our count, or use the shop's."


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
    with app.at_cart(cart) as (house, shop, memory):
        # Read the cart again: it may have changed while this waited for the shop.
        cart = app.read(lambda books: books.carts.get(known.cart))
        found = rechecking.recheck(house, cart, shop, memory, asked.difference, asked.person)
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
    seen = f"The shop showed {row['seen']:,} instead of {row['expected']:,}"
    if row["seen_ordered"] != row["expected_ordered"]:
        seen += f", and {row['seen_ordered']:,} units ever ordered instead of {row['expected_ordered']:,}"
    return seen + "."
