"""Verbs about system parameters, the status of all carts, and the proof.

Path: called by name through ``verbs.run``.
Promise: each answer shows one snapshot of the books.
Never: changes a quantity.
"""

from __future__ import annotations

from dataclasses import asdict

from onhand.app import App, Books
from onhand.domain.carts import Cart
from onhand.domain.notices import notices
from onhand.domain.oversell import SALES_REACH, expected_oversell, pace_per_second
from onhand.domain.parameters import PARAMETERS, Parameter, Value
from onhand.domain.states import CartState, all_in_step
from onhand.requests import office as requests
from onhand.services import bookkeeping, settings
from onhand.wire import Data

from .carts import COUNT_REST, processes_shown, shown_all
from .registry import verb

OWN = {  # parameters that a cart can override, with the name of its setting
    "TickSeconds": "tick_seconds",
    "SettleSeconds": "settle_seconds",
    "BatchSize": "batch_size",
    "EditPolicy": "policy",
}
NAMED = 5  # items that a notice names


@verb(requests.ParamList)
def param_list(app: App, _: requests.ParamList) -> Data:

    def read(books: Books) -> list[Data]:
        values, changes, carts = settings.values(books), books.parameters.changes(), books.carts.all()
        return [
            {
                **_parameter(known, values[name]),
                "changed": changes.get(name),
                "own": _own(carts, OWN[name]) if name in OWN else [],
            }
            for name, known in PARAMETERS.items()
        ]

    return {"parameters": app.read(read)}


@verb(requests.ParamGet)
def param_get(app: App, asked: requests.ParamGet) -> Data:
    known = settings.parameter(asked.name)
    return _parameter(known, app.read(settings.values)[known.name])


@verb(requests.ParamSet)
def param_set(app: App, asked: requests.ParamSet) -> Data:
    return _parameter(*settings.set_parameter(app.house, asked.name, asked.value, asked.person, asked.seen))


@verb(requests.Status)
def status(app: App, asked: requests.Status) -> Data:

    def count(books: Books) -> Data:
        return books.reports.stock_notices(NAMED)

    carts = shown_all(app, asked.shared)
    stock = (
        app.shared.answer("stock", app.mark, lambda: app.read(count), rest=COUNT_REST)
        if asked.shared
        else app.read(count)
    )
    values, items = app.read(lambda books: (settings.values(books), books.reports.item_count()))
    return {
        "store": str(app.address),
        "synch_qoh": values["SynchQOH"],
        "controller": app.driven,
        "items": items,
        "stock": stock,
        "notices": [asdict(notice) for notice in notices(carts, stock)],
        "in_step": all_in_step(CartState(cart["state"]) for cart in carts),
        "carts": carts,
        "processes": processes_shown(app, carts),
        "oversell": _oversell(app),
    }


def _oversell(app: App) -> Data | None:
    """Return how many units the synchronized carts may oversell, from this merchant's sales; None without enough sales."""
    now = app.clock.now()

    def read(books: Books) -> Data | None:
        if not settings.values(books)["SynchQOH"]:
            return None
        driven = [cart for cart in books.carts.all() if cart.synchronize and cart.settings.active and cart.aligned]
        if len(driven) < 2 or (best := books.reports.best_seller(now - SALES_REACH)) is None:
            return None
        sku, units, first = best
        if (pace := pace_per_second(units, now - first)) is None:
            return None
        window = max(settings.pace_of(books, cart).tick_seconds for cart in driven)
        return {
            "sku": sku,
            "rate_per_hour": pace * 3600,
            "window_seconds": window,
            "shops": len(driven),
            "expected_units": expected_oversell(pace, window, len(driven)),
        }

    return app.read(read)


@verb(requests.Prove)
def prove(app: App, _: requests.Prove) -> Data:
    proof = bookkeeping.prove(app.house)
    wrong = [{"sku": sku, "balance": balance, "movements": total} for sku, balance, total in proof.items]
    return {"holds": proof.holds, "items": wrong, "carts": proof.carts}


def _own(carts: list[Cart], setting: str) -> list[Data]:
    values = [(cart, getattr(cart.settings, setting)) for cart in carts]
    return [{"cart": cart.name, "id": cart.id, "value": value} for cart, value in values if value is not None]


def _parameter(known: Parameter, value: Value) -> Data:
    return {
        "group": known.group,
        "name": known.name,
        "value": value,
        "default": known.default,
        "meaning": known.meaning,
        "possible": known.possible(),
        "choices": ["True", "False"] if isinstance(known.default, bool) else list(known.choices),
    }
