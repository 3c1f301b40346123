"""Shopping Cart Functions: Send QOH to Website and Get QOH from Website, each with a preview first.

Path: ``/functions``; work that starts here continues at ``/tasks/NO``.
Promise: nothing changes before the preview was shown; a preview has all the counts but only the first rows.
Never: does the work itself: a task does, and survives this page.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from onhand.domain.errors import OnHandError
from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.named import Named, carts, numbered
from onhand.web.screens.tasks import PREVIEWED, RESULTS, in_order, shown
from onhand.web.visit import Page, Visit

PREVIEW_ROWS = 50
LATEST_TASKS = 5
VERBS = {"send": "send_qoh", "get": "get_qoh"}


def _functions(visit: Visit) -> Page:
    return _page(visit, visit.query)


def _begin(visit: Visit) -> Page | Response:
    cart = numbered(visit, visit.form.get("cart", ""))
    direction = "send" if visit.form.get("preview") == "send" else "get"
    return visit.submit(
        "task_start",
        {"verb": VERBS[direction], "arguments": {"cart": cart.name, **_options(direction, visit.form)}},
        again=lambda: _page(visit, visit.form),
        then=lambda answer: f"/tasks/{answer['task']}",
    )


def _page(visit: Visit, asked: dict[str, str]) -> Page:
    """Return the page for a cart and the preview of one direction."""
    known = carts(visit)
    wanted = asked.get("cart") or (str(known[0].id) if len(known) == 1 else "")
    cart = numbered(visit, wanted) if wanted else None
    data: dict[str, Any] = {
        "carts": [(one.id, one.name) for one in known],
        "cart": None,
        "preview": None,
        "asked": asked,
        "tasks": [],
        "running": None,
        "meanings": RESULTS,
        "previewed": PREVIEWED,
    }
    if cart is not None:
        found = visit.do("cart_show", cart=cart.name, texts=False)
        data |= {"cart": found, "running": found["task"], "batch_size": found["pace"]["batch_size"]}
        data["tasks"] = [shown(task) for task in visit.do("task_list", cart=cart.name, limit=LATEST_TASKS)["tasks"]]
        if asked.get("preview") in VERBS and data["running"] is None:
            data["preview"] = _preview(visit, cart, asked)
    title = f"{cart.name}: Shopping Cart Functions" if cart else "Shopping Cart Functions"
    # A preview asks the shop, so it is taken once, not at every change.
    return Page("functions.html", data, title, () if asked.get("preview") or not cart else ("latest",))


def _preview(visit: Visit, cart: Named, asked: dict[str, str]) -> dict[str, Any] | None:
    """Return what the button would do; None if that cannot be found out, and the page says why."""
    direction = asked["preview"]
    options = _options(direction, asked)
    try:
        found = visit.do(VERBS[direction], cart=cart.name, dry_run=True, limit=PREVIEW_ROWS, **options)
    except OnHandError as error:
        visit.refuse(error, lambda: Page(""))
        return None
    changes = sum(found["counts"].get(word, 0) for word in ("changed", "created"))
    counts = in_order(found["counts"])
    unreached = found["counts"].get("unmatched", 0)
    shown = {"changes": changes, "unreached": unreached, "counts": counts, "lines": found["lines"]}
    return {"direction": direction, "options": options, **shown}


def _options(direction: str, asked: dict[str, str]) -> dict[str, Any]:
    """Return the options next to the button, as arguments of its verb."""
    if direction == "get":
        return {"create": bool(asked.get("create"))}
    size = asked.get("batch_size", "").strip()
    return {"batch_size": size} if size else {}


SCREENS = (
    page("/functions", Scope.READ, _functions),
    form("/functions/begin", Scope.MANAGE, _begin),
)
