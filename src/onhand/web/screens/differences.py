"""Differences: where a shop and OnHand differed, why, and what was done or needs a decision.

Path: ``/differences``, filtered by cart, cause, and whether they are open.
Promise: each says in words what was seen and what follows; the newest come first, one bounded page at a time.
Never: decides for a person.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi.responses import Response

from onhand.domain.differences import Cause
from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.named import carts, numbered
from onhand.web.visit import Page, Visit
from onhand.words import choices

ROWS = 50
FILTERS = ("cart", "cause", "open", "before")
SHOWN = (("", "Open and closed"), ("yes", "Open"), ("no", "Closed"))


def _differences(visit: Visit) -> Page:
    return _page(visit, visit.query)


def _ours(visit: Visit, number: str) -> Page | Response:
    said = "Difference {difference}: our count stays, and the shop will be corrected."
    return _submit(visit, "decide", {"difference": number, "side": "ours"}, said)


def _theirs(visit: Visit, number: str) -> Page | Response:
    said = "Difference {difference}: the shop's count is used, and on hand was adjusted."
    return _submit(visit, "decide", {"difference": number, "side": "theirs"}, said)


def _recheck(visit: Visit, number: str) -> Page | Response:
    return _submit(visit, "difference_recheck", {"difference": number}, "Difference {difference}: {says}")


def _submit(visit: Visit, verb: str, arguments: dict[str, Any], said: str) -> Page | Response:
    """Carry out a form, and return to the list with its filter."""
    asked = {name: value for name, value in parse_qsl(visit.form.get("back", "")) if name in FILTERS}
    then = f"/differences?{urlencode(asked)}" if asked else "/differences"
    return visit.submit(verb, arguments, again=lambda: _page(visit, asked), then=then, said=said)


def _page(visit: Visit, asked: dict[str, str]) -> Page:
    asked = {name: asked[name] for name in FILTERS if asked.get(name)}
    cart = numbered(visit, asked["cart"]) if "cart" in asked else None
    wanted: dict[str, Any] = {name: asked[name] for name in ("cause", "before") if name in asked}
    if cart is not None:
        wanted["cart"] = cart.name
    state = asked.get("open", "")
    rows = visit.do("differences", limit=ROWS, open_only=state == "yes", closed_only=state == "no", **wanted)
    older = {**asked, "before": rows["differences"][-1]["id"]} if len(rows["differences"]) == ROWS else None
    newest = {name: value for name, value in asked.items() if name != "before"}
    data = {
        "carts": [("", "All carts"), *((one.id, one.name) for one in carts(visit))],
        "cart": cart,
        "causes": [("", "All causes"), *choices(Cause)],
        "states": SHOWN,
        "asked": asked,
        "back": urlencode(asked),
        "rows": rows["differences"],
        "first": f"/differences?{urlencode(newest)}" if "before" in asked else None,
        "older": f"/differences?{urlencode(older)}" if older else None,
    }
    return Page("differences.html", data, "Differences", () if visit.form else ("list",))


SCREENS = (
    page("/differences", Scope.READ, _differences),
    form("/differences/{number}/ours", Scope.MANAGE, _ours),
    form("/differences/{number}/theirs", Scope.MANAGE, _theirs),
    form("/differences/{number}/recheck", Scope.MANAGE, _recheck),
)
