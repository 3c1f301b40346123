"""Home: whether every shop shows what is on hand, and what happened today.

Path: ``/`` and its stream ask verbs; ``view`` puts their answers into words.
Promise: the counts over all listings are taken once for all browsers, and not so often that they become a burden.
Never: changes anything.
"""

from __future__ import annotations

from typing import Any

from onhand.domain.notices import Notice
from onhand.domain.oversell import oversell_in_words
from onhand.domain.people import Scope
from onhand.web import view
from onhand.web.declaring import page
from onhand.web.visit import Page, Visit

LATEST_ROWS = 8  # differences and movements shown


def _home(visit: Visit) -> Page:
    status = visit.do("status", shared=True)
    notices = [Notice(**notice) for notice in status["notices"]]
    verdict = view.verdict(status["carts"], status["synch_qoh"], status["controller"], notices)
    moved = visit.do("movements", limit=LATEST_ROWS)
    data = {
        "verdict": verdict,
        "cards": view.cards(status["carts"]),
        "more_carts": len(status["carts"]) - view.CARDS,
        "items": status["items"],
        "today": visit.do("today"),
        "oversell": oversell_in_words(**status["oversell"]) if status["oversell"] else None,
        "differences": _differences(visit),
        "entries": moved["movements"],
        "names": moved["carts"],
    }
    return Page("home.html", data, verdict.headline, ("verdict", "carts", "today", "latest"), ages=True)


def _differences(visit: Visit) -> list[dict[str, Any]]:
    """Return the newest differences, open ones first."""
    open_ones = visit.do("differences", open_only=True, limit=LATEST_ROWS)["differences"]
    newest = visit.do("differences", limit=LATEST_ROWS)["differences"]
    return list({row["id"]: row for row in open_ones + newest}.values())[:LATEST_ROWS]


SCREENS = (page("/", Scope.READ, _home),)
