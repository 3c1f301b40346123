"""Home: does every shop show what is on hand, and what happened today.

Path: ``/`` and its stream ask the books, the controller's pulses and ``view``.
Promise: the counts over all listings are taken once for all browsers, and never so often that they become a load.
Never: changes anything.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from onhand.app import Books
from onhand.domain.carts import Cart
from onhand.domain.notices import notices
from onhand.domain.oversell import oversell_in_words
from onhand.domain.people import Scope
from onhand.services import settings
from onhand.verbs import VERBS, office
from onhand.verbs.carts import shown
from onhand.web import view
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

LATEST_ROWS = 8  # differences and movements shown
COUNT_PAUSE = 10  # the counts over all listings are taken at most every so many times what they cost
STATE_SECONDS = 0.5  # how often a cart's state is decided again although nothing was booked: its last look ages


def attach(site: Site) -> None:
    """Declare the first page."""
    heads = Heads(site)

    @site.page("/", Scope.READ)
    def home(_: Visit) -> Page:
        head = heads.current()
        driving = site.app.controller is not None
        verdict = view.verdict(head.carts, head.synch_qoh, driving, notices(head.carts, head.stock))
        latest = site.app.read(lambda books: _latest(books, {cart["id"]: cart["name"] for cart in head.carts}))
        risk = office.oversell(site.app)
        data = {
            "verdict": verdict,
            "cards": [view.card(cart) for cart in head.carts],
            "items": head.items,
            "today": VERBS["today"](site.app, lambda *_: None),
            "oversell": oversell_in_words(**risk) if risk else None,
            **latest,
        }
        return Page("home.html", data, verdict.headline, ("verdict", "carts", "today", "latest"), ages=True)


@dataclass(frozen=True, slots=True)
class Head:
    """The carts with their counts, what is in stock that should not be so, and what holds for the whole program."""

    carts: list[dict[str, Any]]
    stock: dict[str, Any]
    items: int
    synch_qoh: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What takes a look at all listings or all items."""

    carts: list[tuple[Cart, dict[str, int]]]
    stock: dict[str, Any]
    items: int
    synch_qoh: bool


class Heads:
    """The head of the page, kept for all browsers together."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counted: Counted | None = None
        self._head: Head | None = None
        self._mark: tuple[Any, ...] = ()  # what the site's mark was when the counts were taken
        self._due = 0.0  # when counts may be taken again
        self._stale = 0.0  # when the states have to be decided again, as looks age
        self._lock = threading.Lock()

    def current(self) -> Head:
        """Return the head: counted again if something changed, unless that was done a moment ago."""
        with self._lock:
            mark, begun = self._site.mark, time.monotonic()
            if self._counted is None or (mark != self._mark and begun >= self._due):
                self._counted = self._site.app.read(_count)
                self._mark = mark
                self._due = time.monotonic() + COUNT_PAUSE * (time.monotonic() - begun)
                self._head = None
            if self._head is None or begun >= self._stale:
                known = self._counted
                carts = [shown(self._site.app, cart, counts) for cart, counts in known.carts]
                self._head = Head(carts, known.stock, known.items, known.synch_qoh)
                self._stale = begun + STATE_SECONDS
            return self._head


def _count(books: Books) -> Counted:
    carts = [(cart, books.reports.cart_counts(cart.id)) for cart in books.carts.all()]
    synch_qoh = bool(settings.values(books)["SynchQOH"])
    return Counted(carts, office.stock_notices(books), books.reports.item_count(), synch_qoh)


def _latest(books: Books, names: dict[int, str]) -> dict[str, Any]:
    open_ones = books.reports.differences(None, open_only=True, limit=LATEST_ROWS)
    rows = {row["id"]: row for row in open_ones + books.reports.differences(None, open_only=False, limit=LATEST_ROWS)}
    return {
        "differences": list(rows.values())[:LATEST_ROWS],
        "entries": books.ledger.of_item(None, LATEST_ROWS),
        "names": names,
    }
