"""System Parameters: values for the whole program, and the carts that have values of their own.

Path: ``/parameters``; each parameter is a form of its own.
Promise: a change is refused if the shown value is out of date; the page shows who changed it last.
Never: knows what a parameter does.
"""

from __future__ import annotations

from fastapi.responses import Response

from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.wire import Data


def _parameters(visit: Visit) -> Page:
    groups: dict[str, list[Data]] = {}
    for parameter in visit.do("param_list")["parameters"]:
        groups.setdefault(parameter["group"], []).append(parameter)
    return Page("parameters.html", {"groups": groups}, "System Parameters")


def _save(visit: Visit) -> Page | Response:
    return visit.submit(
        "param_set",
        {"value": visit.form.get("value", ""), **visit.given("name", "seen")},
        again=lambda: _parameters(visit),
        then="/parameters",
        said="{name} is now {value}.",
    )


SCREENS = (
    page("/parameters", Scope.READ, _parameters),
    form("/parameters", Scope.MANAGE, _save),
)
