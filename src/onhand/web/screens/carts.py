"""Shopping Carts (Create/Edit): connect a shop, set it up, test it, and switch Synchronize Inventory.

Path: ``/carts``, ``/carts/new`` and ``/carts/ID``; a cart is addressed by its number, since its name can change.
Promise: Synchronize Inventory is there only while SynchQOH is True; checking it compares first and says what differs.
Never: shows a key except in the file that an administrator asks for, or ever a password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import Response

from onhand.domain.differences import Policy
from onhand.domain.errors import Conflict, OnHandError, Refused
from onhand.domain.people import Scope
from onhand.domain.states import QUIET, CartState
from onhand.files import shopfiles
from onhand.web import view
from onhand.web.declaring import form, page
from onhand.web.named import Named, numbered
from onhand.web.visit import Page, Visit
from onhand.words import choices, counted

ROWS = 50  # carts on one page
NAMES = 8  # carts named beside a process
NOT_IN_STEP = "open"  # a filter: all states that are not quiet
DIFFERING_ROWS = 20  # rows of the counts that keep a cart from being switched on
POLICIES = (
    ("default", "As in System Parameters (EditPolicy)"),
    *choices(Policy),
)
NEW = Page("cart_new.html", title="Connect a shop")
FILE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _carts(visit: Visit) -> Page:
    found, query = visit.do("cart_list", shared=True), visit.query
    carts = _matching(found["carts"], query.get("q", ""), query.get("state", ""))
    first = max(0, min(int(query["from"]) if query.get("from", "").isdecimal() else 0, len(carts) - 1))
    rows = [{**cart, "card": view.card(cart)} for cart in carts[first : first + ROWS]]
    shown = {
        "carts": rows,
        "all": len(found["carts"]),
        "many": len(found["carts"]) > ROWS,
        "states": (("", "Any"), (NOT_IN_STEP, "Not in sync"), *choices(CartState)),
        "first": visit.link(**{"from": None}) if first else None,
        "back": visit.link(**{"from": max(0, first - ROWS)}) if first else None,
        "on": visit.link(**{"from": first + ROWS}) if first + ROWS < len(carts) else None,
        "place": f"{first + 1:,} to {first + len(rows):,} of {len(carts):,}" if rows else "",
        "processes": [
            {**one, "more": len(one["carts"]) - NAMES, "carts": one["carts"][:NAMES]} for one in found["processes"]
        ],
    }
    return Page("carts.html", shown, "Shopping Carts", ("list",), ages=True)


def _matching(carts: Sequence[Mapping[str, Any]], search: str, state: str) -> list[Mapping[str, Any]]:
    """Return the carts with a text in their names and in a state; blanks match all."""
    states = {state} if state else set(CartState)
    if state == NOT_IN_STEP:
        states = set(CartState) - QUIET
    wanted = search.strip().casefold()
    return [cart for cart in carts if cart["state"] in states and wanted in cart["name"].casefold()]


def _new(_: Visit) -> Page:
    return NEW


def _add(visit: Visit) -> Page | Response:
    wanted = {name: visit.form.get(name, "") for name in ("name", "url", "secret")}
    return visit.submit(
        "cart_add",
        {**wanted, "allow_http": visit.checked("allow_http")},
        again=lambda: NEW,
        then=lambda answer: f"/carts/{answer['id']}",
        said=lambda answer: f"{answer['name']} was added. Next: {_next_step(answer)}, then test the connection.",
    )


def _cart(visit: Visit, cart: str) -> Page:
    return _page(visit, numbered(visit, cart))


def _force(visit: Visit, cart: str) -> Page | Response:
    found = numbered(visit, cart)
    reason = visit.form.get("force", "").strip()
    if not reason:
        return visit.refuse(
            Refused("Give a reason: it is recorded in the audit log.", force=""), lambda: _page(visit, found)
        )
    return _switch(visit, found, True, reason)


def _remove(visit: Visit, cart: str) -> Page | Response:
    found = numbered(visit, cart)
    return visit.submit(
        "cart_remove",
        {"cart": found.name, "confirm": visit.form.get("confirm", "")},
        again=lambda: _page(visit, found),
        then="/carts",
        said="{removed} was removed. Its movements stay.",
    )


def _password(visit: Visit, cart: str) -> Page | Response:
    found = numbered(visit, cart)
    return visit.submit(
        "cart_password",
        {"cart": found.name, "password": visit.form.get("password", "")},
        again=lambda: _page(visit, found),
        then=f"/carts/{found.id}",
        said="The password for {cart} was saved. Test the connection next.",
    )


def _connector(visit: Visit, cart: str) -> Response:
    numbered(visit, cart)
    return _file(shopfiles.CONNECTOR, shopfiles.connector().read_bytes())


def _hint(visit: Visit, cart: str) -> Response:
    numbered(visit, cart)
    return _file("onhand-hint.zip", shopfiles.hint_archive())


def _key(visit: Visit, cart: str) -> Page | Response:
    found = numbered(visit, cart)
    try:
        prefix = visit.form.get("prefix", "").strip()
        made = visit.do("cart_key", cart=found.name, prefix=prefix, renew=visit.checked("renew"))
    except OnHandError as error:
        return visit.refuse(error, lambda: _page(visit, found))
    return _file(made["file"], made["text"].encode())


def _synch_qoh(visit: Visit) -> bool:
    """Return whether real-time synchronization is possible at all."""
    return bool(visit.do("param_get", name="SynchQOH")["value"])


def _page(visit: Visit, found: Named, **more: Any) -> Page:
    """Return the page of one cart. A page after an error is not live, because a form's address has no page."""
    cart = visit.do("cart_show", cart=numbered(visit, found.id).name)
    data = {
        "cart": cart,
        "card": view.card(cart),
        "synch_qoh": _synch_qoh(visit),
        "grants": visit.do("cart_grants", cart=cart["name"])["text"] if cart["direct"] else "",
        "policies": POLICIES,
        "hint_address": visit.do("param_get", name="HintURL")["value"],
        "differing": [],
        "differing_count": 0,
        "tested": None,
        **more,
    }
    return Page("cart.html", data, cart["name"], () if visit.form else ("state",), ages=True)


