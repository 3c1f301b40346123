"""System Parameters: what holds for the whole program, and which carts have values of their own.

Path: ``/parameters``; each parameter is a form of its own.
Promise: a change is refused if the value is not the one that was shown any more; who changed it last is shown.
Never: knows what a parameter does.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from onhand.domain.carts import Cart
from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit

# The parameters that a cart may set for itself, by the name of its setting.
OWN = {
    "TickSeconds": "tick_seconds",
    "SettleSeconds": "settle_seconds",
    "BatchSize": "batch_size",
    "EditPolicy": "policy",
}


def _save(visit: Visit) -> Page | Response:
    return visit.submit(
        "param_set",
        {"value": visit.form.get("value", ""), **visit.given("name", "seen")},
        again=lambda: _parameters(visit),
        then="/parameters",
        said="{name} is {value} now.",
    )


def _parameters(visit: Visit) -> Page:
    groups: dict[str, list[dict[str, Any]]] = {}
    changes, carts = visit.app.read(lambda books: (books.parameters.changes(), books.carts.all()))
    for parameter in visit.do("param_list")["parameters"]:
        name = parameter["name"]
        row = {**parameter, "changed": changes.get(name), "own": _own(carts, name)}
        groups.setdefault(parameter["group"], []).append(row)
    return Page("parameters.html", {"groups": groups}, "System Parameters")


def _own(carts: list[Cart], name: str) -> list[dict[str, Any]]:
    """The carts with a value of their own."""
    setting = OWN.get(name)
    values = [(cart, getattr(cart.settings, setting)) for cart in carts] if setting else []
    return [{"cart": cart.name, "id": cart.id, "value": str(value)} for cart, value in values if value is not None]


SCREENS = (
    page("/parameters", Scope.READ, _parameters),
    form("/parameters", Scope.MANAGE, _save),
)
