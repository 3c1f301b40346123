"""Orders: those collected from carts and those taken by phone; taking and cancelling them, and returned goods.

Path: ``/orders``, ``/orders/new`` and ``/order?number=…&cart=…``; an order entered by hand has no cart.
Promise: a waiting line looks different from a sold one; typed text is kept, with each error by its line.
Never: cancels an order in a shop.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.orders import LineState
from onhand.domain.people import Scope
from onhand.web import lines
from onhand.web.declaring import form, page
from onhand.web.named import carts
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import choices, counted

ROWS = 50  # orders on one page
LINES_SHOWN = 4  # lines of one order in the list
BY_PHONE = "(by phone)"  # phone orders in the filter of carts, next to the carts' names
STATES = {
    "": "Any",
    **dict(choices(LineState)),
}
TONES = {"waiting": "warn", "cancelled": "off", "deleted": "off", "returned": "off", "not kept": "off", "sold": "ok"}


def _orders(visit: Visit) -> Page:
    query = visit.query
    cart = query.get("cart", "")
    wanted: dict[str, Any] = {"search": query.get("q", ""), "state": query.get("state") or None}
    wanted |= {"by_phone": True} if cart == BY_PHONE else {"cart": cart}
    found = visit.do("order_list", limit=ROWS, before=query.get("before", ""), **wanted)["orders"]
    data = {
        "orders": [{**order, "link": link(order), "tone": tone(order["state"])} for order in found],
        "lines_shown": LINES_SHOWN,
        "tone": tone,
        "carts": [("", "All sources"), (BY_PHONE, "By phone"), *((one.name, one.name) for one in carts(visit))],
        "states": list(STATES.items()),
        "filtered": any(query.get(name) for name in ("q", "cart", "state")),
        "first": visit.link(before=None) if query.get("before") else None,
        "on": visit.link(before=found[-1]["place"]) if len(found) == ROWS else None,
    }
    return Page("orders.html", data, "Orders", ("order_rows",))


def link(order: Data) -> str:
    """Return the address of an order's page."""
    named = {"number": order["order"], "cart": order["cart"], "epoch": order["epoch"]}
    return f"/order?{urlencode({name: value for name, value in named.items() if value})}"


def tone(word: str) -> str:
    """Return the tone for the state of an order or a line."""
    return TONES.get(word.removeprefix("partly "), "off")


# A new order


def _new(visit: Visit) -> Page:
    data = {"rows": lines.rows(visit), "first_sku": visit.query.get("sku", "")}
    return Page("order_new.html", data, "New phone order")


def _take(visit: Visit) -> Page | Response:
    if "more" in visit.form:
        return _new(visit)
    try:
        wanted = {"oversell": visit.checked("oversell"), **visit.given("number", "note")}
        done = lines.do(visit, "order_add", lines.typed(visit), **wanted)
    except OnHandError as error:
        return visit.refuse(error, lambda: _new(visit))
    return visit.go(f"/order?{urlencode({'number': done['order']})}", f"Order {done['order']} was saved.")


# One order


def _order(visit: Visit) -> Page:
    return _page(visit, visit.query)


def _page(visit: Visit, named: dict[str, str]) -> Page:
    key = {name: named.get(name, "") for name in ("cart", "epoch")}
    found = visit.do("order_show", order=named.get("number", ""), **key)
    data = {"order": found, "tone": tone, "left": [line for line in found["lines"] if line["left"] > 0]}
    live = () if visit.form else ("order_lines",)
    return Page("order.html", data, f"Order {found['order']}", live)


def _cancel(visit: Visit) -> Page | Response:
    chosen = None if "whole" in visit.form else visit.form_lists.get("lines", [])
    if chosen == []:
        return visit.refuse(
            Refused("Select the lines to cancel, or cancel the whole order.", lines=""),
            lambda: _page(visit, visit.form),
        )
    arguments = {"order": visit.form.get("number", ""), "lines": chosen, **visit.given("cart", "reason")}
    return visit.submit(
        "order_cancel",
        arguments,
        again=lambda: _page(visit, visit.form),
        then=_back(visit),
        said=lambda done: f"{counted(done['lines'], 'line')} cancelled, {counted(done['units'], 'unit')} back on hand.",
    )


def _return(visit: Visit) -> Page | Response:
    fields = {name: value.strip() for name, value in visit.form.items() if name.startswith("back-") and value.strip()}
    came = [(name.removeprefix("back-"), value) for name, value in fields.items()]
    names = list(fields)
    try:
        if not came:
            raise Refused("Enter how many units were returned.")
        given = visit.given("cart", "epoch", "reason")
        done = visit.do("order_return", order=visit.form.get("number", ""), lines=came, **given)
    except OnHandError as error:
        wrong = error.facts.get("arguments")
        for fault in wrong if isinstance(wrong, list) else []:
            words = str(fault["argument"]).split(".")
            if words[0] == "lines" and len(words) > 1:
                fault["argument"] = names[int(words[1])]
        if "line" in error.facts:
            visit.faults[f"back-{error.facts['line']}"] = error.message
        return visit.refuse(error, lambda: _page(visit, visit.form))
    return visit.go(_back(visit), f"{counted(done['units'], 'unit')} returned, back on hand.")


def _back(visit: Visit) -> str:
    return f"/order?{urlencode(visit.given('number', 'cart', 'epoch'))}"


SCREENS = (
    page("/orders", Scope.READ, _orders),
    page("/orders/new", Scope.STOCK, _new),
    form("/orders/new", Scope.STOCK, _take),
    page("/order", Scope.READ, _order),
    form("/order/cancel", Scope.STOCK, _cancel),
    form("/order/return", Scope.STOCK, _return),
)