def _next_step(cart: Mapping[str, Any]) -> str:
    return "grant the database rights below" if cart["direct"] else "copy the two files into the shop"


def _save(visit: Visit, cart: str) -> Page | Response:
    """Save the settings first, then move the switch if it was changed."""
    found, form = numbered(visit, cart), visit.form
    wanted = {
        name: form.get(name, "").strip() or 0 for name in ("buffer", "batch_size", "tick_seconds", "settle_seconds")
    }
    wanted |= {name: form.get(name, "") for name in ("name", "url", "policy", "revision")}
    checked = {name: visit.checked(name) for name in ("allow_http", "active")}
    try:
        saved = visit.do("cart_edit", cart=found.name, **wanted, **checked)
    except OnHandError as error:
        return visit.refuse(error, lambda: _page(visit, found))
    # The box may have been absent when the page was opened: a box that was not shown was not unchecked.
    box, checked_now = form.get("box") == "yes" and _synch_qoh(visit), visit.checked("synchronize")
    if box and checked_now != saved["synchronize"]:
        return _switch(visit, found, checked_now, "")
    return visit.go(f"/carts/{found.id}", f"{saved['name']} was saved.")


def _switch(visit: Visit, found: Named, on: bool, reason: str) -> Page | Response:
    """Switch Synchronize Inventory. Counts that differ are listed, with the possible next steps."""
    name = numbered(visit, found.id).name
    said = f"Synchronization is off for {name}: its sales are not recorded and no updates are sent."
    try:
        _check_free(visit, found)
        if on:
            posted = visit.do("sync_on", cart=name, force=reason)["posted_at_once"]
            said = f"{name} is being synchronized; {counted(posted, 'update')} will be sent now."
        else:
            visit.do("sync_off", cart=name)
    except OnHandError as error:
        rows = error.facts.get("differing")
        differing: Mapping[str, Any] = {}
        if isinstance(rows, list):
            differing = {"differing": rows[:DIFFERING_ROWS], "differing_count": error.facts["count"]}
        page = visit.refuse(error, lambda: _page(visit, found, **differing))
        if not reason:
            visit.message = f"The settings were saved, but Synchronize Inventory was not changed. {error.message}"
        return page
    return visit.go(f"/carts/{found.id}", said)


def _test(visit: Visit, cart: str) -> Page:
    """Test the real path: hello and a look, and with a SKU one unit there and back."""
    found = numbered(visit, cart)
    sku = visit.form.get("sku", "").strip()
    try:
        _check_free(visit, found)
        tested = visit.do("cart_test", cart=found.name, **({"sku": sku} if sku else {}))
    except OnHandError as error:
        return visit.refuse(error, lambda: _page(visit, found))
    return _page(visit, found, tested={**tested, "sku": sku})


def _check_free(visit: Visit, found: Named) -> None:
    """Raise Conflict while a Send is running: a page does not wait for minutes."""
    task = visit.do("cart_show", cart=numbered(visit, found.id).name, texts=False)["task"]
    if task is not None:
        raise Conflict(
            f"Task {task} is running on this cart. Try again when it has finished.", reason="busy", task=task
        )


def _file(name: str, content: bytes) -> Response:
    """Return a file for a person to keep."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers={**FILE, **disposition})


SCREENS = (
    page("/carts", Scope.READ, _carts),
    page("/carts/new", Scope.MANAGE, _new),
    form("/carts/new", Scope.MANAGE, _add),
    page("/carts/{cart}", Scope.READ, _cart),
    form("/carts/{cart}", Scope.MANAGE, _save),
    form("/carts/{cart}/force", Scope.MANAGE, _force),
    form("/carts/{cart}/test", Scope.MANAGE, _test),
    form("/carts/{cart}/remove", Scope.ADMINISTER, _remove),
    form("/carts/{cart}/password", Scope.MANAGE, _password),
    page("/carts/{cart}/onhand.php", Scope.MANAGE, _connector),
    page("/carts/{cart}/onhand-hint.zip", Scope.MANAGE, _hint),
    form("/carts/{cart}/key", Scope.ADMINISTER, _key),
)
