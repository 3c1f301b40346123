"""Receive: goods that come in, against purchase orders and without one; and the orders themselves.

Path: ``/receive`` and ``/purchases``; what came is booked by ``purchase_receive`` and ``receive``, and all carts follow.
Promise: nothing is half booked; a form sent twice is booked once; a page that is stale is refused with what is there now.
Never: sends an order to a supplier: it shows it ready to print or to mail.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from onhand import sheets
from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.verbs import Data
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

ROWS = 50  # purchase orders on a page
BLANK_LINES = 8  # to type into; more on demand
BLANK_LINES_MAX = 200
PREVIEW_ROWS = 200  # of what ought to be ordered
SAID_ITEMS = 5  # named after a receipt
MAIL_LINES = 60  # of an order in a link for a mail program, which cannot be long
TONES = {"draft": "off", "sent": "way", "closed": "ok", "cancelled": "off"}


def attach(site: Site) -> None:
    """Declare the pages and forms about receiving and purchase orders."""
    site.page("/receive", Scope.READ)(_receive)
    site.form("/receive", Scope.STOCK)(_book)
    site.page("/purchases", Scope.READ)(_orders)
    site.page("/purchases/new", Scope.MANAGE)(_new)
    site.form("/purchases/new", Scope.MANAGE)(_add)
    site.page("/purchases/suggested", Scope.MANAGE)(_suggested)
    site.form("/purchases/suggested", Scope.MANAGE)(_raise)
    site.page("/purchases/{order}", Scope.READ)(_order)
    site.form("/purchases/{order}", Scope.MANAGE)(_edit)
    site.form("/purchases/{order}/receive", Scope.STOCK)(_arrived)
    for verb, said in (
        ("send", "{order} is with the supplier from now on."),
        ("close", "{order} is closed: nothing more is expected."),
        ("cancel", "{order} is called off."),
    ):
        site.form(f"/purchases/{{order}}/{verb}", Scope.MANAGE)(_moved(verb, said))


def _receive(visit: Visit) -> Page:
    orders = visit.do("purchase_list", state="sent", limit=ROWS)["orders"]
    return Page("receive.html", {"orders": orders, "blank": _blank(visit)}, "Receive", ("open_orders",))


def _book(visit: Visit) -> Page | Response:
    """Goods without an order, typed or from a file."""
    try:
        lines = _uploaded(visit) or _typed(visit)
        done = visit.do("receive", lines=lines, **visit.given("reference", "note"))
    except OnHandError as error:
        return visit.refuse(error, lambda: _receive(visit))
    shown = ", ".join(f"{sku} has {on_hand:,} now" for sku, on_hand in list(done["on_hand"].items())[:SAID_ITEMS])
    return visit.go(
        "/receive", f"{_many(len(lines), 'line')} received: {shown}{' …' if len(lines) > SAID_ITEMS else ''}."
    )


def _orders(visit: Visit) -> Page:
    asked = {name: visit.query[name] for name in ("state", "supplier", "before") if visit.query.get(name)}
    rows = visit.do("purchase_list", limit=ROWS + 1, **asked)["orders"]
    data = {
        "orders": rows[:ROWS],
        "tones": TONES,
        "suppliers": visit.do("supplier_list")["suppliers"],
        "filtered": bool(asked.keys() & {"state", "supplier"}),
        "first": visit.link(before=None) if "before" in asked else None,
        "on": visit.link(before=rows[ROWS - 1]["id"]) if len(rows) > ROWS else None,
    }
    return Page("purchases.html", data, "Purchase orders", ("orders",))


def _new(visit: Visit) -> Page:
    suppliers = [found for found in visit.do("supplier_list")["suppliers"] if found["active"]]
    return Page("purchase_new.html", {"suppliers": suppliers, "blank": _blank(visit)}, "New purchase order")


def _add(visit: Visit) -> Page | Response:
    try:
        made = visit.do("purchase_add", lines=_typed(visit), **visit.given("supplier", "note"))
    except OnHandError as error:
        return visit.refuse(error, lambda: _new(visit))
    return visit.go(f"/purchases/{quote(made['order'])}", f"{made['order']} is a draft: look it over, then send it.")


def _suggested(visit: Visit) -> Page:
    lines = visit.do("purchase_suggest")["lines"]
    groups: dict[str, list[Data]] = {}
    for line in lines:
        groups.setdefault(line["supplier"] or "", []).append(line)
    orphans = groups.pop("", [])
    data = {"groups": groups, "orphans": orphans, "rows": PREVIEW_ROWS}
    return Page("purchase_suggested.html", data, "What ought to be ordered")


def _raise(visit: Visit) -> Page | Response:
    return visit.submit(
        "purchase_raise",
        {},
        again=lambda: _suggested(visit),
        then="/purchases?state=draft",
        said=lambda made: f"{_many(len(made['orders']), 'draft')} made: {', '.join(made['orders'][:10])}.",
    )


def _order(visit: Visit, order: str) -> Page:
    found = visit.do("purchase_show", order=order)
    address = f"/purchases/{quote(found['order'], safe='')}"
    data = {"order": found, "address": address, "tones": TONES, "blank": _blank(visit), "mail": _mail(found)}
    # What is typed into must not be drawn anew under the hands of who types.
    return Page("purchase.html", data, found["order"])


def _edit(visit: Visit, order: str) -> Page | Response:
    try:
        given = {**visit.given("note", "revision"), "lines": _typed(visit)}
        visit.do("purchase_edit", order=order, **given)
    except OnHandError as error:
        return visit.refuse(error, lambda: _order(visit, order))
    return visit.go(f"/purchases/{quote(order, safe='')}", f"{order} is saved.")


def _arrived(visit: Visit, order: str) -> Page | Response:
    try:
        given = {**visit.given("reference", "revision"), "lines": _typed(visit), "over": visit.checked("over")}
        done = visit.do("purchase_receive", order=order, **given)
    except OnHandError as error:
        return visit.refuse(error, lambda: _order(visit, order))
    left = done["outstanding"]
    rest = f"{_many(left, 'unit')} still to come" if left else "nothing is outstanding, so it is closed"
    said = f"{_many(len(done['on_hand']), 'item')} of {order} received; {rest}."
    return visit.go(f"/purchases/{quote(order, safe='')}", said)


def _moved(verb: str, said: str) -> Any:
    def move(visit: Visit, order: str) -> Page | Response:
        return visit.submit(
            f"purchase_{verb}",
            {"order": order, **visit.given("revision")},
            again=lambda: _order(visit, order),
            then=f"/purchases/{quote(order, safe='')}",
            said=said,
        )

    return move


def _typed(visit: Visit) -> list[tuple[str, str]]:
    """The lines of a form's SKU and units fields that were filled in. Raises Refused for a line that is half filled in."""
    pairs = zip(visit.form_lists.get("sku", []), visit.form_lists.get("units", []), strict=False)
    lines = [(sku.strip(), units.strip()) for sku, units in pairs]
    for at, (sku, units) in enumerate(lines, 1):
        if units and not sku:
            raise Refused(f"Line {at} has units and no SKU: give both.")
    given = [(sku, units) for sku, units in lines if sku and units]
    if not given:
        raise Refused("Give at least one SKU with its units.")
    return given


def _uploaded(visit: Visit) -> list[tuple[str, int]]:
    file = visit.upload("file")
    if file is None:
        return []
    return [(values["sku"], values["units"]) for _, values in sheets.read(file[1], sheets.RECEIPTS).rows]


def _blank(visit: Visit) -> int:
    """How many lines there are to type into: those that were typed, and as many as were asked for."""
    asked = visit.query.get("lines", "")
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else BLANK_LINES
    return min(max(wanted, BLANK_LINES, len(visit.form_lists.get("sku", []))), BLANK_LINES_MAX)


def _mail(order: Data) -> str | None:
    """A link that opens the order in a mail program; None without an address."""
    if not order["email"]:
        return None
    shown = order["lines"][:MAIL_LINES]
    rest = f"\n… and {len(order['lines']) - MAIL_LINES} more lines" if len(order["lines"]) > MAIL_LINES else ""
    body = "\n".join(f"{line['ordered']} x {line['sku']}  {line['name']}" for line in shown) + rest
    return f"mailto:{quote(order['email'], safe='@')}?subject={quote('Purchase order ' + order['order'])}&body={quote(body)}"


def _many(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
