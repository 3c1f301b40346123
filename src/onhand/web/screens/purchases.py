"""Purchase orders: what should be ordered, drafts, orders on their way, and what was received.

Path: ``/purchases``; each form calls one of the ``purchase_…`` verbs.
Promise: nothing is half booked; a form sent twice is booked once; a page that is stale is refused with what is there now.
Never: sends an order to a supplier: it shows it ready to print or to mail.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.domain.purchasing import OrderState
from onhand.web import lines
from onhand.web.declaring import form, page
from onhand.web.named import suppliers
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import choices, counted

ROWS = 50  # orders on one page
SUPPLIERS_OFFERED = 200  # suppliers to choose from; others can be typed
MAIL_LENGTH_MAX = 1500  # characters of an order in a link for a mail program, which cannot be long
TONES = {"draft": "off", "sent": "way", "closed": "ok", "cancelled": "off"}
STATES = (("", "All"), ("open", "Open"), *choices(OrderState))


def _orders(visit: Visit) -> Page:
    asked = {name: visit.query[name] for name in ("state", "supplier", "before") if visit.query.get(name)}
    found = visit.do("purchase_list", limit=ROWS, **asked)["orders"]
    data = {
        "orders": found,
        "tones": TONES,
        "states": STATES,
        "suppliers": suppliers(visit, SUPPLIERS_OFFERED),
        "filtered": bool(asked.keys() & {"state", "supplier"}),
        "first": visit.link(before=None) if "before" in asked else None,
        "on": visit.link(before=found[-1]["id"]) if len(found) == ROWS else None,
    }
    return Page("purchases.html", data, "Purchase orders", ("orders",))


# A new order


def _new(visit: Visit) -> Page:
    data = {"suppliers": suppliers(visit, SUPPLIERS_OFFERED), "rows": lines.rows(visit)}
    return Page("purchase_new.html", data, "New purchase order")


def _add(visit: Visit) -> Page | Response:
    if "more" in visit.form:
        return _new(visit)
    given = {"supplier": "", **visit.given("supplier", "note")}
    try:
        made = lines.do(visit, "purchase_add", lines.typed(visit), **given)
    except OnHandError as error:
        return visit.refuse(error, lambda: _new(visit))
    return visit.go(_address(made["order"]), f"Draft {made['order']} was created. Check it, then send it.")


def _suggested(visit: Visit) -> Page:
    query = visit.query
    found = visit.do(
        "purchase_suggest", after_supplier=query.get("after_supplier", ""), after=query.get("after", ""), limit=ROWS
    )
    rows = found["lines"]
    data = {
        **found,
        "groups": [(supplier, list(group)) for supplier, group in groupby(rows, lambda line: str(line["supplier"]))],
        "first": visit.path if query.get("after_supplier") else None,
        "on": visit.link(after_supplier=rows[-1]["supplier"], after=rows[-1]["sku"]) if len(rows) == ROWS else None,
    }
    return Page("purchase_suggested.html", data, "Reorder low stock")


def _raise(visit: Visit) -> Page | Response:
    return visit.submit(
        "purchase_raise",
        visit.given("supplier"),
        again=lambda: _suggested(visit),
        then="/purchases?state=draft",
        said=lambda made: f"{counted(len(made['orders']), 'draft')} created: {', '.join(made['orders'][:10])}.",
    )


# One order


def _order(visit: Visit, order: str) -> Page:
    query = visit.query
    left = bool(query.get("left"))
    after = {"after": query["after"]} if query.get("after") else {}
    found = visit.do("purchase_show", order=order, left=left, limit=ROWS, **after)
    rows, address = found["lines"], _address(found["order"])
    filtered = f"{address}?left=yes" if left else address
    data = {
        "order": found,
        "address": address,
        "query": f"?{visit.link().partition('?')[2]}" if query else "",
        "left": left,
        "paged": found["size"] > ROWS,
        "rows": lines.rows(visit),
        "tones": TONES,
        "mail": _mail(visit, found) if found["email"] else None,
        "first": filtered if after else None,
        "on": f"{filtered}{'&' if left else '?'}after={rows[-1]['line']}" if len(rows) == ROWS else None,
    }
    return Page("purchase.html", data, found["order"])  # not live: people type into it


def _print(visit: Visit, order: str) -> Page:
    found = visit.do("purchase_show", order=order)
    return Page("purchase_print.html", {"order": found}, f"Purchase order {found['order']}")


def _edit(visit: Visit, order: str) -> Page | Response:
    if "more" in visit.form:
        return _order(visit, order)
    given = {"order": order, "note": visit.form.get("note", ""), **visit.given("revision")}
    try:
        saved = lines.do(visit, "purchase_edit", lines.typed(visit), **given)
        if visit.checked("send"):
            visit.do("purchase_send", order=order, revision=saved["revision"])
    except OnHandError as error:
        return visit.refuse(error, lambda: _order(visit, order))
    said = "was marked as sent" if visit.checked("send") else "was saved"
    return visit.go(_back(visit, order), f"{saved['order']} {said}.")


def _arrived(visit: Visit, order: str) -> Page | Response:
    """Return what was received of the lines on the page, or all that is outstanding."""
    given: dict[str, Any] = {"order": order, **visit.given("reference", "revision")}
    try:
        if visit.checked("all"):
            done = visit.do("purchase_receive", **given)
        else:
            came = lines.typed(visit, blank_is_none=True)
            if not came:
                raise Refused("Enter how many units you received.")
            done = lines.do(visit, "purchase_receive", came, over=visit.checked("over"), **given)
    except OnHandError as error:
        return visit.refuse(error, lambda: _order(visit, order))
    left = done["outstanding"]
    rest = f"{counted(left, 'unit')} outstanding" if left else "nothing is outstanding, so the order is closed"
    return visit.go(_back(visit, order), f"{counted(len(done['on_hand']), 'item')} of {order} received; {rest}.")


def _close(visit: Visit, order: str) -> Page | Response:
    return _end(visit, "purchase_close", order, "{order} was closed: no more goods are expected.")


def _cancel(visit: Visit, order: str) -> Page | Response:
    return _end(visit, "purchase_cancel", order, "{order} was cancelled.")


def _end(visit: Visit, verb: str, order: str, said: str) -> Page | Response:
    return visit.submit(
        verb,
        {"order": order, **visit.given("revision")},
        again=lambda: _order(visit, order),
        then=_address(order),
        said=said,
    )


def _address(order: str) -> str:
    return f"/purchases/{quote(order, safe='')}"


def _back(visit: Visit, order: str) -> str:
    """Return to the page of an order."""
    query = visit.link().partition("?")[2]
    return f"{_address(order)}?{query}" if query else _address(order)


def _mail(visit: Visit, order: Data) -> str:
    """Return a link that opens the order in a mail program; of a long one only its beginning."""
    body, written = "", 0
    for line in visit.do("purchase_show", order=order["order"], limit=ROWS)["lines"]:
        text = f"{line['ordered']} x {line['sku']}  {line['name']}\n"
        if len(body) + len(text) > MAIL_LENGTH_MAX:
            break
        body, written = body + text, written + 1
    if written < order["size"]:
        body += "… more lines: see the attached order.\n"
    subject = f"Purchase order {order['order']}"
    return f"mailto:{quote(order['email'], safe='@')}?subject={quote(subject)}&body={quote(body)}"


SCREENS = (
    page("/purchases", Scope.READ, _orders),
    page("/purchases/new", Scope.MANAGE, _new),
    form("/purchases/new", Scope.MANAGE, _add),
    page("/purchases/suggested", Scope.MANAGE, _suggested),
    form("/purchases/suggested", Scope.MANAGE, _raise),
    page("/purchases/{order}", Scope.READ, _order),
    form("/purchases/{order}", Scope.MANAGE, _edit),
    page("/purchases/{order}/print", Scope.READ, _print),
    form("/purchases/{order}/receive", Scope.STOCK, _arrived),
    form("/purchases/{order}/close", Scope.MANAGE, _close),
    form("/purchases/{order}/cancel", Scope.MANAGE, _cancel),
)
