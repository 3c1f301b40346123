"""Webhooks: the programs that receive messages, the events they receive, and the results.

Path: ``/webhooks`` and ``/webhooks/ID``, for administrators.
Promise: a secret is shown once, on the page that answers the form; failed deliveries are listed with their reason and can be retried.
Never: sends anything except through the verb that tests.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from onhand.domain.errors import OnHandError
from onhand.domain.people import Scope
from onhand.domain.webhooks import Event
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.words import label

ROWS = 25  # deliveries on one page
HINTS = {
    Event.STOCK_CHANGED: "The quantity on hand of an item changed. At most 100 SKUs per message.",
    Event.DIFFERENCE_OPENED: "A shop shows a count that sales do not explain.",
    Event.CART_DOWN: "A shop could not be checked for more than a minute.",
    Event.CART_UP: "The shop can be checked again.",
}
EVENTS = tuple((event, label(event), hint) for event, hint in HINTS.items())
TONES = {"waiting": "way", "delivered": "ok", "given up": "bad"}


def _webhooks(visit: Visit, added: dict[str, Any] | None = None) -> Page:
    data = {"webhooks": visit.do("webhook_list")["webhooks"], "events": EVENTS, "added": added, "tones": TONES}
    return Page("webhooks.html", data, "Webhooks", () if visit.form else ("list",))


def _add(visit: Visit) -> Page:
    try:
        added = visit.do("webhook_add", url=visit.form.get("url", ""), **_chosen(visit))
    except OnHandError as error:
        return visit.refuse(error, lambda: _webhooks(visit))
    visit.form.clear()
    return _webhooks(visit, added=added)


def _webhook(visit: Visit, webhook: str) -> Page:
    """Return the page of one webhook. A page after an error is not live, because a form's address has no page."""
    found = visit.do(
        "webhook_show", webhook=webhook, limit=ROWS, **{k: v for k, v in visit.query.items() if k == "before"}
    )
    rows = found.pop("deliveries")
    base = f"/webhooks/{found['webhook']}"
    data = {
        "webhook": found,
        "deliveries": rows,
        "events": EVENTS,
        "tones": TONES,
        "base": base,
        "first": base if "before" in visit.query else None,
        "older": f"{base}?before={rows[-1]['delivery']}" if len(rows) == ROWS else None,
    }
    return Page("webhook.html", data, "Webhook", () if visit.form else ("state", "deliveries"))


def _save(visit: Visit, webhook: str) -> Page | Response:
    wanted = {"webhook": webhook, **visit.given("url", "revision"), **_chosen(visit)}
    return visit.submit(
        "webhook_edit",
        wanted,
        again=lambda: _webhook(visit, webhook),
        then=f"/webhooks/{webhook}",
        said="The webhook was saved.",
    )


def _switch(visit: Visit, webhook: str) -> Page | Response:
    return visit.submit(
        "webhook_edit",
        {"webhook": webhook, "active": visit.form.get("active") == "yes"},
        again=lambda: _webhook(visit, webhook),
        then=f"/webhooks/{webhook}",
        said=lambda answer: (
            "The webhook is on. New events will be sent." if answer["active"] else "The webhook is off."
        ),
    )


def _test(visit: Visit, webhook: str) -> Page | Response:
    tested = visit.do("webhook_test", webhook=webhook)
    if tested["delivered"]:
        return visit.go(f"/webhooks/{webhook}", f"The test was delivered: {tested['answer']}")
    visit.message = f"The test failed: {tested['answer']}"
    return _webhook(visit, webhook)


def _remove(visit: Visit, webhook: str) -> Page | Response:
    return visit.submit(
        "webhook_remove",
        {"webhook": webhook},
        again=lambda: _webhook(visit, webhook),
        then="/webhooks",
        said="The webhook to {removed} was removed.",
    )


def _retry(visit: Visit, webhook: str) -> Page | Response:
    return visit.submit(
        "webhook_retry",
        visit.given("delivery"),
        again=lambda: _webhook(visit, webhook),
        then=f"/webhooks/{webhook}",
        said="Delivery {delivery} is being sent again.",
    )


def _chosen(visit: Visit) -> dict[str, Any]:
    """Return the checked boxes of a form."""
    events = [event.value for event in Event if visit.checked(event.value)]
    return {"events": events, "allow_http": visit.checked("allow_http")}


SCREENS = (
    page("/webhooks", Scope.ADMINISTER, _webhooks),
    form("/webhooks", Scope.ADMINISTER, _add),
    page("/webhooks/{webhook}", Scope.ADMINISTER, _webhook),
    form("/webhooks/{webhook}", Scope.ADMINISTER, _save),
    form("/webhooks/{webhook}/switch", Scope.ADMINISTER, _switch),
    form("/webhooks/{webhook}/test", Scope.ADMINISTER, _test),
    form("/webhooks/{webhook}/remove", Scope.ADMINISTER, _remove),
    form("/webhooks/{webhook}/retry", Scope.ADMINISTER, _retry),
)
