"""Unmatched and duplicate SKUs: the products of a cart that SKUs alone cannot match, and ways to match them by hand.

Path: ``/carts/NO/listings``, linked from Shopping Cart Functions; ``…/listings/PRODUCT`` chooses the item of one product.
Promise: ticked boxes and typed text are never redrawn; a choice or an ignored product can be undone here.
Never: speaks to the shop: it shows what the books know since the last look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import Response

from onhand.domain.errors import Refused
from onhand.domain.listings import Problem
from onhand.domain.people import Scope
from onhand.domain.spelling import Text
from onhand.domain.states import CartState
from onhand.web.declaring import form, page
from onhand.web.named import Named, numbered
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted, label, label_of

ROWS = 50
SUGGESTIONS = 12
FILTERS = ("problem", "search", "after")
ASKED_FIRST = (
    Problem.UNMATCHED,
    Problem.DUPLICATE,
    Problem.BLANK,
    Problem.FRACTION,
    Problem.DOWNLOAD,
    Problem.DERIVED,
)
KINDS = (
    ("unsettled", "Unmatched, duplicate and no SKU"),
    *((problem.value, label(problem)) for problem in ASKED_FIRST),
    ("not aligned", label(CartState.NOT_ALIGNED)),
    ("parked", "Parked"),
    ("switched off", "Sold out and switched off"),
    ("chosen", "Linked by hand"),
    *((problem.value, label(problem)) for problem in (Problem.IGNORED, Problem.SET_ASIDE, Problem.DELETED)),
    ("doubtful", label(Text.DOUBTFUL)),
    ("mended", label(Text.MENDED)),
    ("all", "All products"),
)
MEANINGS = {
    "unmatched": "No item has this SKU.",
    "duplicate": "Another product of this shop has the same SKU, or was linked to the same item.",
    "blank": "The product has no SKU.",
    "looks alike": "Its SKU looks like another one but is written with other characters.",
    "fraction": "The shop has a fraction of a unit. Change it to a whole number there.",
    "download": "A download: its quantity does not change.",
    "derived": "The shop calculates its quantity from variants or sub-products.",
    "deleted": "The product no longer exists in the shop.",
    "ignored": "A person chose to ignore it.",
    "set aside": "Its item has Ignore QOH or Drop ship.",
}


def _listings(visit: Visit, cart: str) -> Page:
    return _list(visit, numbered(visit, cart), visit.query)


def _ignore(visit: Visit, cart: str) -> Page | Response:
    return _several(
        visit,
        numbered(visit, cart),
        "listing_ignore",
        lambda done: (
            f"{counted(done['ignored'], 'product')} of {done['cart']} ignored. To undo it, filter by “Ignored”."
        ),
    )


def _release(visit: Visit, cart: str) -> Page | Response:
    return _several(
        visit,
        numbered(visit, cart),
        "listing_release",
        lambda done: f"Undone: {counted(done['released'], 'product')} of {done['cart']} matched by SKU again.",
    )


def _switch_on(visit: Visit, cart: str) -> Page | Response:
    return _several(
        visit,
        numbered(visit, cart),
        "listing_switch_on",
        lambda done: (
            f"{counted(done['switched_on'], 'product')} of {done['cart']} will be switched on with the next update."
        ),
    )


def _leave_off(visit: Visit, cart: str) -> Page | Response:
    return _several(
        visit,
        numbered(visit, cart),
        "listing_leave_off",
        lambda done: f"{counted(done['left_off'], 'product')} of {done['cart']} left switched off.",
    )


def _product(visit: Visit, cart: str, product: str) -> Page:
    return _one(visit, numbered(visit, cart), product)


def _choose(visit: Visit, cart: str, product: str) -> Page | Response:
    found = numbered(visit, cart)
    return visit.submit(
        "listing_choose",
        {"cart": found.name, "product": product, "sku": visit.form.get("sku", "")},
        again=lambda: _one(visit, found, product),
        then=f"/carts/{found.id}/listings",
        said="Product {product} is now linked to {sku}. {says}",
    )


def _rename(visit: Visit, cart: str, product: str) -> Page | Response:
    found = numbered(visit, cart)
    model = visit.do("listing_suggest", cart=found.name, product=product, limit=1)["listing"]["model"] or ""
    return visit.submit(
        "item_edit",
        {"sku": visit.form.get("sku", ""), "new_sku": model},
        again=lambda: _one(visit, found, product),
        then=f"/carts/{found.id}/listings",
        said="The item was renamed to {sku}, as in the shop. Send or Get the product's quantity to sync it.",
    )


def _create_preview(visit: Visit, cart: str) -> Page:
    return _preview(visit, numbered(visit, cart))


def _create(visit: Visit, cart: str) -> Page | Response:
    found = numbered(visit, cart)
    return visit.submit(
        "listing_create",
        {"cart": found.name, "limit": 1},
        again=lambda: _preview(visit, found),
        then=f"/carts/{found.id}/listings",
        said=lambda answer: f"{counted(answer['counts']['created'], 'item')} created from {answer['cart']}.",
    )


def _preview(visit: Visit, cart: Named) -> Page:
    planned = visit.do("listing_create", cart=cart.name, dry_run=True, limit=ROWS)
    data = {"cart": cart, "rows": planned["lines"], "count": planned["counts"].get("created", 0)}
    return Page("listings_create.html", data, f"{cart.name}: Create items")


def _several(visit: Visit, cart: Named, verb: str, said: Callable[[Data], str]) -> Page | Response:
    """Carry out a form for the selected products, and return to the list with its filter."""
    asked = visit.given(*FILTERS)
    products = visit.form_lists.get("products", [])
    if not products:
        return visit.refuse(Refused("Select at least one product."), lambda: _list(visit, cart, asked))
    return visit.submit(
        verb,
        {"cart": cart.name, "products": products},
        again=lambda: _list(visit, cart, asked),
        then=_link(cart, asked),
        said=said,
    )


def _list(visit: Visit, cart: Named, asked: dict[str, str]) -> Page:
    asked = {"problem": "unsettled"} | {name: asked[name] for name in FILTERS if asked.get(name)}
    counts = visit.do("cart_show", cart=cart.name, texts=False)
    rows: list[dict[str, Any]] = []
    # Before an alignment only the shop knows its products, and the preview of Send or Get shows them.
    if counts["aligned"]:
        wanted = {name: asked[name] for name in ("search", "after") if name in asked}
        problem = None if asked["problem"] == "all" else asked["problem"]
        rows = visit.do("cart_products", cart=cart.name, problem=problem, limit=ROWS, **wanted)["products"]
    data = {
        "cart": cart,
        "aligned": counts["aligned"],
        "rows": [{**row, "state": _state(row)} for row in rows],
        "asked": asked,
        "kinds": KINDS,
        "first": _link(cart, {**asked, "after": ""}) if "after" in asked else None,
        "more": _link(cart, {**asked, "after": str(rows[-1]["product"])}) if len(rows) == ROWS else None,
        "counts": counts,
    }
    return Page("listings.html", data, f"{cart.name}: Unmatched and duplicate SKUs")


def _one(visit: Visit, cart: Named, product: str) -> Page:
    search = (visit.form or visit.query).get("search", "")
    found = visit.do("listing_suggest", cart=cart.name, product=product, search=search, limit=SUGGESTIONS)
    data = {"cart": cart, "product": found["listing"], "items": found["items"], "search": search, "meanings": MEANINGS}
    return Page("listing.html", data, f"{cart.name}: which item is product {found['listing']['product']}?")


def _state(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return tone, word and meaning of a product's state."""
    if row["looks_like"]:
        return (
            "warn",
            label(Problem.UNMATCHED),
            f"Looks like {row['looks_like']}, but is written with other characters.",
        )
    if row["problem"]:
        tone = "off" if row["problem"] in {"ignored", "set aside", "deleted"} else "warn"
        return tone, label_of(Problem, row["problem"]), MEANINGS.get(row["problem"], "")
    if row["parked"]:
        return "warn", "Parked", row["parked"]
    if not row["aligned"]:
        return "off", label(CartState.NOT_ALIGNED), "Send or Get its quantity to sync it."
    if row["switched_off"]:
        return "warn", "Switched off", "It sold out and was switched off in the shop."
    if row["held"]:
        return "warn", "Needs a decision", "A difference needs your decision."
    return "ok", label(CartState.IN_STEP), ""


def _link(cart: Named, asked: dict[str, str]) -> str:
    wanted = {name: value for name, value in asked.items() if value}
    return f"/carts/{cart.id}/listings?{urlencode(wanted)}" if wanted else f"/carts/{cart.id}/listings"


SCREENS = (
    page("/carts/{cart}/listings", Scope.READ, _listings),
    form("/carts/{cart}/listings/ignore", Scope.MANAGE, _ignore),
    form("/carts/{cart}/listings/release", Scope.MANAGE, _release),
    form("/carts/{cart}/listings/switch-on", Scope.MANAGE, _switch_on),
    form("/carts/{cart}/listings/leave-off", Scope.MANAGE, _leave_off),
    page("/carts/{cart}/listings/create", Scope.MANAGE, _create_preview),
    form("/carts/{cart}/listings/create", Scope.MANAGE, _create),
    page("/carts/{cart}/listings/{product}", Scope.READ, _product),
    form("/carts/{cart}/listings/{product}/choose", Scope.MANAGE, _choose),
    form("/carts/{cart}/listings/{product}/rename", Scope.MANAGE, _rename),
)
