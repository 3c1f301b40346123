"""Post Stack: posts that wait, are in flight, are parked, or were sent.

Path: ``/stack``, of one cart with ``?cart=NO``; its buttons retry, park and release.
Promise: every list is one page of bounded length, found by its key; the shop's last answer is shown next to what waits for it.
Never: posts: the cart's driver does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import Response

from onhand.domain.errors import Refused
from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.named import carts, numbered
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted

ROWS = 50  # rows of each list
TONES = {"sent": "way", "applied": "ok", "missing": "warn", "range": "warn", "unlanded": "off"}
PLACES = ("waiting", "parked", "before")  # the position where each list continues


def _stack(visit: Visit) -> Page:
    return _page(visit, visit.query)


def _retry(visit: Visit) -> Page | Response:
    return _submit(
        visit,
        "posts_retry",
        visit.given("product"),
        lambda done: f"{counted(done['retried'], 'parked update')} of {done['cart']} will be sent again.",
    )


def _release(visit: Visit) -> Page | Response:
    return _submit(
        visit, "posts_release", visit.given("product"), "Product {product} was released: it gets updates again."
    )


def _park(visit: Visit) -> Page | Response:
    asked = {"reason": visit.form.get("reason", ""), **visit.given("product", "sku")}
    said = (
        "Product {product} of {cart} was parked: it gets no updates until it is released. Its sales are still recorded."
    )
    return _submit(visit, "posts_park", asked, said)


def _submit(visit: Visit, verb: str, arguments: dict[str, Any], said: str | Callable[[Data], str]) -> Page | Response:
    """Carry out a form for its cart, and return to that cart's stack, or to all."""
    shown = visit.given("shown")
    asked = {"cart": shown["shown"]} if shown else {}
    wanted = visit.form.get("cart", "")
    if not wanted:
        refusal = Refused("Choose a cart.", cart="")
        return visit.refuse(refusal, lambda: _page(visit, asked))
    return visit.submit(
        verb,
        {"cart": numbered(visit, wanted).name, **arguments},
        again=lambda: _page(visit, asked),
        then=_link(asked),
        said=said,
    )


def _page(visit: Visit, asked: dict[str, str]) -> Page:
    cart = numbered(visit, asked["cart"]) if asked.get("cart") else None
    of_cart = {"cart": cart.name} if cart else {}
    lists = {state: _rows(visit, state, asked, of_cart) for state in ("sent", "waiting", "parked")}
    place = {"before": asked["before"]} if asked.get("before") else {}
    posted = visit.do("posts", limit=ROWS, state="settled", counts=True, **of_cart, **place)
    first = {name: _link({**asked, name: ""}) if asked.get(name) else None for name in PLACES}
    more = {name: lists[name]["more_waiting"] for name in ("waiting", "parked")} | {"before": posted["more_posts"]}
    data = {
        "carts": [("", "All carts"), *((one.id, one.name) for one in carts(visit))],
        "cart": cart,
        "counts": posted["counts"],
        "sent": lists["sent"]["posts"],
        "waiting": lists["waiting"]["waiting"],
        "parked": lists["parked"]["waiting"],
        "posted": posted["posts"],
        "first": first,
        "more": {name: _link({**asked, name: str(key)}) if key else None for name, key in more.items()},
        "tones": TONES,
    }
    live = () if visit.form else ("counts", "sent", "parked", "waiting", "posted")
    return Page("stack.html", data, f"{cart.name}: Post Stack" if cart else "Post Stack", live)


def _rows(visit: Visit, state: str, asked: dict[str, str], of_cart: dict[str, str]) -> dict[str, Any]:
    after = {"after": asked[state]} if asked.get(state) else {}
    return visit.do("posts", limit=ROWS, state=state, **of_cart, **after)


def _link(asked: dict[str, str]) -> str:
    wanted = {name: value for name, value in asked.items() if value}
    return f"/stack?{urlencode(wanted)}" if wanted else "/stack"


SCREENS = (
    page("/stack", Scope.READ, _stack),
    form("/stack/retry", Scope.MANAGE, _retry),
    form("/stack/release", Scope.MANAGE, _release),
    form("/stack/park", Scope.MANAGE, _park),
)
