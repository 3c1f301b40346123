"""Home: does every shop show what is on hand, and what happened today.

Path: ``/`` and its stream ask the books, the controller's pulses and ``view``.
Promise: the counts over all listings are taken once for all browsers, and never so often that they become a load.
Never: changes anything.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from onhand.app import App, Books
from onhand.domain.oversell import oversell_in_words
from onhand.domain.people import Scope
from onhand.services import settings
from onhand.verbs import VERBS, office
from onhand.web import view
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

LATEST_ROWS = 8  # differences and movements shown
OPEN_ROWS = 1000  # open differences looked through for those that wait for a person
COUNT_PAUSE = 10  # the counts over all listings are taken at most every so many times what they cost


def attach(site: Site) -> None:
    """Declare the first page."""
    heads = Heads(site)

    @site.page("/", Scope.READ)
    def home(_: Visit) -> Page:
        head = heads.current()
        verdict = view.verdict(head.carts, head.synch_qoh, site.app.controller is not None)
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
    """The carts with their counts, and what holds for the whole program."""

    carts: list[dict[str, Any]]
    items: int
    synch_qoh: bool


class Heads:
    """The head of the page, kept for all browsers together."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._head: Head | None = None
        self._mark: tuple[Any, ...] = ()  # what the site's mark was when the counts were taken
        self._due = 0.0
        self._lock = threading.Lock()

    def current(self) -> Head:
        """Counted anew if something changed, unless that was done a moment ago."""
        with self._lock:
            mark, begun = self._site.mark, time.monotonic()
            if self._head is None or (mark != self._mark and begun >= self._due):
                self._head = _read_head(self._site.app)
                self._mark = mark
                self._due = time.monotonic() + COUNT_PAUSE * (time.monotonic() - begun)
            return _with_looks(self._site.app, self._head)


def _read_head(app: App) -> Head:
    def read(books: Books) -> tuple[int, bool, Counter[str]]:
        open_ones = books.reports.differences(None, open_only=True, limit=OPEN_ROWS)
        to_decide = Counter(row["cart"] for row in open_ones if row["remedy"] == "ask")
        return books.reports.item_count(), bool(settings.values(books)["SynchQOH"]), to_decide

    items, synch_qoh, to_decide = app.read(read)
    carts = VERBS["cart_list"](app, lambda *_: None)["carts"]
    return Head([{**cart, "to_decide": to_decide[cart["name"]]} for cart in carts], items, synch_qoh)


def _with_looks(app: App, head: Head) -> Head:
    """Looks happen every second and change nothing else: they are taken from the pulses, not counted anew."""
    pulses = app.controller.pulses() if app.controller else {}
    carts = []
    for cart in head.carts:
        pulse = pulses.get(cart["id"])
        looked_at = pulse.looked_at.isoformat() if pulse and pulse.looked_at else cart["looked_at"]
        carts.append({**cart, "looked_at": looked_at})
    return Head(carts, head.items, head.synch_qoh)


def _latest(books: Books, names: dict[int, str]) -> dict[str, Any]:
    open_ones = books.reports.differences(None, open_only=True, limit=LATEST_ROWS)
    rows = {row["id"]: row for row in open_ones + books.reports.differences(None, open_only=False, limit=LATEST_ROWS)}
    return {
        "differences": list(rows.values())[:LATEST_ROWS],
        "entries": books.ledger.of_item(None, LATEST_ROWS),
        "names": names,
    }
